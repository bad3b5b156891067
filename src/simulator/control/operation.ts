import { z } from 'zod';
import { TonearmError } from '#foundation';

export interface OperationInput {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

/** One thing the control API can do. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly about: string;
  run(input: OperationInput): unknown;
}

/** Gives `body` the shape it must have, or says what is wrong. */
export function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  throw new TonearmError({ kind: 'invalid', code: 'simulator/bad-request', message: z.prettifyError(result.error) });
}
