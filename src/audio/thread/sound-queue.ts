import type { Millis } from '#core';

/** Stereo frames on their way: about 93 ms at 44.1 kHz. */
export const chunkFrames = 4096;

/** A piece of one load's sound at the output's rate, before gain. */
export interface Chunk<Load> {
  readonly load: Load;
  /** Where in the load its first frame is. */
  readonly position: Millis;
  readonly frames: number;
  /** Interleaved stereo, `2 * frames` long. */
  readonly samples: Float32Array;
}

/** Frames that were written and are no music: an announcement while there was none. */
interface Filler {
  readonly load: null;
  readonly frames: number;
  readonly samples: null;
}

export interface Place<Load> {
  readonly load: Load;
  readonly position: Millis;
}

/**
 * What is decoded and not yet written, and what is written and not yet heard, in order. The second is kept so that sound
 * the output forgot (pause, a lost device) can be written again, and so that the audible position needs no second account.
 */
export class SoundQueue<Load> {
  /** Frames per second of everything in here. */
  readonly rate: number;
  readonly #ready: Chunk<Load>[] = [];
  readonly #sent: (Chunk<Load> | Filler)[] = [];
  readonly #free: Float32Array[] = [];
  #heard: Place<Load> | null = null;

  constructor(rate: number) {
    this.rate = rate;
  }

  /** Cuts decoded frames, the first of which is at `position`, into chunks. */
  push(load: Load, position: Millis, frames: Float32Array): void {
    const total = frames.length / 2;
    for (let at = 0; at < total; at += chunkFrames) {
      const count = Math.min(chunkFrames, total - at);
      this.#ready.push(this.#copy(load, position + this.#millis(at), frames.subarray(2 * at, 2 * (at + count))));
    }
  }

  /** What to write next, left in place. */
  get next(): Chunk<Load> | null {
    return this.#ready[0] ?? null;
  }

  /** The output has taken `next`. */
  sent(): void {
    const chunk = this.#ready.shift();
    if (chunk) this.#sent.push(chunk);
  }

  /** The output has taken so many frames that are no music. */
  filled(frames: number): void {
    this.#sent.push({ load: null, frames, samples: null });
  }

  /** The output forgot the last `count` frames it took: they are to be written again. */
  restore(count: number): void {
    for (let left = count; left > 0; ) {
      const chunk = this.#sent.pop();
      if (!chunk) return;
      const kept = Math.max(0, chunk.frames - left);
      left -= chunk.frames - kept;
      if (chunk.samples === null) {
        if (kept > 0) this.#sent.push({ load: null, frames: kept, samples: null });
      } else if (kept === 0) {
        this.#ready.unshift(chunk);
      } else {
        this.#ready.unshift(this.#copy(chunk.load, chunk.position + this.#millis(kept), chunk.samples.subarray(2 * kept)));
        // The front part stays where it is; its memory is shared with nothing else.
        this.#sent.push({ ...chunk, frames: kept, samples: chunk.samples.subarray(0, 2 * kept) });
      }
    }
  }

  /** What is heard when so many frames of what was written are not heard yet; null when nothing was ever written. */
  audible(unheard: number): Place<Load> | null {
    let pending = 0;
    for (const chunk of this.#sent) pending += chunk.frames;
    let heard = pending - unheard;
    for (let chunk = this.#sent[0]; chunk && heard >= chunk.frames; chunk = this.#sent[0]) {
      heard -= chunk.frames;
      this.#sent.shift();
      if (chunk.samples === null) continue;
      this.#heard = { load: chunk.load, position: chunk.position + this.#millis(chunk.frames) };
      this.#release(chunk);
    }
    const current = this.#sent[0];
    if (!current || current.samples === null) return this.#heard;
    if (heard > 0) this.#heard = { load: current.load, position: current.position + this.#millis(heard) };
    // At a border what is heard is the new load, not the end of the old one.
    if (current.load !== this.#heard?.load && heard === 0 && unheard <= pending) this.#heard = { load: current.load, position: current.position };
    return this.#heard;
  }

  /** How long until sound of another load than the one heard last begins to be heard; null when none is written. In frames. */
  border(unheard: number): number | null {
    let until = unheard;
    for (let index = this.#sent.length - 1; index >= 0; index--) {
      const chunk = this.#sent[index];
      if (!chunk) break;
      until -= chunk.frames;
      if (chunk.samples === null) continue;
      const before = this.#loadBefore(index) ?? this.#heard?.load;
      if (before !== undefined && before !== chunk.load) return Math.max(0, until);
    }
    return null;
  }

  /** How long until the last of the music that was written is heard, when so many frames of all that was written are not heard yet. In frames. */
  musicLeft(unheard: number): number {
    let behind = 0;
    for (let index = this.#sent.length - 1; index >= 0 && this.#sent[index]?.load === null; index--) behind += this.#sent[index]?.frames ?? 0;
    return Math.max(0, unheard - behind);
  }

  /** No music is waiting to be written or to be heard, as of the last `audible`. */
  get isSilent(): boolean {
    return this.#ready.length === 0 && this.#sent.every(({ load }) => load === null);
  }

  /** Forgets everything. */
  clear(): void {
    for (const chunk of [...this.#ready, ...this.#sent]) if (chunk.samples) this.#release(chunk);
    this.#ready.length = this.#sent.length = 0;
    this.#heard = null;
  }

  /** Takes back what of this load is not written. */
  withdraw(load: Load): void {
    const kept = this.#ready.filter((chunk) => chunk.load !== load);
    for (const chunk of this.#ready) if (chunk.load === load) this.#release(chunk);
    this.#ready.splice(0, this.#ready.length, ...kept);
  }

  #loadBefore(index: number): Load | null {
    for (let before = index - 1; before >= 0; before--) {
      const load = this.#sent[before]?.load;
      if (load) return load;
    }
    return null;
  }

  #millis(frames: number): Millis {
    return (frames * 1000) / this.rate;
  }

  #copy(load: Load, position: Millis, samples: Float32Array): Chunk<Load> {
    const memory = this.#free.pop() ?? new Float32Array(2 * chunkFrames);
    memory.set(samples);
    return { load, position, frames: samples.length / 2, samples: memory.subarray(0, samples.length) };
  }

  #release(chunk: Chunk<Load>): void {
    if (this.#free.length < 16) this.#free.push(new Float32Array(chunk.samples.buffer as ArrayBuffer));
  }
}
