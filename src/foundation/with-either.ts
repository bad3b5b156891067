/**
 * Runs `work` with a signal that fires when either of the two does, and leaves no trace on them afterwards:
 * `AbortSignal.any` keeps a little on a long-lived signal for ever, which adds up in a program that runs for years.
 */
export async function withEither<T>(a: AbortSignal, b: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const both = new AbortController();
  const fire = () => both.abort(a.aborted ? a.reason : b?.reason);
  if (a.aborted || b?.aborted) fire();
  a.addEventListener('abort', fire, { once: true });
  b?.addEventListener('abort', fire, { once: true });
  try {
    return await work(both.signal);
  } finally {
    a.removeEventListener('abort', fire);
    b?.removeEventListener('abort', fire);
  }
}
