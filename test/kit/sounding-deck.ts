import type { Deck, LoadId, Millis, Playable } from '#core';
import { TonearmError, type Clock } from '#foundation';
import { SpokenDeck } from './spoken.ts';

/** One stretch of sound without a break. */
export interface Heard {
  readonly uri: string;
  readonly id: LoadId;
  /** Places within the track. */
  readonly from: Millis;
  readonly to: Millis;
  /** Monotonic time of the first and after the last sample. */
  readonly at: Millis;
  readonly until: Millis;
}

export interface SoundingDeckOptions {
  /** From a `play`, a seek, a resume or the return of bytes to the first sample. Default 40 ms. */
  readonly startsAfter?: Millis;
  /** How much music is kept ahead of what is heard. Default 30 s. */
  readonly ahead?: Millis;
  /** From one `moved` to the next. Default 1 s, as the real deck. */
  readonly movedEvery?: Millis;
}

interface Sounding {
  readonly id: LoadId;
  playable: Playable;
  readonly duration: Millis;
  /** Where it stood at `since`; where it stands while silent. */
  position: Millis;
  /** Null while silent. */
  since: Millis | null;
  /** Bytes are here up to this place; Infinity while they flow. */
  buffered: Millis;
  /** The next sound has to be announced. */
  owesPlaying: boolean;
  owesMoved: boolean;
  isReady: boolean;
  /** When addresses were asked for; how often. */
  wanted: Millis | null;
  refreshes: number;
}

const stallAfter: Millis = 1000;
/** Tries of one chunk with pauses between them, before new addresses are asked for. */
const tries: Millis = 4000;
const refreshPatience: Millis = 30_000;
/** From one try of a device that is not there to the next. */
const tryAgain: Millis = 10_000;

/**
 * Plays recipes without decoding them: everything a real deck does to those who listen to its events, in the time of the clock.
 * `cut` stops the bytes: what is buffered is played, then it stalls, asks for addresses and at last fails.
 */
export class SoundingDeck extends SpokenDeck implements Deck, AsyncDisposable {
  readonly #clock: Clock;
  readonly #startsAfter: Millis;
  readonly #ahead: Millis;
  readonly #movedEvery: Millis;
  /** Every `play` it was told, oldest first. */
  readonly plays: { readonly id: LoadId; readonly uri: string; readonly at: Millis; readonly paused: boolean }[] = [];
  readonly #past: Heard[] = [];
  #now: Sounding | null = null;
  #next: { readonly id: LoadId; playable: Playable; readonly isBuffered: boolean } | null = null;
  #isPaused = false;
  #owesPaused = false;
  #isCut = false;
  #isUnplugged = false;
  #span: { readonly from: Millis; readonly at: Millis } | null = null;
  #timers: Disposable[] = [];
  #preparing: Disposable | null = null;

  constructor(clock: Clock, { startsAfter = 40, ahead = 30_000, movedEvery = 1000 }: SoundingDeckOptions = {}) {
    super(clock);
    this.#clock = clock;
    this.#startsAfter = startsAfter;
    this.#ahead = ahead;
    this.#movedEvery = movedEvery;
  }

  // What tests ask

