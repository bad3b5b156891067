/** What the command line and a running daemon say to each other: one JSON object per line, over a socket only their owner can open. */
import { z } from 'zod';
import { TonearmError, type ErrorKind } from '#foundation';

/** Name of the socket in the data folder. */
export const socketName = 'control.sock';

/** More bytes in one line come from nobody we know. */
const longestRequest = 256 * 1024;
/** Answers come from the daemon itself, and a long history is a long line. */
export const longestAnswer = 16 * 1024 * 1024;

export const LocalRequest = z.strictObject({ id: z.int(), do: z.string().min(1).max(64), with: z.unknown().optional() });
export type LocalRequest = z.output<typeof LocalRequest>;

const kinds = ['invalid', 'unauthorized', 'forbidden', 'not-found', 'conflict', 'unavailable', 'timeout', 'cancelled', 'corrupt', 'internal'] as const satisfies readonly ErrorKind[];

export const LocalAnswer = z.union([
  z.strictObject({ id: z.int(), ok: z.record(z.string(), z.unknown()) }),
  z.strictObject({ id: z.int(), error: z.strictObject({ kind: z.enum(kinds), code: z.string(), message: z.string() }) }),
]);
export type LocalAnswer = z.output<typeof LocalAnswer>;

export function encodeLine(value: LocalRequest | LocalAnswer): string {
  return `${JSON.stringify(value)}\n`;
}

/** Collects bytes and gives whole lines, parsed. Throws `local/not-understood`. */
export class Lines {
  readonly #longest: number;
  #rest = Buffer.alloc(0);

  constructor(longest = longestRequest) {
    this.#longest = longest;
  }

  push(chunk: Uint8Array): unknown[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const values: unknown[] = [];
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      const line = this.#rest.subarray(0, end).toString('utf8');
      this.#rest = this.#rest.subarray(end + 1);
      if (line.trim() !== '') values.push(parse(line));
    }
    if (this.#rest.length > this.#longest) throw notUnderstood();
    return values;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw notUnderstood();
  }
}

function notUnderstood(): TonearmError {
  return new TonearmError({ kind: 'corrupt', code: 'local/not-understood', message: 'What came over the local socket is no request of ours; the connection was closed.' });
}
