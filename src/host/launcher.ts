import type { Launch } from '#core';
import { TonearmError, withEither, type Clock } from '#foundation';

const mostAtOnce = 8;

/**
 * Programs of the owner's, at most eight at a time; disposed of, it ends what still runs and waits for that. `launch` resolves with
 * the program's end. Rejects with `host/program-missing`, `host/program-not-started` or `host/too-many-programs`; aborted, with the
 * signal's reason once the program is gone.
 */
export function openLauncher(clock: Clock): AsyncDisposable & { readonly launch: Launch } {
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    async launch(program, list, options) {
      options.signal.throwIfAborted();
      if (running.size >= mostAtOnce) throw new TonearmError({ kind: 'conflict', code: 'host/too-many-programs', message: `${mostAtOnce} programs run already, so ${program} was not started. Look for one that does not end, or give it a shorter timeout.` });
      const run = withEither(options.signal, closing.signal, async (signal) => {
        // Most houses start none.
        const { runProgram } = await import('./run-program.ts');
        return await runProgram(program, list, { ...options, signal }, clock);
      });
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new DOMException('The daemon is closing.', 'AbortError'));
      await Promise.allSettled(running);
    },
  };
}
