import { createHash } from 'node:crypto';
import type { Host, Millis } from '#core';
import type { Cause } from './rule-machine.ts';
import type { Pause } from './run.ts';
import type { RuleSettings } from './settings.ts';

const name = 'automation-runs';
/** Shorter waits are written only when the daemon ends. */
const shortest = 30_000;

export interface Kept extends Pause {
  /** Its rule was off already when it began to wait: by hand, or because it switched itself off. */
  readonly wasOff: boolean;
}

interface Entry extends Kept {
  readonly rule: string;
  readonly print: string;
}

/** Runs that wait, kept so that a restart does not forget to stop what they have begun. */
export class Unfinished implements AsyncDisposable {
  readonly #host: Pick<Host, 'store' | 'log' | 'clock'>;
  readonly #entries = new Map<string, Entry>();
  readonly #before: readonly Entry[];
  #written: ReadonlySet<string> = new Set();

  private constructor(host: Pick<Host, 'store' | 'log' | 'clock'>, before: readonly Entry[]) {
    this.#host = host;
    this.#before = before;
  }

  static async open(host: Pick<Host, 'store' | 'log' | 'clock'>): Promise<Unfinished> {
    return new Unfinished(host, entriesOf(await host.store.read(name)));
  }

  /** What this rule was waiting for when the daemon ended, if its actions are still the same. */
  of(rule: RuleSettings): readonly Kept[] {
    const print = printOf(rule);
    return this.#before.filter((entry) => entry.rule === rule.id && entry.print === print && entry.index < rule.then.length);
  }

  async note(key: string, rule: RuleSettings, pause: Kept | null): Promise<void> {
    if (pause) {
      this.#entries.set(key, { ...pause, rule: rule.id, print: printOf(rule) });
      if (pause.until - this.#host.clock.now() < shortest) return;
    } else {
      this.#entries.delete(key);
      if (!this.#written.has(key)) return;
    }
    await this.save();
  }

  async save(): Promise<void> {
    this.#written = new Set(this.#entries.keys());
    try {
      await this.#host.store.write(name, [...this.#entries.values()]);
    } catch (error) {
      this.#host.log.warn('What automations wait for could not be saved; a restart would forget it', { error });
    }
  }

  get hadAny(): boolean {
    return this.#before.length > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if ([...this.#entries.keys()].some((key) => !this.#written.has(key))) await this.save();
  }
}

function printOf({ then }: RuleSettings): string {
  return createHash('sha256').update(JSON.stringify(then)).digest('hex').slice(0, 16);
}

function entriesOf(stored: unknown): Entry[] {
  if (!Array.isArray(stored)) return [];
  return (stored as (Partial<Entry> | null)[])
    .filter((entry): entry is Entry => typeof entry?.rule === 'string' && typeof entry.print === 'string' && Number.isInteger(entry.index) && typeof entry.until === 'number' && isCause(entry.cause))
    .map((entry) => ({ ...entry, zones: Array.isArray(entry.zones) ? entry.zones : [], lost: Array.isArray(entry.lost) ? entry.lost : [], wasOff: (entry as Partial<Entry>).wasOff === true }));
}

function isCause(value: unknown): value is Cause {
  const cause = value as Partial<Cause> | null | undefined;
  return typeof cause?.kind === 'string' && typeof cause.text === 'string' && Array.isArray(cause.chain);
}

/** Whether a wait that should be over since `until` may still go on. */
export function isInTime(until: Millis, now: Millis, missed: RuleSettings['missed']): boolean {
  const grace = 60_000;
  return until >= now - Math.max(grace, missed === 'skip' ? 0 : missed.catchUp);
}
