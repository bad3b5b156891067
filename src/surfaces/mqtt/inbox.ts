import type { Presets, ZoneView } from '#core';
import { type Clock, isAbort, type Log, type LogFields, type TonearmError, toTonearmError } from '#foundation';
import type { Bridge } from './bridge.ts';
import type { Link } from './link.ts';
import type { Incoming } from './message.ts';
import type { Outlet } from './outlet.ts';
import type { InName, OutName, TopicPlace, Topics } from './topics.ts';
import {
  type BridgeRequest, errorResponse, isVolumeOnly, MqttError, okResponse, parseBridgeRequest, parseSet, parseSetKey, type ResponseMessage, type SetRequest, type Transaction,
} from './wire/index.ts';
import { type ToldVolumes, ZoneCommands } from './zone-commands.ts';

export interface InboxOptions {
  readonly zones: readonly ZoneView[];
  readonly topics: Topics;
  readonly outlet: Outlet;
  readonly link: Pick<Link, 'publish'>;
  readonly bridge: Bridge;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Somebody wants to see a zone's topics anew. */
  readonly onGet: (zone: string) => void;
  readonly presets?: Pick<Presets, 'list'> | undefined;
  readonly told?: ((zone: string) => ToldVolumes | undefined) | undefined;
  /** Keeps a zone from being shown half changed, until disposed. */
  readonly hold?: ((zone: string) => Disposable | undefined) | undefined;
}

/** Where an answer goes, and whether anybody waits for one. */
interface Asker {
  readonly row: OutName;
  readonly place: TopicPlace;
  readonly answerTo: Incoming['answerTo'];
}

/** Warnings that are logged in each span. Milliseconds. */
const mostLogged = 20;
const logSpan = 60_000;

/** Reads what arrives on our topics, has it done, and answers. */
export class Inbox implements Disposable {
  readonly #options: InboxOptions;
  readonly #commands: ReadonlyMap<string, ZoneCommands>;
  /** Warnings of the current span. */
  #logged = { since: -Infinity, count: 0 };

  constructor(options: InboxOptions) {
    this.#options = options;
    const { zones, clock, signal, presets, told, hold } = options;
    this.#commands = new Map(zones.map((zone) => [zone.id, new ZoneCommands(zone, { clock, signal, presets, told: told?.(zone.id), hold: () => hold?.(zone.id) ?? { [Symbol.dispose]: () => undefined } })]));
  }

  receive(message: Incoming): void {
    const { topics } = this.#options;
    const target = topics.parse(message.topic);
    if (!target) return;
    if (message.retained) {
      this.#warn('A retained command was ignored: it would be repeated at every connection. Clear it, and publish commands without the retain flag.', { topic: message.topic });
      return;
    }
    const { row, ...place } = target;
    const asker = this.#asker(row, place, message);
    if (place.zone !== undefined && !this.#commands.has(place.zone)) {
      const known = [...this.#commands.keys()].join(', ');
      // Not answered: the topic of an unknown zone is not ours to write to.
      this.#warn('A command for a zone that does not exist was ignored.', { zone: place.zone, known });
      return;
    }
    try {
      this.#read(row, place, message.payload, asker);
    } catch (error) {
      this.#refuse(asker, [toTonearmError(error)], null);
    }
  }

  #asker(row: InName, place: TopicPlace, { answerTo }: Incoming): Asker {
    if (row === 'bridgeRequest') return { row: 'bridgeResponse', place, answerTo };
    const isGroup = row === 'groupSet' || row === 'groupSetKey';
    return { row: isGroup ? 'groupResponse' : 'zoneResponse', place, answerTo };
  }

