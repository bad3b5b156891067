import { randomBytes } from 'node:crypto';
import type { AccountsEvents, GuestQuestion, Millis } from '#core';
import { hex, TonearmError, type Clock } from '#foundation';

interface Open {
  readonly question: GuestQuestion;
  readonly close: (answer: 'yes' | 'no' | 'expired') => void;
}

/** What the owner is asked about guests. No answer in time is a no. */
export class Questions {
  readonly #clock: Clock;
  readonly #time: Millis;
  readonly #tell: (event: AccountsEvents['question']) => void;
  readonly #open = new Map<string, Open>();

  constructor({ clock, time, tell }: { readonly clock: Clock; readonly time: Millis; readonly tell: (event: AccountsEvents['question']) => void }) {
    this.#clock = clock;
    this.#time = time;
    this.#tell = tell;
  }

  get views(): readonly GuestQuestion[] {
    return [...this.#open.values()].map(({ question }) => question);
  }

  /** Rejects with the signal's reason when the guest goes away. */
  ask(about: Pick<GuestQuestion, 'zone' | 'account' | 'phone' | 'active'>, signal: AbortSignal): Promise<'yes' | 'no' | 'expired'> {
    const now = this.#clock.now();
    const question: GuestQuestion = { ...about, id: hex(randomBytes(4)), asked: now, ends: now + this.#time };
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const end = (answer: AccountsEvents['question']['answer']) => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', gone);
        this.#open.delete(question.id);
        this.#tell({ question, answer });
      };
      const close = (answer: 'yes' | 'no' | 'expired') => {
        end(answer);
        resolve(answer);
      };
      const gone = () => {
        end('withdrawn');
        reject(signal.reason as Error);
      };
      const timer = this.#clock.timer(this.#time, () => close('expired'));
      signal.addEventListener('abort', gone, { once: true });
      this.#open.set(question.id, { question, close });
      this.#tell({ question, answer: 'open' });
    });
  }

  answer(id: string | undefined, allow: boolean): GuestQuestion {
    const all = [...this.#open.values()];
    if (id === undefined && all.length > 1) {
      throw new TonearmError({ kind: 'conflict', code: 'accounts/several-questions', message: `${all.length} guests wait for an answer: say which question is meant.` });
    }
    const open = id === undefined ? all[0] : this.#open.get(id);
    if (!open) throw new TonearmError({ kind: 'not-found', code: 'accounts/no-question', message: 'No guest waits for this answer; it may have come too late.' });
    open.close(allow ? 'yes' : 'no');
    return open.question;
  }
}
