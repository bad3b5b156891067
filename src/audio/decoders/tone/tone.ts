import type { ToneName } from '#core';
import type { Decoder, SoundBlock } from '../decoder.ts';

const rate = 44_100;
const most = 4096;

/** A struck thing: partials as [times the note, share, seconds until a third is left]. */
type Partials = readonly (readonly [multiple: number, share: number, decay: number])[];

const bar: Partials = [[1, 0.72, 0.42], [2, 0.16, 0.3], [4, 0.12, 0.1]];
const metal: Partials = [[0.5, 0.16, 1.1], [1, 0.36, 0.8], [1.183, 0.12, 0.55], [1.506, 0.1, 0.4], [2, 0.16, 0.45], [2.662, 0.1, 0.22]];
/** From silence to the full stroke, so that nothing clicks. */
const attack = 0.004;

/** The chime: two notes a major third apart, falling. */
const chimeNotes = [{ at: 0, pitch: 659.26 }, { at: 0.34, pitch: 523.25 }] as const;
const chimeLength = Math.round(1.5 * rate);
const chimeLevel = 0.5;

/** The bell: pairs of strokes, again and again. */
const period = 2 * rate;
const strokes = [{ at: 0, pitch: 587.33 }, { at: 0.45, pitch: 587.33 }] as const;
/** Begins softly, and is as loud as it gets after half a minute. */
const swell = 30;
const bellFrom = 0.06;
const bellTo = 0.85;

/** Sound that is made, not read: it needs no file and no network. */
export function openTone(name: ToneName): Decoder {
  return name === 'chime' ? new ToneDecoder(chime(), false) : new ToneDecoder(bell(), true);
}

class ToneDecoder implements Decoder {
  readonly rate = rate;
  readonly #table: Float32Array;
  readonly #isEndless: boolean;
  readonly #scratch = new Float32Array(2 * most);
  #at = 0;

  constructor(table: Float32Array, isEndless: boolean) {
    this.#table = table;
    this.#isEndless = isEndless;
  }

  read(): Promise<SoundBlock | null> {
    const { length } = this.#table;
    const count = this.#isEndless ? most : Math.min(most, length - this.#at);
    if (count <= 0) return Promise.resolve(null);
    const at = this.#at;
    for (let index = 0; index < count; index++) {
      const level = this.#isEndless ? bellLevel((at + index) / rate) : 1;
      const sample = (this.#table[(at + index) % length] ?? 0) * level;
      this.#scratch[2 * index] = this.#scratch[2 * index + 1] = sample;
    }
    this.#at += count;
    return Promise.resolve({ frames: this.#scratch.subarray(0, 2 * count), at });
  }

  seek(frame: number): Promise<void> {
    this.#at = this.#isEndless ? frame : Math.min(frame, this.#table.length);
    return Promise.resolve();
  }

  measure(): Promise<number | null> {
    return Promise.resolve(this.#isEndless ? null : this.#table.length);
  }

  [Symbol.dispose](): void {
    // Holds nothing.
  }
}

/** Even steps in loudness as people hear it. */
function bellLevel(seconds: number): number {
  return bellFrom * (bellTo / bellFrom) ** Math.min(1, seconds / swell);
}

function chime(): Float32Array {
  const out = new Float32Array(chimeLength);
  for (const { at, pitch } of chimeNotes) strike(out, at, pitch, bar, false);
  const fade = Math.round(0.1 * rate);
  for (let index = 0; index < out.length; index++) out[index] = (out[index] ?? 0) * chimeLevel * Math.min(1, (out.length - 1 - index) / fade);
  return out;
}

function bell(): Float32Array {
  const out = new Float32Array(period);
  for (const { at, pitch } of strokes) strike(out, at, pitch, metal, true);
  const peak = out.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return out.map((sample) => sample / peak);
}

/** Adds a note. `around`: what is longer than the table goes on at its beginning. */
function strike(out: Float32Array, seconds: number, pitch: number, partials: Partials, around: boolean): void {
  const from = Math.round(seconds * rate);
  const count = around ? out.length : out.length - from;
  for (let index = 0; index < count; index++) {
    const time = index / rate;
    let sample = 0;
    for (const [multiple, share, decay] of partials) sample += share * Math.exp(-time / decay) * Math.sin(2 * Math.PI * pitch * multiple * time);
    const place = (from + index) % out.length;
    out[place] = (out[place] ?? 0) + sample * Math.min(1, time / attack);
  }
}