  #read(row: InName, { zone = '', key = '', name = '' }: TopicPlace, payload: Buffer, asker: Asker): void {
    switch (row) {
      case 'bridgeRequest': {
        void this.#ask(name, parseBridgeRequest(payload), asker);
        return;
      }
      case 'zoneGet':
        this.#options.onGet(zone);
        return;
      case 'zoneSet':
      case 'zoneSetKey':
        void this.#carryOut([zone], row === 'zoneSet' ? parseSet(payload) : parseSetKey(key, payload), asker);
        return;
      case 'groupSet':
      case 'groupSetKey':
        void this.#carryOut([...this.#commands.keys()], row === 'groupSet' ? parseSet(payload) : parseSetKey(key, payload), asker);
    }
  }

  async #ask(name: string, request: BridgeRequest, asker: Asker): Promise<void> {
    try {
      this.#answer(asker, okResponse(await this.#options.bridge.answer(name, request, this.#options.signal), request.transaction));
    } catch (error) {
      this.#refuse(asker, [toTonearmError(error)], request.transaction);
    }
  }

  async #carryOut(zones: readonly string[], request: SetRequest, asker: Asker): Promise<void> {
    const { actions, refused, skipped, transaction } = request;
    if (refused.length > 0) {
      this.#refuse(asker, [...refused, ...skipped], transaction);
      return;
    }
    const [first] = actions;
    const slides = isVolumeOnly(request) && transaction === null && asker.answerTo === undefined;
    const outcomes = await Promise.all(
      zones.map(async (zone) => {
        const commands = this.#commands.get(zone);
        if (!commands || !first) return { zone, error: null };
        try {
          await (slides ? commands.slide(first) : commands.apply(actions));
          return { zone, error: null };
        } catch (error) {
          return { zone, error: toTonearmError(error) };
        }
      }),
    );
    const data = asker.row === 'groupResponse' ? { zones: Object.fromEntries(outcomes.map(({ zone, error }) => [zone, error?.code ?? 'ok'])) } : {};
    const errors: TonearmError[] = [...outcomes.flatMap(({ error }) => error ?? []), ...skipped];
    if (errors.length > 0) this.#refuse(asker, errors, transaction, data);
    else if (transaction !== null || asker.answerTo) this.#answer(asker, okResponse(data, transaction));
  }

  /** Refusals are answered even when nobody waits: a person who tries things out sees why nothing happens. */
  #refuse(asker: Asker, errors: readonly TonearmError[], transaction: Transaction | null, data = {}): void {
    if (errors.every(isAbort)) return;
    const response = errorResponse(errors, transaction, data);
    for (const error of errors) {
      this.#warn('A command over MQTT was refused.', {
        topic: this.#options.topics.of(asker.row, asker.place),
        code: error.code,
        reason: error.message,
        ...(error instanceof MqttError && error.key !== undefined ? { key: error.key } : {}),
      });
    }
    this.#answer(asker, response);
  }

  /** A client gone mad must not fill the log; its answers are on the response topic all the same. */
  #warn(message: string, fields: LogFields): void {
    const { clock, log } = this.#options;
    const now = clock.monotonic();
    if (now - this.#logged.since > logSpan) this.#logged = { since: now, count: 0 };
    this.#logged.count += 1;
    if (this.#logged.count <= mostLogged) log.warn(message, fields);
    else if (this.#logged.count === mostLogged + 1) log.warn('More commands over MQTT are refused or ignored; no more of them are logged for a while. Look at the response topics.');
  }

  #answer({ row, place, answerTo }: Asker, response: ResponseMessage): void {
    const { outlet, link, topics } = this.#options;
    const correlation = answerTo?.correlation === undefined ? {} : { correlation: answerTo.correlation };
    // An answer is never a command: topics that we, or another like us, listen to get none.
    if (answerTo && answerTo.topic !== topics.of(row, place) && isAnswerable(answerTo.topic, topics)) {
      void link.publish({ topic: answerTo.topic, payload: JSON.stringify(response), retained: false, qos: 0, expiry: 60, ...correlation });
    } else {
      void outlet.send(row, place, response, correlation);
    }
  }

  [Symbol.dispose](): void {
    for (const commands of this.#commands.values()) commands[Symbol.dispose]();
  }
}

function isAnswerable(topic: string, topics: Topics): boolean {
  if (topic === '' || /[+#\0]/.test(topic) || topic.startsWith('$') || topic.startsWith(`${topics.prefix}/`)) return false;
  return !/\/(set|get)(\/|$)|\/request\//.test(topic);
}