  /** What was heard, oldest first, with what is sounding now at the end. */
  get heard(): readonly Heard[] {
    const { uri, id } = { uri: this.#now?.playable.track.uri ?? '', id: this.#now?.id ?? '' };
    return this.#span ? [...this.#past, { uri, id, from: this.#span.from, to: this.position, at: this.#span.at, until: this.#clock.monotonic() }] : this.#past;
  }

  /** Silence before each stretch but the first, in ms. */
  get gaps(): readonly Millis[] {
    return this.heard.map(({ at }, index, all) => at - (all[index - 1]?.until ?? at)).slice(1);
  }

  get isSounding(): boolean {
    return this.#span !== null;
  }

  get isPaused(): boolean {
    return this.#now !== null && this.#isPaused;
  }

  /** What is loaded. */
  get uri(): string | null {
    return this.#now?.playable.track.uri ?? null;
  }

  get loaded(): LoadId | null {
    return this.#now?.id ?? null;
  }

  get follower(): string | null {
    return this.#next?.playable.track.uri ?? null;
  }

  /** Where the sound is. */
  get position(): Millis {
    return this.#now ? place(this.#now, this.#clock.monotonic()) : 0;
  }

  /** Forgets what was heard so far. */
  forget(): void {
    this.#past.length = this.plays.length = 0;
  }

  // What tests do

  /** No bytes arrive from now on. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    const now = this.#now;
    if (now) now.buffered = now.isReady ? Math.min(now.duration, this.position + this.#ahead) : now.position;
    if (now?.isReady === false) this.#stopPreparing();
    this.#plan();
  }

  /** Bytes arrive again. */
  mend(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    const now = this.#now;
    if (now) {
      now.buffered = Infinity;
      now.wanted = null;
      now.refreshes = 0;
    }
    if (now && now.since === null) this.#prepare();
    else this.#plan();
  }

  /** There is no sound device from now on. */
  unplug(): void {
    this.#isUnplugged = true;
    if (this.#now && this.#now.since !== null) this.#miss(this.#now);
  }

  /** There is one again. It is noticed with the next try. */
  plug(): void {
    this.#isUnplugged = false;
  }

  /** The file turns out to be broken. */
  fail(error = new TonearmError({ kind: 'corrupt', code: 'audio/broken', message: 'This file cannot be played.' })): void {
    const now = this.#now;
    if (!now) return;
    this.#clear();
    this.emitter.emit('failed', { id: now.id, error });
  }

  // What the product does

  play(playable: Playable, { id, at, paused }: { readonly id: LoadId; readonly at: Millis; readonly paused: boolean }): void {
    const isBuffered = this.#next?.id === id && this.#next.isBuffered;
    this.#clear();
    this.plays.push({ id, uri: playable.track.uri, at, paused });
    this.#now = this.#make(id, playable, at, isBuffered);
    this.#isPaused = this.#owesPaused = paused;
    this.#prepare();
  }

  follow(next: { readonly playable: Playable; readonly id: LoadId } | null): void {
    this.#next = next && { ...next, isBuffered: !this.#isCut };
  }

  refresh(id: LoadId, playable: Playable): void {
    if (this.#next?.id === id) this.#next.playable = playable;
    if (this.#now?.id !== id) return;
    this.#now.playable = playable;
    if (this.#now.wanted === null) return;
    this.#now.wanted = null;
    this.#plan();
  }

  pause(): void {
    const now = this.#now;
    if (!now) return;
    if (this.#isPaused) {
      // Nobody waits for a device any more.
      this.#plan();
      return;
    }
    this.#isPaused = true;
    this.#silence();
    if (now.owesPlaying && !now.isReady) this.#owesPaused = true;
    else this.#soon('paused');
    this.#plan();
  }

  resume(): void {
    const now = this.#now;
    if (!now || !this.#isPaused) return;
    this.#isPaused = this.#owesPaused = false;
    now.owesPlaying = true;
    this.#prepare();
  }

  seek(to: Millis): void {
    const now = this.#now;
    if (!now) return;
    const began = now.position;
    this.#silence();
    if (this.#isCut && (to < began || to > now.buffered)) now.buffered = to;
    now.position = Math.min(to, now.duration);
    now.owesPlaying = now.owesMoved = true;
    now.isReady = false;
    if (this.#isPaused) this.#owesPaused = true;
    this.#prepare();
  }

  stop(): void {
    this.#clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.spoken[Symbol.dispose]();
    this.#clear();
    return Promise.resolve();
  }

  // How it goes

  #make(id: LoadId, playable: Playable, position: Millis, isBuffered: boolean): Sounding {
    // Without a known end it has none.
    const duration = playable.track.duration || Infinity;
    const buffered = this.#isCut ? Math.min(duration, isBuffered ? position + this.#ahead : position) : Infinity;
    return { id, playable, duration, position: Math.min(position, duration), since: null, buffered, owesPlaying: true, owesMoved: false, isReady: false, wanted: null, refreshes: 0 };
  }

  /** Bytes are read and decoded until there is something to be heard. */
  #prepare(): void {
    const now = this.#now;
    if (!now) return;
    this.#stopPreparing();
    this.#plan();
    if (now.position < now.duration && now.position >= now.buffered) return;
    this.#preparing = this.#clock.timer(this.#startsAfter, () => {
      this.#preparing = null;
      now.isReady = true;
      if (now.owesMoved) {
        now.owesMoved = false;
        this.emitter.emit('moved', { id: now.id, position: now.position });
      }
      if (this.#now !== now) return;
      if (this.#isPaused) {
        if (this.#owesPaused) this.emitter.emit('paused', { id: now.id, position: now.position });
        this.#owesPaused = false;
        return;
      }
      if (now.since !== null) return;
      if (this.#isUnplugged) {
        this.#miss(now);
        return;
      }
      this.#sound(now);
      this.#plan();
    });
  }

  #sound(now: Sounding): void {
    const at = this.#clock.monotonic();
    now.since = at;
    now.isReady = true;
    this.#span = { from: now.position, at };
    if (!now.owesPlaying) return;
    now.owesPlaying = false;
    this.emitter.emit('playing', { id: now.id, position: now.position });
    if (this.#now === now && now.duration !== Infinity) this.emitter.emit('measured', { id: now.id, duration: now.duration });
  }

  /** Playback stands still, and is tried again from time to time. */
  #miss(now: Sounding): void {
    this.#silence();
    this.#isPaused = now.owesPlaying = true;
    this.#plan();
    this.#after(tryAgain, () => this.resume());
    this.emitter.emit('failed', { id: now.id, error: new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'There is no sound device.' }) });
  }

  /** Ends the stretch that is heard. */
  #silence(): void {
    const now = this.#now;
    if (!now) return;
    const until = this.#clock.monotonic();
    now.position = place(now, until);
    now.since = null;
    if (this.#span && until > this.#span.at) this.#past.push({ uri: now.playable.track.uri, id: now.id, from: this.#span.from, to: now.position, at: this.#span.at, until });
    this.#span = null;
  }

  #stopPreparing(): void {
    this.#preparing?.[Symbol.dispose]();
    this.#preparing = null;
  }

  #clear(): void {
    this.#stopPreparing();
    this.#silence();
    this.#now = this.#next = null;
    this.#isPaused = this.#owesPaused = false;
    this.#plan();
  }

  /** What will happen by itself, from how things stand. */
  #plan(): void {
    for (const timer of this.#timers.splice(0)) timer[Symbol.dispose]();
    const now = this.#now;
    if (!now) return;
    if (now.since !== null) {
      const left = Math.min(now.duration, now.buffered) - this.position;
      if (left !== Infinity) this.#after(left, () => (now.buffered < now.duration ? this.#starve(now) : this.#end(now)));
      this.#tick(now);
    }
    if (!this.#isCut || now.buffered >= now.duration) return;
    const at = this.#clock.monotonic();
    if (now.wanted !== null) this.#after(now.wanted + refreshPatience - at, () => this.#giveUp(now));
    else if (now.refreshes === 0) {
      this.#after(tries, () => {
        now.wanted = this.#clock.monotonic();
        now.refreshes += 1;
        this.emitter.emit('wanted', { id: now.id });
        if (this.#now === now) this.#plan();
      });
    } else this.#after(tries, () => this.#giveUp(now));
  }

  #tick(now: Sounding): void {
    this.#after(this.#movedEvery, () => {
      this.emitter.emit('moved', { id: now.id, position: this.position });
      if (this.#now === now && now.since !== null) this.#tick(now);
    });
  }

  #starve(now: Sounding): void {
    this.#silence();
    now.owesPlaying = true;
    // Whatever else is waited for goes on.
    this.#after(stallAfter, () => {
      if (now.since === null && !this.#isPaused) this.emitter.emit('stalled', { id: now.id, position: now.position });
    });
  }

  /** What cannot be had matters when it is to be heard. */
  #giveUp(now: Sounding): void {
    if (now.since !== null) {
      this.#after(now.buffered - this.position + 1, () => this.#giveUp(now));
      return;
    }
    if (this.#isPaused && !this.#owesPaused) return;
    this.fail(new TonearmError({ kind: 'unavailable', code: 'audio/unreachable', message: 'The music servers cannot be reached.' }));
  }

  #end(now: Sounding): void {
    const next = this.#next;
    this.#silence();
    this.#next = null;
    this.#now = next && this.#make(next.id, next.playable, 0, next.isBuffered);
    const following = this.#now;
    this.emitter.emit('ended', { id: now.id });
    if (this.#now !== following) return;
    if (!following) {
      this.#clear();
      return;
    }
    if (following.buffered > 0) this.#sound(following);
    if (this.#now === following) this.#plan();
  }

  #soon(name: 'paused'): void {
    const now = this.#now;
    queueMicrotask(() => {
      if (now && this.#now === now && this.#isPaused) this.emitter.emit(name, { id: now.id, position: now.position });
    });
  }

  #after(delay: Millis, run: () => void): void {
    const timer = this.#clock.timer(delay, () => {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      run();
    });
    this.#timers.push(timer);
  }
}

/** What a room needs of a deck, for decks of another kind. */
export type KitDeck = Pick<SoundingDeck, keyof SoundingDeck>;

function place({ position, since, duration }: Sounding, at: Millis): Millis {
  return since === null ? position : Math.min(duration, position + at - since);
}
