import type { HomeMessage, HomeMessageCarrier, HomeMessages } from '#core';
import { Emitter, TonearmError } from '#foundation';
import type { HomeMessageLine } from './surface.ts';
import { isFilter } from './topic-filter.ts';

export interface OpenHomeMessages {
  /** For those who listen and speak. */
  readonly messages: HomeMessages;
  /** For whoever has a broker. */
  readonly carry: (carrier: HomeMessageCarrier) => HomeMessageLine;
}

interface Listener {
  readonly filter: string;
  readonly hear: (message: HomeMessage) => void;
}

/** Between those who want to hear the home and those who have a line to it. A listener that throws is reported and disturbs nobody. */
export function openHomeMessages(onError: (error: unknown) => void): OpenHomeMessages {
  const emitter = new Emitter<{ up: undefined; down: undefined; born: undefined }>(onError);
  const listeners = new Set<Listener>();
  /** Who carries, and whether their line is up. */
  const carriers = new Map<HomeMessageCarrier, boolean>();
  const isUp = () => [...carriers.values()].includes(true);
  const isWanted = (filter: string) => [...listeners].some((one) => one.filter === filter);

  const hear = (message: HomeMessage, filter: string) => {
    for (const listener of [...listeners]) {
      // One may have left because of what another heard.
      if (listener.filter !== filter || !listeners.has(listener)) continue;
      try {
        listener.hear(message);
      } catch (error) {
        onError(error);
      }
    }
  };

  const turn = (carrier: HomeMessageCarrier, up: boolean) => {
    if (!carriers.has(carrier)) return;
    const before = isUp();
    carriers.set(carrier, up);
    if (up) emitter.emit('up', undefined);
    else if (before && !isUp()) emitter.emit('down', undefined);
  };

  return {
    messages: {
      get isUp() {
        return isUp();
      },
      events: emitter.events,
      subscribe(filter, heard) {
        if (!isFilter(filter)) {
          throw new TonearmError({ kind: 'invalid', code: 'surface/bad-filter', message: `"${filter.slice(0, 100)}" is no MQTT topic that can be listened to: "+" stands for one whole level, "#" for the rest at the end, and there is nothing else of that kind.` });
        }
        const isNew = !isWanted(filter);
        const listener: Listener = { filter, hear: heard };
        listeners.add(listener);
        if (isNew) for (const carrier of carriers.keys()) carrier.subscribe(filter);
        return {
          [Symbol.dispose]() {
            if (listeners.delete(listener) && !isWanted(filter)) for (const carrier of carriers.keys()) carrier.unsubscribe(filter);
          },
        };
      },
      async publish({ topic, payload, retained = false }) {
        const sent = await Promise.all([...carriers.keys()].map((carrier) => carrier.publish({ topic, payload, retained })));
        return sent.includes(true);
      },
    },
    carry(carrier) {
      carriers.set(carrier, false);
      for (const filter of new Set([...listeners].map((listener) => listener.filter))) carrier.subscribe(filter);
      return {
        up: () => turn(carrier, true),
        down: () => turn(carrier, false),
        born: () => emitter.emit('born', undefined),
        hear,
        [Symbol.dispose]() {
          turn(carrier, false);
          carriers.delete(carrier);
        },
      };
    },
  };
}
