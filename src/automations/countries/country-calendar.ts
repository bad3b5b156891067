import { Worker } from 'node:worker_threads';
import { abortable, TonearmError } from '#foundation';

/** What the thread is asked. */
export interface Question {
  /** A country by its two letters, or a part of it: `DE`, `DE-BY`, `DE-BY-A` (ISO 3166). */
  readonly place: string;
  readonly years: readonly number[];
}

/** Beside the bundle that is us; from source it is in `dist/`. */
const beside = (from: string) => new URL(from.endsWith('.ts') ? '../../../dist/holidays-thread.js' : './holidays-thread.js', from);

let turn: Promise<unknown> = Promise.resolve();

/** Public holidays as an iCalendar text, worked out in a thread of its own. Rejects with `automations/unknown-country`. */
export function countryCalendar(question: Question, signal?: AbortSignal, program = beside(import.meta.url)): Promise<string> {
  // One at a time: each takes 27 MB.
  const answer = turn.then(() => ask(question, signal, program));
  turn = answer.catch(() => undefined);
  return answer;
}

async function ask(question: Question, signal: AbortSignal | undefined, program: URL): Promise<string> {
  signal?.throwIfAborted();
  const { place } = question;
  const worker = new Worker(program, { workerData: question });
  try {
    const answer = await abortable(
      new Promise<unknown>((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
        worker.once('exit', (code) => reject(new Error(`The thread ended with ${code}.`)));
      }),
      signal,
    );
    if (typeof answer === 'string') return answer;
    const parts = Array.isArray(answer) && answer.length > 0 ? ` There is ${answer.join(', ')}.` : '';
    throw new TonearmError({
      kind: 'invalid',
      code: 'automations/unknown-country',
      message: `No holidays are known of “${place}” under "holidays", so none of its days are free.${parts} Write a country as its two letters, and a part of it behind a dash: DE, DE-BY, US-CA.`,
    });
  } finally {
    void worker.terminate();
  }
}
