import { abortable } from '#foundation';

/** Lets many callers share one running task. The task itself is not stopped when a caller leaves. */
export class SingleFlight<T> {
  #running: Promise<T> | null = null;

  run(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (!this.#running) {
      const running = work().finally(() => {
        if (this.#running === running) this.#running = null;
      });
      // Every caller may have left by the time it fails.
      running.catch(() => undefined);
      this.#running = running;
    }
    return abortable(this.#running, signal);
  }
}
