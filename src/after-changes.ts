import type { Clock } from '#foundation';

/** For answers to get out. Milliseconds. */
const answersFirst = 250;
/** A restart is not put off for longer, however many changes come and however long one takes. Milliseconds. */
const longest = 5000;

/** Resolves when no change has been asked for during a moment: all of them are in the file then, and answered. */
export async function afterChanges(clock: Clock, control: { readonly changes: Promise<unknown> }): Promise<void> {
  const end = clock.monotonic() + longest;
  let limit: Disposable | undefined;
  const late = new Promise<void>((done) => {
    limit = clock.timer(longest, done);
  });
  for (;;) {
    const { changes } = control;
    await Promise.race([changes, late]);
    await new Promise<void>((done) => void clock.timer(answersFirst, done));
    if (control.changes === changes || clock.monotonic() >= end) break;
  }
  limit?.[Symbol.dispose]();
}
