import { randomBytes } from 'node:crypto';
import { encodeDealerRequest } from '#spotify/wire';
import type { Counters } from '../counters.ts';
import type { Journal } from '../journal.ts';
import type { Timers } from '../timers.ts';
import type { DealerConnection } from './connection.ts';

/** How a request ended: replied with success or failure, not replied to in time, or its socket closed. */
export type Outcome = 'succeeded' | 'failed' | 'silent' | 'gone';

interface Outstanding {
  readonly connection: DealerConnection;
  readonly text: string;
  readonly settle: (outcome: Outcome) => void;
  timer: Disposable;
  sends: number;
  replies: number;
}

/** How long a device may take to reply (connect-control §1.8). */
const replyWithin = 10_000;
/** When an unanswered transfer is sent again (§1.8). */
const resendAfter = 15_000;
/** A second reply to one request is noticed for so many requests. */
const remembered = 500;

/** Requests to devices and the replies they owe. */
export class DealerRequests {
  readonly #timers: Timers;
  readonly #journal: Journal;
  readonly #counters: Counters;
  readonly #outstanding = new Map<string, Outstanding>();
  #sequence = 0;

  constructor({ timers, journal, counters }: { readonly timers: Timers; readonly journal: Journal; readonly counters: Counters }) {
    this.#timers = timers;
    this.#journal = journal;
    this.#counters = counters;
  }

  /** Sends a request; resolves when it is known how it ended. `resend`: repeat it after 15 s without a reply, or always. */
  send(connection: DealerConnection, ident: string, body: unknown, resend: 'never' | 'unanswered' | 'always' = 'never'): Promise<Outcome> {
    this.#sequence += 1;
    const key = `${this.#sequence}/${randomBytes(20).toString('hex')}`;
    const text = encodeDealerRequest({ ident, key, body, gzip: connection.gzip });
    return new Promise((settle) => {
      if (connection.phone === null) this.#counters.note('dealer', 'dealer/request');
      const entry: Outstanding = { connection, text, settle, timer: this.#timers.after(replyWithin, () => this.#late(key)), sends: 1, replies: 0 };
      this.#outstanding.set(key, entry);
      for (const [old, { replies }] of this.#outstanding) {
        if (this.#outstanding.size <= remembered) break;
        if (replies > 0) this.#outstanding.delete(old);
      }
      connection.push(text);
      if (resend !== 'never') {
        this.#timers.after(resendAfter, () => {
          if (entry.replies > 0 && resend !== 'always') return;
          entry.sends += 1;
          connection.push(text);
        });
      }
    });
  }

  /** A reply came in. */
  replied(connection: DealerConnection, key: string, success: boolean): void {
    const entry = this.#outstanding.get(key);
    const breach = (what: string) => this.#journal.refuse({ service: 'dealer', clause: 'connect-control §1.6', what, refused: false, phone: connection.phone });
    if (!entry) {
      breach(`a reply to ${key}, which was never asked`);
      return;
    }
    if (entry.connection !== connection) breach('a reply on another socket than the one that was asked');
    entry.replies += 1;
    if (entry.replies > entry.sends) breach(`${entry.replies} replies to one request`);
    entry.timer[Symbol.dispose]();
    entry.settle(success ? 'succeeded' : 'failed');
  }

  /** The socket has gone, and what it owed with it. */
  closed(connection: DealerConnection): void {
    for (const [key, entry] of this.#outstanding) {
      if (entry.connection !== connection) continue;
      entry.timer[Symbol.dispose]();
      entry.settle('gone');
      this.#outstanding.delete(key);
    }
  }

  #late(key: string): void {
    const entry = this.#outstanding.get(key);
    if (!entry || entry.replies > 0) return;
    // Over a line that died meanwhile it, or its answer, never got there.
    if (!entry.connection.isDead) this.#journal.refuse({ service: 'dealer', clause: 'connect-control §1.8', what: 'a request was not replied to within 10 s', refused: false, phone: entry.connection.phone });
    entry.settle('silent');
  }
}
