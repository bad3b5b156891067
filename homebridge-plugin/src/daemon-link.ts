import { Backoff, type Clock, every } from './foundation.ts';
import type { Dial, Ending, Socket } from './socket.ts';

/** Short enough that two waits and a vain attempt at another address stay below three seconds. Milliseconds. */
const waiting = { first: 250, factor: 2, cap: 500, jitter: 0.25 };
/** A key that was refused is not accepted a second later. Milliseconds. */
const refusedWait = { first: 5000, factor: 2, cap: 60_000, jitter: 0.25 };
/** A ping this often, and the line counts as dead after this long without a sound. Milliseconds. */
const beat = 1500;
const silence = 4000;

export interface LinkOptions {
  readonly clock: Clock;
  readonly dial: Dial;
  readonly key: string | null;
  /** Where the daemon is now; null while nobody knows. */
  readonly address: () => string | null;
  readonly opened: () => void;
  readonly heard: (text: string) => void;
  /** An attempt failed or the connection ended; it is tried again by itself, after a pause for what this makes of it. */
  readonly ended: (ending: Ending) => Ending['kind'];
  readonly random?: () => number;
}

/** Keeps one connection to a daemon: dials, listens for its heart, dials again. */
export class DaemonLink implements Disposable {
  readonly #options: LinkOptions;
  readonly #pause: { readonly away: Backoff; readonly refused: Backoff };
  #socket: Socket | null = null;
  #isOpen = false;
  #isClosed = false;
  #lastHeard = 0;
  #timer: Disposable | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#pause = { away: new Backoff(waiting, options.random), refused: new Backoff(refusedWait, options.random) };
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The daemon has shown itself: dial now if we were waiting. */
  nudge(): void {
    if (this.#isClosed || this.#socket) return;
    this.#dial();
  }

  /** False when there is nobody to say it to. */
  send(text: string): boolean {
    if (!this.#isOpen) return false;
    this.#socket?.send(text);
    return true;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#isOpen = false;
    this.#timer?.[Symbol.dispose]();
    this.#socket?.drop();
    this.#socket = null;
  }

  #dial(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    const { address, clock, dial, key, opened, heard } = this.#options;
    const url = address();
    if (url === null) {
      this.#end({ kind: 'away', why: 'it does not show itself in the network' });
      return;
    }
    const alive = () => (this.#lastHeard = clock.monotonic());
    this.#socket = dial(url, key, {
      alive,
      opened: () => {
        alive();
        this.#isOpen = true;
        this.#timer = every(clock, beat, () => this.#beat());
        opened();
      },
      heard: (text) => {
        alive();
        this.#pause.away.reset();
        this.#pause.refused.reset();
        heard(text);
      },
      ended: (ending) => this.#end(ending),
    });
  }

  #beat(): void {
    if (this.#options.clock.monotonic() - this.#lastHeard > silence) {
      this.#socket?.drop();
      this.#end({ kind: 'away', why: 'it does not answer any more' });
    } else {
      this.#socket?.ping();
    }
  }

  #end(ending: Ending): void {
    if (this.#isClosed) return;
    this.#timer?.[Symbol.dispose]();
    this.#socket = null;
    this.#isOpen = false;
    const delay = this.#pause[this.#options.ended(ending)].next();
    this.#timer = this.#options.clock.timer(delay, () => this.#dial());
  }
}
