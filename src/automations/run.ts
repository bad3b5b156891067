import type { Millis } from '#core';
import { isAbort, toTonearmError, type TonearmError } from '#foundation';
import type { Acting, Doing } from './acting.ts';
import type { Action } from './actions.ts';
import type { RunRecord } from './ports.ts';
import type { Cause } from './rule-machine.ts';
import type { RuleSettings } from './settings.ts';
import { perform } from './perform.ts';
import { wait, waitUntil, type WaitEnd } from './waiting.ts';

/** Where a run was when it began to wait, as it is kept across restarts. */
export interface Pause {
  /** Number of the action that waits. */
  readonly index: number;
  /** Unix ms at which the waiting is over at the latest. */
  readonly until: Millis;
  readonly cause: Cause;
  /** Zones in which it has begun something, and those that a person has taken from it since. */
  readonly zones: readonly string[];
  readonly lost: readonly string[];
}

export interface RunPorts extends Doing {
  /** A run begins to wait, or goes on (null). */
  paused(pause: Pause | null): void;
}

/** Why a run ended before its end. */
export class Interrupted extends Error {}

/** One firing while it goes on: its actions one after the other. */
export class Run implements Acting {
  /** `morning#3` */
  readonly key: string;
  readonly rule: RuleSettings;
  readonly cause: Cause;
  readonly record: RunRecord;
  readonly #ports: RunPorts;
  readonly #abort = new AbortController();
  /** Zones in which it began something, and those a person has taken from it since. */
  readonly #zones = new Set<string>();
  readonly #lost = new Set<string>();
  #waiting: Pick<Pause, 'index' | 'until'> | null = null;

  constructor(rule: RuleSettings, number: number, cause: Cause, record: RunRecord, ports: RunPorts) {
    this.rule = rule;
    this.key = `${rule.id}#${number}`;
    this.cause = cause;
    this.record = record;
    this.#ports = ports;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  interrupt(why: string): void {
    this.#abort.abort(new Interrupted(why));
  }

  /** The daemon closes: what waits is kept and goes on later. */
  close(): void {
    this.#abort.abort(new DOMException('The daemon is closing.', 'AbortError'));
  }

  began(zone: string): void {
    this.#zones.add(zone);
    this.#lost.delete(zone);
  }

  hasLost(zone: string): boolean {
    return this.#lost.has(zone);
  }

  /** A person took over there. With its last zone the whole run is over. */
  lose(zone: string, why: string): void {
    if (!this.#zones.has(zone) || this.#lost.has(zone)) return;
    this.#lost.add(zone);
    this.record.step(`zone ${zone}`, why);
    if ([...this.#zones].every((one) => this.#lost.has(one))) this.interrupt(why);
    else if (this.#waiting) this.#note(this.#waiting);
  }

  /** Until its end. Never rejects; the record says what came of it. */
  async go(from?: Pause): Promise<void> {
    const { record, rule } = this;
    for (const zone of from?.zones ?? []) this.#zones.add(zone);
    for (const zone of from?.lost ?? []) this.#lost.add(zone);
    try {
      for (let index = from?.index ?? 0; index < rule.then.length; index++) {
        const action = rule.then[index] as Action; // index is below the length
        const ended = await this.#one(action, index, from?.index === index ? from.until : undefined);
        if (ended === 'end') {
          record.end('done', 'What it waited for did not come in time, so the rest was left.');
          return;
        }
        if (this.signal.aborted) throw this.signal.reason;
      }
      record.end('done', rule.then.length === 1 ? 'It did what it should.' : `It did all ${rule.then.length} steps.`);
    } catch (error) {
      if (error instanceof Interrupted) record.end('interrupted', error.message);
      else if (this.signal.aborted && isAbort(this.signal.reason)) record.end('interrupted', 'The daemon was stopped meanwhile.');
      else record.end('failed', toTonearmError(error, 'automations/action-failed').message);
    }
  }

  #note(waiting: Pick<Pause, 'index' | 'until'>): void {
    this.#ports.paused({ ...waiting, cause: this.cause, zones: [...this.#zones], lost: [...this.#lost] });
  }

  async #one(action: Action, index: number, until: Millis | undefined): Promise<'end' | 'next'> {
    const { clock } = this.#ports;
    if ('wait' in action || 'waitUntil' in action) {
      const longest = 'wait' in action ? action.wait + Math.random() * Math.max(0, (action.upTo ?? 0) - action.wait) : action.atMost;
      const ends = until ?? clock.now() + Math.round(longest);
      this.#waiting = { index, until: ends };
      this.#note(this.#waiting);
      let end: WaitEnd;
      try {
        end = 'wait' in action ? await wait(ends, clock, this.signal) : await waitUntil(action.waitUntil, ends, this.#ports, this.signal);
      } finally {
        this.#waiting = null;
        // Closing keeps it.
        if (!(this.signal.aborted && isAbort(this.signal.reason))) this.#ports.paused(null);
      }
      this.record.step(end.what, end.outcome);
      return 'waitUntil' in action && !end.happened && action.otherwise === 'end' ? 'end' : 'next';
    }
    let outcome: { readonly what: string; readonly outcome: string; readonly error?: TonearmError };
    try {
      outcome = await perform(action, this, this.#ports);
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      throw error;
    }
    this.record.step(outcome.what, outcome.outcome);
    if (outcome.error) throw outcome.error;
    return 'next';
  }
}
