import { expect, test } from 'vitest';
import { calm, firstDifference, readAll } from '../../test-kit/decode-all.ts';
import { openTone } from './tone.ts';

const rate = 44_100;

async function frames(seconds: number, from = 0): Promise<Float32Array> {
  const bell = openTone('bell');
  await bell.seek(from, calm);
  const out = new Float32Array(2 * Math.round(seconds * rate));
  for (let at = 0; at < out.length; ) {
    const block = await bell.read(calm);
    if (!block) throw new Error('The bell ended.');
    out.set(block.frames.subarray(0, out.length - at), at);
    at += block.frames.length;
  }
  return out;
}
const peak = (samples: Float32Array) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

test('the chime is a second and a half of two falling notes that die away', async () => {
  const chime = openTone('chime');
  expect(await chime.measure(calm)).toBe(1.5 * rate);
  const { samples } = await readAll(chime);
  expect(samples.length).toBe(2 * 1.5 * rate);
  expect(peak(samples)).toBeGreaterThan(0.3);
  expect(peak(samples)).toBeLessThan(0.8);
  expect(peak(samples.subarray(-200))).toBeLessThan(0.003);
  // Nothing clicks at the beginning.
  expect(peak(samples.subarray(0, 20))).toBeLessThan(0.02);
  expect([pitch(samples, 0.05, 0.3), pitch(samples, 0.9, 1.2)].map(Math.round)).toEqual([659, 523].map((note) => expect.closeTo(note, -1) as number));
});

test('the bell swells over half a minute and rings on', async () => {
  const peaks = await Promise.all([0, 10, 20, 30, 3600].map(async (second) => peak(await frames(2, second * rate))));
  expect(peaks[0]).toBeGreaterThan(0.03);
  expect(peaks[0]).toBeLessThan(0.1);
  for (const index of [1, 2, 3]) expect(peaks[index]).toBeGreaterThan(1.5 * (peaks[index - 1] ?? 1));
  expect(peaks[4]).toBeCloseTo(0.85, 2);
  expect(await openTone('bell').measure(calm)).toBeNull();
});

test('goes on exactly anywhere', async () => {
  const from = 5 * rate + 1234;
  expect(firstDifference((await frames(8)).subarray(2 * from), await frames(8 - from / rate, from))).toBe(-1);
});

/** By counting how often it goes up through zero. */
function pitch(samples: Float32Array, from: number, to: number): number {
  let ups = 0;
  for (let frame = Math.round(from * rate); frame < to * rate; frame++) if ((samples[2 * frame] ?? 0) < 0 && (samples[2 * frame + 2] ?? 0) >= 0) ups += 1;
  return ups / (to - from);
}
