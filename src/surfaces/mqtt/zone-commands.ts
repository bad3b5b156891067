import type { Command, ZoneView } from '#core';
import { type Clock, TonearmError, toTonearmError, withTimeout } from '#foundation';
import { isSettled, resolveActions } from './resolve.ts';
import type { Action } from './wire/index.ts';

/** A dragged slider sends dozens of values a second: one is done at once, then the last of each such span. Milliseconds. */
const sliderPace = 100;
/** After this we say that the zone did not answer; whatever it still does shows in its state. Milliseconds. */
const patience = 30_000;
/** Commands of one zone that may be under way at once. */
const most = 64;

/** Carries out what MQTT asks of one zone, in the order it was asked. */
export class ZoneCommands implements Disposable {
  readonly #zone: ZoneView;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** Commands dispatched and not yet answered, and the volume they will lead to. */
  #underWay = 0;
  #target: number | null = null;
  #lastSlide = -Infinity;
  #slide: { level: number; readonly timer: Disposable; readonly done: PromiseWithResolvers } | null = null;

  constructor(zone: ZoneView, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }) {
    this.#zone = zone;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** All of it as one step. Rejects with a `TonearmError` that says why not. */
  apply(actions: readonly Action[]): Promise<void> {
    this.#flush();
    return this.#dispatch(this.#resolve(actions));
  }

  /** A new volume of which only the newest matters. Resolves when it, or a newer one in its place, was done. */
  slide(action: Action): Promise<void> {
    const [command] = this.#resolve([action]);
    if (command?.kind !== 'volume') return this.apply([action]);
    if (this.#slide) {
      this.#slide.level = command.level;
      return this.#slide.done.promise;
    }
    const wait = this.#lastSlide + sliderPace - this.#clock.monotonic();
    if (wait <= 0) {
      this.#lastSlide = this.#clock.monotonic();
      return this.#dispatch([command]);
    }
    const done = withResolvers();
    this.#slide = { level: command.level, done, timer: this.#clock.timer(wait, () => this.#flush()) };
    return done.promise;
  }

  #flush(): void {
    const slide = this.#slide;
    if (!slide) return;
    this.#slide = null;
    slide.timer[Symbol.dispose]();
    this.#lastSlide = this.#clock.monotonic();
    this.#dispatch([{ kind: 'volume', level: slide.level }]).then(slide.done.resolve, slide.done.reject);
  }

  #resolve(actions: readonly Action[]): readonly Command[] {
    const { state } = this.#zone.player;
    return resolveActions(actions, state, { level: this.#slide?.level ?? this.#target ?? state.volume.level, now: this.#clock.now() });
  }

  async #dispatch(commands: readonly Command[]): Promise<void> {
    // While something is under way the state is about to change, so only the zone can tell what is already so.
    const wanted = this.#underWay > 0 ? commands : commands.filter((command) => !isSettled(command, this.#zone.player.state));
    if (wanted.length === 0) return;
    if (this.#underWay >= most) {
      throw new TonearmError({ kind: 'conflict', code: 'mqtt/too-many-commands', message: `${this.#zone.name} has not answered the last ${most} commands, so this one was dropped.` });
    }
    this.#underWay += 1;
    for (const command of wanted) if (command.kind === 'volume') this.#target = command.level;
    try {
      await withTimeout(
        this.#clock,
        patience,
        { code: 'mqtt/command-timeout', message: `${this.#zone.name} did not answer within ${patience / 1000} seconds. What it still does will show in its state.` },
        this.#signal,
        (signal) => this.#zone.player.dispatch(wanted, 'mqtt', signal),
      );
    } catch (error) {
      throw toTonearmError(error, 'mqtt/command-failed');
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#target = null;
    }
  }

  [Symbol.dispose](): void {
    this.#slide?.timer[Symbol.dispose]();
    this.#slide?.done.resolve();
    this.#slide = null;
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: PromiseWithResolvers['resolve'] = () => undefined;
  let reject: PromiseWithResolvers['reject'] = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
