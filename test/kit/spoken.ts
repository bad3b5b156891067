import type { DeckEvents, LoadId, Millis, OutputView, Playable } from '#core';
import { Emitter, TonearmError, type Clock } from '#foundation';

export interface Announcement {
  readonly id: LoadId;
  readonly playable: Playable;
  readonly gain: number;
  readonly duck: number;
}

/** What a deck without sound does with announcements: says them one after the other, each as long as its recipe claims. */
export class Spoken {
  readonly #clock: Clock;
  readonly #emitter: Emitter<DeckEvents>;
  readonly #usual: Millis;
  readonly #waiting: Announcement[] = [];
  #timer: Disposable | null = null;
  /** Every announcement it was told, oldest first. */
  readonly all: Announcement[] = [];
  /** What is being said. */
  current: Announcement | null = null;
  /** An announcement whose URI is in here cannot be played. */
  readonly broken = new Set<string>();

  /** `usual`: how long one takes whose recipe does not say. */
  constructor(clock: Clock, emitter: Emitter<DeckEvents>, usual: Millis = 2000) {
    this.#clock = clock;
    this.#emitter = emitter;
    this.#usual = usual;
  }

  announce(playable: Playable, { id, gain, duck }: { readonly id: LoadId; readonly gain: number; readonly duck: number }): void {
    const announcement = { id, playable, gain, duck };
    this.all.push(announcement);
    this.#waiting.push(announcement);
    this.#begin();
  }

  hush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    const told = [...(this.current ? [this.current] : []), ...this.#waiting.splice(0)];
    this.current = null;
    for (const { id } of told) this.#emitter.emit('announced', { id, error: null });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    this.current = null;
    this.#waiting.length = 0;
  }

  /** The next one, unless a listener has begun it already. */
  #begin(): void {
    if (!this.#timer) this.#next();
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (!next) return;
    // Bytes take a moment.
    this.#timer = this.#clock.timer(20, () => {
      if (this.broken.has(next.playable.track.uri)) {
        this.#timer = null;
        this.#emitter.emit('announced', { id: next.id, error: new TonearmError({ kind: 'not-found', code: 'audio/not-on-server', message: 'There is no sound at this address.' }) });
        this.#next();
        return;
      }
      this.current = next;
      this.#timer = this.#clock.timer(next.playable.track.duration || this.#usual, () => {
        this.#timer = this.current = null;
        this.#emitter.emit('announced', { id: next.id, error: null });
        this.#begin();
      });
      this.#emitter.emit('announcing', { id: next.id });
    });
  }
}

/** What all decks without sound have in common: their volume, what they say, and the outputs they pretend to have. */
export abstract class SpokenDeck {
  protected readonly emitter = new Emitter<DeckEvents>();
  readonly events = this.emitter.events;
  readonly spoken: Spoken;
  gain = 1;
  output: OutputView = { name: 'null', choices: ['auto', 'speaker', 'null'] };

  constructor(clock: Clock) {
    this.spoken = new Spoken(clock, this.emitter);
  }

  setGain(gain: number): void {
    this.gain = gain;
  }

  prepare(): void {}

  announce(playable: Playable, options: { readonly id: LoadId; readonly gain: number; readonly duck: number }): void {
    this.spoken.announce(playable, options);
  }

  hush(): void {
    this.spoken.hush();
  }

  useOutput(name: string): Promise<void> {
    if (!this.output.choices.includes(name)) return Promise.reject(new TonearmError({ kind: 'invalid', code: 'audio/no-such-output', message: `There is no output “${name}” here.` }));
    this.output = { ...this.output, name: name === 'auto' ? 'speaker' : name };
    this.emitter.emit('output', this.output);
    return Promise.resolve();
  }
}
