import { every, type Clock } from '#foundation';

/** Milliseconds between two looks: rare enough to let an idle machine sleep. */
const rhythm = 200;
/** Looks kept for the share: ten minutes. */
const kept = 3000;

/** How late the main thread comes to its timers; milliseconds since the last time it was asked. */
export function openLoopLag(clock: Clock): Disposable & { take(): { readonly p99: number; readonly most: number } } {
  // Node's own histogram takes 370 KB for a precision nobody asked for.
  let lags: number[] = [];
  let most = 0;
  let due = clock.monotonic() + rhythm;
  const watch = every(clock, rhythm, () => {
    const now = clock.monotonic();
    if (lags.length >= kept) lags = lags.slice(kept / 2);
    const lag = Math.round(Math.max(now - due, 0) * 10) / 10;
    lags.push(lag);
    most = Math.max(most, lag);
    due = now + rhythm;
  });
  return {
    take() {
      const sorted = lags.sort((a, b) => a - b);
      const seen = { p99: sorted[Math.max(Math.ceil(0.99 * sorted.length) - 1, 0)] ?? 0, most };
      lags = [];
      most = 0;
      return seen;
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}
