/** Writes planar channels as stereo from frame `at` of `into`, which grows as needed: one channel is doubled, of many the first two are taken. */
export function interleave(channels: readonly Float32Array[], frames: number, into: Float32Array, at = 0, scale = 1): Float32Array {
  const left = channels[0];
  const right = channels[1] ?? left;
  let out = into;
  if (out.length < 2 * (at + frames)) {
    out = new Float32Array(Math.max(2 * into.length, 2 * (at + frames)));
    out.set(into.subarray(0, 2 * at));
  }
  if (!left || !right) return out;
  for (let index = 0, place = 2 * at; index < frames; index++, place += 2) {
    out[place] = (left[index] ?? 0) * scale;
    out[place + 1] = (right[index] ?? 0) * scale;
  }
  return out;
}
