import { setMaxListeners } from 'node:events';
import type { Command, CommandKind, Presets, ZoneView } from '#core';
import { type Clock, TonearmError, toTonearmError, withTimeout } from '#foundation';
import { Damper } from './damper.ts';
import { isSettled, resolveActions } from './resolve.ts';
import { type Action, toPercent } from './wire/index.ts';

/** A dragged slider sends dozens of values a second: one is done at once, then the last of each such span. Milliseconds. */
const sliderPace = 100;
/** After this we say that the zone did not answer; whatever it still does shows in its state. Milliseconds. */
const patience = 30_000;
/** Steps of one zone that may be under way at once; the next ones wait. */
const abreast = 16;
/** Steps that may wait. */
const most = 48;

export interface ZoneCommandsOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly presets?: Pick<Presets, 'list'> | undefined;
  readonly told?: ToldVolumes | undefined;
  /** Keeps the zone's picture from being shown half changed, until disposed. */
  readonly hold?: (() => Disposable) | undefined;
}

/** Commands about the same thing, of which only the last counts. What is in none of them must not be left out. */
const lanes: Partial<Record<CommandKind, string>> = {
  play: 'transport', pause: 'transport', stop: 'transport', preset: 'transport', volume: 'volume', fade: 'volume',
  seek: 'seek', mute: 'mute', shuffle: 'shuffle', repeat: 'repeat', limit: 'limit', output: 'output', sleep: 'sleep',
};

/** Volumes, in percent, that were on our topics. */
export interface ToldVolumes {
  /** A moment ago. */
  lately(): readonly number[];
  /** When this one was last told, monotonic ms; null when it was not. */
  at(percent: number): number | null;
}

interface Waiting {
  readonly commands: readonly Command[];
  readonly done: PromiseWithResolvers;
}

/** Carries out what MQTT asks of one zone, in the order it was asked. */
export class ZoneCommands implements Disposable {
  readonly #zone: ZoneView;
  readonly #options: ZoneCommandsOptions;
  /** Steps dispatched and not yet answered, and the volume all that is asked for will lead to. */
  #underWay = 0;
  #target: number | null = null;
  #waiting: Waiting[] = [];
  readonly #damper: Damper;
  #held: { commands: readonly Command[]; readonly timer: Disposable; readonly done: PromiseWithResolvers } | null = null;
  #lastSlide = -Infinity;
  #slide: { level: number; steps: boolean; readonly timer: Disposable; readonly done: PromiseWithResolvers } | null = null;

  constructor(zone: ZoneView, options: ZoneCommandsOptions) {
    this.#zone = zone;
    this.#options = options;
    this.#damper = new Damper(options.clock);
    // Every step under way listens.
    setMaxListeners(0, options.signal);
  }

  /** All of it as one step. Rejects with a `TonearmError` that says why not. */
  apply(actions: readonly Action[]): Promise<void> {
    this.#flush();
    return this.#ask(this.#resolve(actions), actions.some(isStep));
  }

  /** A new volume of which only the newest matters. Resolves when it, or a newer one in its place, was done. */
  slide(action: Action): Promise<void> {
    const { clock } = this.#options;
    const steps = isStep(action);
    const [command] = this.#resolve([action]);
    if (command?.kind !== 'volume') return this.apply([action]);
    if (this.#slide) {
      this.#slide.level = command.level;
      this.#slide.steps = steps;
      return this.#slide.done.promise;
    }
    const wait = this.#lastSlide + sliderPace - clock.monotonic();
    if (wait <= 0) {
      this.#lastSlide = clock.monotonic();
      return this.#ask([command], steps);
    }
    const done = withResolvers();
    this.#slide = { level: command.level, steps, done, timer: clock.timer(wait, () => this.#flush()) };
    return done.promise;
  }

