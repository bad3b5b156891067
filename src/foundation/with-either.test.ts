import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { withEither } from './with-either.ts';

const waits = (signal: AbortSignal) => new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

it('fires with either signal and leaves nothing on them', async () => {
  const [long, short] = [new AbortController(), new AbortController()];
  expect(await withEither(long.signal, short.signal, () => Promise.resolve(7))).toBe(7);
  expect(await withEither(long.signal, undefined, () => Promise.resolve(8))).toBe(8);
  const stopped = withEither(long.signal, short.signal, waits);
  short.abort(new Error('short'));
  await expect(stopped).rejects.toThrow('short');
  expect([long, short].flatMap(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([]);
  await expect(withEither(long.signal, short.signal, (signal) => (signal.aborted ? Promise.reject(signal.reason as Error) : waits(signal)))).rejects.toThrow('short');
  const other = withEither(long.signal, undefined, waits);
  long.abort(new Error('long'));
  await expect(other).rejects.toThrow('long');
});
