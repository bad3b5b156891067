import { sleep, type Clock } from '#foundation';

/** Round-trip times in milliseconds, by the road a packet takes. */
export interface Latency {
  accessPoint: number;
  /** All web services but the CDN. */
  http: number;
  cdn: number;
  dealer: number;
}

export const noLatency: Readonly<Latency> = { accessPoint: 0, http: 0, cdn: 0, dealer: 0 };

export type Road = keyof Latency;

/** Round trips that setting up a connection takes before the first question can be asked: TCP one, TLS 1.3 one more. */
export function setUpTrips(secure: boolean): number {
  return secure ? 2 : 1;
}

/** Delays of the simulated network. Set any member at any time. */
export class Network {
  readonly latency: Latency;
  readonly #clock: Clock;

  constructor(clock: Clock, latency: Partial<Latency> = {}) {
    this.#clock = clock;
    this.latency = { ...noLatency, ...latency };
  }

  /** Waits for `trips` round trips of a road; half ones are one way. Returns at once when the road is instant. */
  async wait(road: Road, trips: number, signal?: AbortSignal): Promise<void> {
    const delay = this.latency[road] * trips;
    if (delay > 0) await sleep(this.#clock, delay, signal);
  }
}

/** Runs things after a delay, keeping their order: what was sent later never arrives earlier. */
export class Lane {
  readonly #clock: Clock;
  readonly #queue: { readonly due: number; readonly run: () => void }[] = [];
  #timer: Disposable | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  send(delay: number, run: () => void): void {
    if (delay <= 0 && this.#queue.length === 0) {
      run();
      return;
    }
    this.#queue.push({ due: this.#clock.monotonic() + delay, run });
    this.#arm();
  }

  /** Forgets what has not arrived. */
  clear(): void {
    this.#queue.length = 0;
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
  }

  #arm(): void {
    const head = this.#queue[0];
    if (!head || this.#timer) return;
    this.#timer = this.#clock.timer(Math.max(0, head.due - this.#clock.monotonic()), () => {
      this.#timer = null;
      this.#queue.shift();
      head.run();
      this.#arm();
    });
  }
}
