import { every, type Clock } from '#foundation';
import type { DeckEvents, Millis } from '#core';
import type { ThreadEvent } from '../wire/index.ts';
import type { LoadSet } from './load-set.ts';
import type { Load } from './load.ts';
import type { OutputSlot } from './output-slot.ts';
import { SoundQueue } from './sound-queue.ts';

/** Says what happened to the deck's owner. */
export type Tell = <Name extends ThreadEvent>(name: Name, event: DeckEvents[Name]) => void;

const ticksPerSecond = 4;

/** A wait that is a stall when it takes longer than `patience`. */
interface Wait {
  readonly patience: Millis;
  /** It is the output that keeps us waiting: then nothing is heard, whatever was written. */
  readonly isOutput?: boolean;
}

/**
 * What a listener notices: which load is heard and where, that it stalls, that it has given way to the next. The end of one load
 * waits in the output for a moment while the next is decoded, and until then it is the one that is heard.
 */
export class Hearing {
  readonly #clock: Clock;
  readonly #slot: OutputSlot;
  readonly #loads: LoadSet;
  readonly #tell: Tell;
  queue: SoundQueue<Load>;
  /** The load that is heard; null before its first sample was written. */
  load: Load | null = null;
  isStalled = false;
  /** What is waited for since when. */
  #waiting: ({ readonly since: Millis } & Wait) | null = null;
  #ticks = 0;
  #ticker: Disposable | null = null;
  #border: Disposable | null = null;

  constructor(clock: Clock, slot: OutputSlot, loads: LoadSet, rate: number, tell: Tell) {
    this.#clock = clock;
    this.#slot = slot;
    this.#loads = loads;
    this.#tell = tell;
    this.queue = new SoundQueue(rate);
  }

  /** Something is, or is about to be, heard. */
  get isListening(): boolean {
    return this.#ticker !== null;
  }

  position(load: Load): Millis {
    const place = this.queue.audible(this.#slot.unheard);
    return place?.load === load ? place.position : load.from;
  }

  /** The first sound of a load after a start, a jump, a pause or a stall was written. */
  announce(load: Load, position: Millis): void {
    load.owesPlaying = false;
    this.isStalled = false;
    this.load = load;
    this.#tell('playing', { id: load.id, position });
    if (!load.isMeasured) void this.#measure(load);
  }

  /** Notices when the load that is heard has become another one, up to the one that is decoded. */
  follow(decoding: Load | null, next: Load | null): void {
    const place = this.queue.audible(this.#slot.unheard);
    const before = this.load;
    if (!before || before === decoding) return;
    // The last frames of a load that was taken back may still be in there.
    const heard = place && this.#loads.has(place.load) ? place.load : before;
    const isOver = heard === before && this.queue.isSilent;
    if (heard === before && !isOver) return;
    const now = isOver ? decoding : heard;
    // Very short loads may have come and gone since the last look.
    for (const load of this.#loads) {
      if (load === now) break;
      if (load === next) continue;
      if (load !== before) this.#tell('playing', { id: load.id, position: 0 });
      this.#tell('ended', { id: load.id });
      void this.#loads.discard(load);
    }
    this.load = null;
    if (place && !isOver) this.announce(place.load, place.position);
  }

  /** Waits for what may take long; the ticker says so when it does. */
  async watch<T>(wait: Wait, work: Promise<T>): Promise<T> {
    this.#waiting = { since: this.#clock.monotonic(), ...wait };
    try {
      return await work;
    } finally {
      this.#waiting = null;
    }
  }

  /** While sounding: ticks, and looks out for the border to the load that is decoded already. */
  attend(isSounding: boolean, decoding: Load | null, onBorder: () => void): void {
    this.#border?.[Symbol.dispose]();
    this.#border = null;
    if (!isSounding) {
      this.#ticker?.[Symbol.dispose]();
      this.#ticker = null;
      return;
    }
    this.#ticker ??= every(this.#clock, 1000 / ticksPerSecond, () => this.#tick());
    if (!this.load || this.load === decoding) return;
    const frames = this.queue.border(this.#slot.unheard) ?? this.#slot.unheard;
    this.#border = this.#clock.timer(Math.max(10, (frames * 1000) / this.queue.rate), onBorder);
  }

  #tick(): void {
    const { load } = this;
    if (!load || this.isStalled) return;
    const waiting = this.#waiting;
    const isStuck = waiting !== null && this.#clock.monotonic() - waiting.since >= waiting.patience;
    if (isStuck && (waiting.isOutput === true || this.#slot.unheard === 0)) {
      this.isStalled = load.owesPlaying = true;
      this.#tell('stalled', { id: load.id, position: this.position(load) });
    } else if (!load.owesPlaying && ++this.#ticks % ticksPerSecond === 0) {
      this.#tell('moved', { id: load.id, position: this.position(load) });
    }
  }

  async #measure(load: Load): Promise<void> {
    load.isMeasured = true;
    try {
      const decoder = await load.open();
      const frames = await decoder.measure(load.signal);
      if (frames !== null) this.#tell('measured', { id: load.id, duration: (frames * 1000) / decoder.rate });
    } catch {
      // The length is only told; what cannot be read shows when it is played.
    }
  }
}
