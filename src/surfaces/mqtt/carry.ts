import type { Log } from '#foundation';
import type { HomeMessageLine, SurfaceContext } from '../surface.ts';
import type { Link } from './link.ts';
import type { Topics } from './topics.ts';

export interface CarryOptions {
  readonly link: Pick<Link, 'listen' | 'publish' | 'isUp' | 'events'>;
  readonly topics: Topics;
  readonly log: Log;
  readonly qos: 0 | 1;
}

/** Carries what other parts want to hear and say on the owner's broker. */
export function carryMessages(carry: NonNullable<SurfaceContext['carry']>, { link, topics, log, qos }: CarryOptions): Disposable & Pick<HomeMessageLine, 'born'> {
  const heard = new Map<string, Disposable>();
  // Those who are carried may subscribe while they are told of the line, before it has a name here.
  let line: HomeMessageLine | null = null;
  const carried = carry({
    subscribe(filter) {
      if (filter.startsWith(`${topics.prefix}/`)) log.info('An automation listens on our own topics; what we publish there ourselves it does not hear.', { filter });
      heard.get(filter)?.[Symbol.dispose]();
      heard.set(
        filter,
        // No echo: what listens to what it says can talk to itself for ever.
        link.listen(filter, ({ topic, payload, retained }) => {
          if (!isOurs(topics, topic)) line?.hear({ topic, payload, retained }, filter);
        }, { echo: false }),
      );
    },
    unsubscribe(filter) {
      heard.get(filter)?.[Symbol.dispose]();
      heard.delete(filter);
    },
    publish: ({ topic, payload, retained }) => link.publish({ topic, payload, retained, qos }),
  });
  line = carried;
  const ends = [link.events.on('up', () => carried.up()), link.events.on('down', () => carried.down())];
  if (link.isUp) carried.up();
  return {
    born: () => carried.born(),
    [Symbol.dispose]() {
      for (const end of [...ends, carried, ...heard.values()]) end[Symbol.dispose]();
      heard.clear();
    },
  };
}

/** On MQTT 3.1.1 what we publish comes back: our own pictures are no news. */
function isOurs(topics: Topics, topic: string): boolean {
  return topic.startsWith(`${topics.prefix}/`) && topics.parse(topic) === null;
}
