/* Interleaved 16-bit stereo, compared. */

export function words(bytes: Buffer): Int16Array {
  return new Int16Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 1);
}

export function concatenate(parts: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The largest difference of any sample, when the reference stands at this index of what was heard. */
export function worstDifference(heard: Int16Array, reference: Int16Array, at = 0): number {
  if (at < 0 || at + reference.length > heard.length) return Infinity;
  let worst = 0;
  for (let index = 0; index < reference.length; index++) {
    const difference = Math.abs((heard[at + index] ?? 0) - (reference[index] ?? 0));
    if (difference > worst) worst = difference;
  }
  return worst;
}

/** The index of the first sample of a frame that is louder than one step; -1 in silence. */
export function firstSound(samples: Int16Array, from = 0): number {
  for (let index = from; index < samples.length; index++) if (Math.abs(samples[index] ?? 0) > 1) return index - (index % 2);
  return -1;
}

/** Where in what was heard the reference stands, every sample within one step; -1 when it does not. Looks from `from` on, near the first sound. */
export function find(reference: Int16Array, heard: Int16Array, from = 0): number {
  const guess = firstSound(heard, from) - firstSound(reference);
  for (let distance = 0; distance <= 64; distance += 2) {
    for (const at of [guess - distance, guess + distance]) {
      if (worstDifference(heard.subarray(0, at + 4000), reference.subarray(0, 4000), at) <= 1 && worstDifference(heard, reference, at) <= 1) return at;
    }
  }
  return -1;
}

/** Where in what was heard these samples stand exactly, wherever that is; -1 when nowhere. */
export function search(part: Int16Array, heard: Int16Array, from = 0): number {
  const probe = firstSound(part);
  const wanted = part[probe] ?? 0;
  for (let at = from - (from % 2); at + part.length <= heard.length; at += 2) {
    if (Math.abs((heard[at + probe] ?? 0) - wanted) <= 1 && worstDifference(heard, part, at) <= 1) return at;
  }
  return -1;
}

export function isSilent(samples: Int16Array): boolean {
  return samples.every((sample) => sample === 0);
}

export interface Comparison {
  /** Where the reference begins in what was heard; an index. */
  readonly at: number;
  /** Frames of the reference that were not heard: in front, and later. */
  readonly missingAtStart: number;
  readonly missing: number;
  /** Frames of silence that were heard inside of it. */
  readonly inserted: readonly { readonly frame: number; readonly count: number }[];
}

const sure = 100;

/** Lays what was heard along the reference, every sample within one step, and says what is missing and what was put in between. */
export function compare(heard: Int16Array, reference: Int16Array): Comparison | null {
  const same = (frame: number, of: number, count: number) => worstDifference(heard.subarray(2 * frame, 2 * (frame + count)), reference.subarray(2 * of, 2 * (of + count))) <= 1;
  const follow = (frame: number, silence: number, from: number) => {
    for (let skipped = 0; skipped < 44_100 && from + skipped + sure <= reference.length / 2; skipped++) if (same(frame + silence, from + skipped, sure)) return { skipped, silence };
    return null;
  };
  const start = find(reference.subarray(0, 4000), heard);
  let frame = start < 0 ? firstSound(heard) / 2 : start / 2;
  const first = start < 0 ? follow(frame, 0, 0) : { skipped: 0, silence: 0 };
  if (!first) return null;
  const at = 2 * frame;
  let of = first.skipped;
  let missing = 0;
  const inserted: { frame: number; count: number }[] = [];
  while (of < reference.length / 2) {
    if (same(frame, of, 1)) {
      frame += 1;
      of += 1;
      continue;
    }
    let silence = 0;
    while (2 * (frame + silence) < heard.length && heard[2 * (frame + silence)] === 0 && heard[2 * (frame + silence) + 1] === 0) silence += 1;
    const next = follow(frame, silence, of) ?? follow(frame, 0, of);
    if (!next) return null;
    if (next.silence > 0) inserted.push({ frame: of, count: next.silence });
    missing += next.skipped;
    frame += next.silence;
    of += next.skipped;
  }
  return { at, missingAtStart: first.skipped, missing, inserted };
}
