import type { Host, Millis } from '#core';
import { isAbort, sleep, toTonearmError, withTimeout } from '#foundation';
import { readCalendar, type Calendar, type CalendarEntry } from './calendar.ts';

/** Where a calendar comes from that is not in a file. */
export interface CalendarSource {
  /** Under which its last good copy is kept. */
  readonly id: string;
  /** As people know it: `the calendar at example.org`. */
  readonly name: string;
  /** How often it is asked, ms. */
  readonly every: Millis;
  /** It is on this machine: worth waiting for when nothing is kept, and no reason to keep a start busy when something is. */
  readonly isNear: boolean;
  /** An iCalendar text. */
  readonly load: (signal: AbortSignal) => Promise<string>;
}

export interface KeptCalendarOptions {
  readonly host: Pick<Host, 'clock' | 'log' | 'store'>;
  readonly changed: () => void;
}

/** What is kept begins so. */
export const keptPrefix = 'calendar-';
const patience = 60_000;
const pause = 3_600_000;
const afterStart = 60_000;

/** A calendar from elsewhere: its last good copy at once, a fresh one behind it and from time to time. */
export class KeptCalendar implements AsyncDisposable {
  readonly #source: CalendarSource;
  readonly #options: KeptCalendarOptions;
  readonly #closing = new AbortController();
  #text: string | null = null;
  #calendar: Calendar = { entries: [], doubts: [] };
  /** Said once. */
  readonly #doubts = new Set<string>();
  #isAway = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(source: CalendarSource, options: KeptCalendarOptions) {
    this.#source = source;
    this.#options = options;
  }

  static async open(source: CalendarSource, options: KeptCalendarOptions): Promise<KeptCalendar> {
    const calendar = new KeptCalendar(source, options);
    const kept = await options.host.store.sealed.read(keptPrefix + source.id);
    const isKept = typeof kept === 'string';
    if (isKept) calendar.#take(kept);
    if (source.isNear && !isKept) await calendar.#refresh();
    calendar.#running = calendar.#goOn(!source.isNear ? 0 : isKept ? afterStart : calendar.#rest);
    return calendar;
  }

  get entries(): readonly CalendarEntry[] {
    return this.#calendar.entries;
  }

  get #rest(): Millis {
    return this.#isAway ? pause : this.#source.every;
  }

  async #goOn(delay: Millis): Promise<void> {
    const { clock } = this.#options.host;
    try {
      await sleep(clock, delay, this.#closing.signal);
      while (true) {
        await this.#refresh();
        await sleep(clock, this.#rest, this.#closing.signal);
      }
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  }

  async #refresh(): Promise<void> {
    const { clock, log, store } = this.#options.host;
    const { id, name, load } = this.#source;
    try {
      const text = await withTimeout(clock, patience, { code: 'automations/calendar-away', message: 'There was no answer in time.' }, this.#closing.signal, load);
      if (this.#isAway) log.info(`${name} is there again.`);
      this.#isAway = false;
      if (this.#text !== null && meaningOf(text) === meaningOf(this.#text)) return;
      this.#take(text);
      this.#options.changed();
      await store.sealed.write(keptPrefix + id, text).catch((error: unknown) => log.warn(`${name} cannot be kept; it holds until the next start`, { error }));
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const { kind, code, message } = toTonearmError(error);
      // What is written wrongly will be so in an hour.
      if (kind === 'invalid') log.warn(message, { code });
      else if (!this.#isAway) log.warn(`${name} cannot be had now (${message.replace(/\.$/, '')}). ${this.#text === null ? 'None of its days are free until it can be' : 'What it said last holds'}; it is asked again every hour.`, { code: 'automations/calendar-away' });
      this.#isAway = kind !== 'invalid';
    }
  }

  #take(text: string): void {
    this.#text = text;
    this.#calendar = readCalendar(text);
    for (const doubt of this.#calendar.doubts) {
      if (this.#doubts.has(doubt)) continue;
      this.#doubts.add(doubt);
      this.#options.host.log.warn(`${this.#source.name}: ${doubt}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException('Nobody asks for days any more.', 'AbortError'));
    await this.#running;
  }
}

/** Some servers put the moment of asking into every entry. */
function meaningOf(text: string): string {
  return text.replace(/^(DTSTAMP|LAST-MODIFIED|CREATED)[:;][^\n]*\n/gim, '');
}
