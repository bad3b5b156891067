import { RATE, type Stereo } from './instruments.ts';

/** A small room: four combs a side with different lengths, smoothed. Works in place. */
export function addRoom(sound: Stereo, amount: number): void {
  const lengths = { left: [1557, 1617, 1491, 1422], right: [1580, 1640, 1514, 1445] };
  for (const side of ['left', 'right'] as const) {
    const dry = sound[side];
    const wet = new Float32Array(dry.length);
    for (const length of lengths[side]) {
      const loop = new Float32Array(length);
      let low = 0;
      let index = 0;
      for (let n = 0; n < dry.length; n++) {
        const out = loop[index] ?? 0;
        low += (out - low) * 0.6;
        loop[index] = (dry[n] ?? 0) + low * 0.83;
        wet[n] = (wet[n] ?? 0) + out * 0.25;
        index = (index + 1) % length;
      }
    }
    for (let n = 0; n < dry.length; n++) dry[n] = (dry[n] ?? 0) + (wet[n] ?? 0) * amount;
  }
}

/** Fades both ends, removes what is below hearing, and brings the peak to `peak`. */
export function finish(sound: Stereo, { fadeIn, fadeOut, peak }: { readonly fadeIn: number; readonly fadeOut: number; readonly peak: number }): void {
  let loudest = 0;
  for (const side of [sound.left, sound.right]) {
    let slow = 0;
    for (let n = 0; n < side.length; n++) {
      const value = side[n] ?? 0;
      slow += (value - slow) * 0.002;
      const t = n / RATE;
      const left = (side.length - n) / RATE;
      const faded = (value - slow) * Math.min(1, t / fadeIn) * Math.min(1, left / fadeOut);
      side[n] = faded;
      loudest = Math.max(loudest, Math.abs(faded));
    }
  }
  const factor = loudest > 0 ? peak / loudest : 0;
  for (const side of [sound.left, sound.right]) for (let n = 0; n < side.length; n++) side[n] = (side[n] ?? 0) * factor;
}
