import { Worker } from 'node:worker_threads';
import { abortable, TonearmError } from '#foundation';

/** What the thread is asked. */
export interface Question {
  /** A country by its two letters, or a part of it: `DE`, `DE-BY`, `DE-BY-A` (ISO 3166). */
  readonly place: string;
  readonly years: readonly number[];
}

let turn: Promise<unknown> = Promise.resolve();

/** Public holidays as an iCalendar text, worked out by the code of a thread of its own. Rejects with `automations/unknown-country`. */
export function countryCalendar(question: Question, program: URL, signal?: AbortSignal): Promise<string> {
  // One at a time: each takes 27 MB.
  const answer = turn.then(() => ask(question, program, signal));
  turn = answer.catch(() => undefined);
  return answer;
}

async function ask(question: Question, program: URL, signal?: AbortSignal): Promise<string> {
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