  #flush(): void {
    const slide = this.#slide;
    if (!slide) return;
    this.#slide = null;
    slide.timer[Symbol.dispose]();
    this.#lastSlide = this.#options.clock.monotonic();
    this.#ask([{ kind: 'volume', level: slide.level }], slide.steps).then(slide.done.resolve, slide.done.reject);
  }

  #resolve(actions: readonly Action[]): readonly Command[] {
    const { state } = this.#zone.player;
    return resolveActions(actions, state, { level: this.#slide?.level ?? this.#heldLevel() ?? this.#target ?? state.volume.level, now: this.#options.clock.now() });
  }

  async #ask(commands: readonly Command[], steps: boolean): Promise<void> {
    // While something is under way the state is about to change, so only the zone can tell what is already so.
    const wanted = this.#underWay > 0 ? commands : this.#unsettled(commands);
    this.#letGo(commands.filter((command) => !wanted.includes(command)));
    if (wanted.length === 0) return;
    const damped = this.#damp(wanted, steps);
    if (damped) return damped;
    this.#letGo(wanted);
    return this.#admit(wanted);
  }

  /** Null for what people do. */
  #damp(commands: readonly Command[], steps: boolean): Promise<void> | null {
    const inLanes = commands.flatMap((command): [string, Command][] => {
      const lane = lanes[command.kind];
      return lane === undefined ? [] : [[lane, command]];
    });
    // What must not be left out is no echo: our topics never say it.
    if (inLanes.length < commands.length) return null;
    const held = new Set(this.#held?.commands.map(({ kind }) => lanes[kind]));
    // What is held back is no reason to keep somebody waiting who asks for something else: to stop, above all.
    const isHeld = inLanes.some(([lane]) => held.has(lane));
    // A step is no echo either: a knob that is turned up and down passes the same values again and again.
    const wait = isHeld || steps ? 0 : this.#damper.weigh(inLanes, (command, since) => this.#wasTold(command, since));
    if (!isHeld && wait === 0) return null;
    if (this.#held) {
      const newer = new Set(inLanes.map(([lane]) => lane));
      this.#held.commands = [...this.#held.commands.filter(({ kind }) => !newer.has(lanes[kind] ?? '')), ...commands];
      return this.#held.done.promise;
    }
    const done = withResolvers();
    const timer = this.#options.clock.timer(wait, () => {
      const held = this.#held;
      this.#held = null;
      const left = this.#underWay > 0 ? (held?.commands ?? []) : this.#unsettled(held?.commands ?? []);
      if (left.length === 0) done.resolve();
      else this.#admit(left).then(done.resolve, done.reject);
    });
    this.#held = { commands, timer, done };
    return done.promise;
  }

  /** What is held back and about the same as what is done, or so already, is old. */
  #letGo(commands: readonly Command[]): void {
    const held = this.#held;
    if (!held) return;
    const newer = new Set(commands.map(({ kind }) => lanes[kind]));
    held.commands = held.commands.filter(({ kind }) => !newer.has(lanes[kind]));
  }

  #heldLevel(): number | undefined {
    return this.#held?.commands.flatMap((command) => (command.kind === 'volume' ? [command.level] : [])).at(-1);
  }

  /** Of a volume that is streamed we tell only some values. Everything else is told whenever it changes. */
  #wasTold(command: Command, since: number): boolean {
    const { told } = this.#options;
    return !told || command.kind !== 'volume' || (told.at(toPercent(command.level)) ?? -Infinity) >= since;
  }

  async #admit(wanted: readonly Command[]): Promise<void> {
    for (const command of wanted) if (command.kind === 'volume') this.#target = command.level;
    if (this.#underWay < abreast) return this.#dispatch(wanted);
    this.#supersede(wanted);
    if (this.#waiting.length >= most) {
      throw new TonearmError({ kind: 'conflict', code: 'mqtt/too-many-commands', message: `${this.#zone.name} has not answered the last ${abreast + most} commands, so this one was dropped.` });
    }
    const done = withResolvers();
    this.#waiting.push({ commands: wanted, done });
    return done.promise;
  }

  #unsettled(commands: readonly Command[]): readonly Command[] {
    const { state } = this.#zone.player;
    const { clock, presets, told } = this.#options;
    const preset = state.preset === null ? undefined : presets?.list.find(({ id }) => id === state.preset);
    const names = [state.preset, preset?.name].flatMap((name) => (name == null ? [] : [name.toLowerCase()]));
    const moved = new Set<string>();
    return commands.filter((command) => {
      const lane = lanes[command.kind];
      // What is so now is not so any more after a step before it: silence, and from there to where the volume was.
      const isDue = (lane !== undefined && moved.has(lane)) || !isSettled(command, state, { now: clock.now(), presets: names, told: state.volume.fading === null ? [] : told?.lately() });
      if (isDue && lane !== undefined) moved.add(lane);
      return isDue;
    });
  }

  /** Forgets what waits and would be undone at once by `commands`; whoever asked for it is answered as if it had been done. */
  #supersede(commands: readonly Command[]): void {
    const newer = new Set(commands.map(({ kind }) => lanes[kind]));
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      const waiting = this.#waiting[at];
      const older = waiting?.commands.map(({ kind }) => lanes[kind]) ?? [];
      // What came before a step that must not be left out is what that step builds on.
      if (older.includes(undefined)) return;
      if (!older.every((lane) => newer.has(lane))) continue;
      this.#waiting.splice(at, 1);
      waiting?.done.resolve();
    }
  }

  async #dispatch(commands: readonly Command[]): Promise<void> {
    this.#underWay += 1;
    const holding = commands.length > 1 ? this.#options.hold?.() : undefined;
    try {
      await withTimeout(
        this.#options.clock,
        patience,
        { code: 'mqtt/command-timeout', message: `${this.#zone.name} did not answer within ${patience / 1000} seconds. What it still does will show in its state.` },
        this.#options.signal,
        (signal) => this.#zone.player.dispatch(commands, 'mqtt', signal),
      );
    } catch (error) {
      throw toTonearmError(error, 'mqtt/command-failed');
    } finally {
      holding?.[Symbol.dispose]();
      this.#underWay -= 1;
      const next = this.#waiting.shift();
      if (next) this.#dispatch(next.commands).then(next.done.resolve, next.done.reject);
      else if (this.#underWay === 0) this.#target = null;
    }
  }

  [Symbol.dispose](): void {
    this.#slide?.timer[Symbol.dispose]();
    this.#slide?.done.resolve();
    this.#slide = null;
    this.#held?.timer[Symbol.dispose]();
    this.#held?.done.resolve();
    this.#held = null;
    for (const { done } of this.#waiting.splice(0)) done.resolve();
  }
}

function isStep({ kind }: Action): boolean {
  return kind === 'volume-by' || kind === 'seek-by';
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
