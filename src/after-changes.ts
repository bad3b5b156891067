import { sleep, type Clock } from '#foundation';

/** For answers to get out. Milliseconds. */
const answersFirst = 250;
/** A restart is not put off for longer, however many changes come. Milliseconds. */
const longest = 5000;

/** Resolves when no change has been asked for during a moment: all of them are in the file then, and answered. */
export async function afterChanges(clock: Clock, control: { readonly changes: Promise<unknown> } | undefined): Promise<void> {
  const end = clock.monotonic() + longest;
  for (;;) {
    const changes = control?.changes;
    await changes;
    await sleep(clock, answersFirst);
    if (control?.changes === changes || clock.monotonic() >= end) return;
  }
}
