import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { TonearmError } from '#foundation';
import { firstDifference, join, openFrom, readAll } from '../test-kit/decode-all.ts';
import { openEngineBench, type EngineBench } from '../test-kit/engine-bench.ts';
import { RecordingOutput } from '../test-kit/recording-output.ts';
import { encodeVorbis, synthesise } from '../test-kit/tune.ts';
import { resample } from './voice.ts';

const rate = 44_100;
let music: Buffer;
let sound: Float32Array;
let bench: EngineBench;
let others: RecordingOutput[];
let isGone: boolean;

beforeAll(async () => {
  music = await encodeVorbis(synthesise(5, rate, 1));
  sound = (await readAll(await openFrom(music, 'vorbis'))).samples;
});
beforeEach(async () => {
  isGone = false;
  bench = await openEngineBench({ openFails: () => (isGone ? new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'Gone.' }) : null) });
  others = [];
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  expect(bench.clock.pending).toBe(0);
});

const change = (fixed: number | null = null) =>
  bench.engine.useOutput({
    open: (asked) => {
      const output = new RecordingOutput(bench.clock, fixed ?? asked);
      others.push(output);
      return Promise.resolve(output);
    },
    fixed,
    releaseAfter: 5000,
  });
const first = () => bench.output().heard;
const second = () => join(others.map(({ heard }) => heard));

test('the music goes on there with the very next sample', async () => {
  bench.engine.play('m', await bench.file(music, 'vorbis'), 0, false);
  await bench.pass(2000);
  change();
  await bench.until('ended');
  expect(bench.output().isClosed).toBe(true);
  expect(first().length).toBeGreaterThan(rate);
  expect(firstDifference(join([first(), second()]), sound)).toBe(-1);
  expect(bench.news.filter(({ name }) => name === 'stalled' || name === 'failed')).toEqual([]);
});

test('one that knows only another rate gets the music from the same place', async () => {
  bench.engine.play('m', await bench.file(music, 'vorbis'), 0, false);
  await bench.pass(2000);
  change(48_000);
  await bench.until('moved');
  await bench.until('ended');
  const expected = resample(sound.subarray(first().length), rate, 48_000);
  expect(second().length).toBe(expected.length);
  expect(firstDifference(second().subarray(200, -200), expected.subarray(200, -200))).toBe(-1);
});

test('and back again, exactly', async () => {
  bench.engine.play('m', await bench.file(music, 'vorbis'), 0, false);
  await bench.pass(1000);
  change(48_000);
  await bench.pass(1000);
  const heardThere = second().length / 2 / 48_000;
  change();
  await bench.until('ended');
  const [, back] = others;
  const from = sound.length - (back?.heard.length ?? 0);
  expect(Math.abs(from / 2 / rate - first().length / 2 / rate - heardThere)).toBeLessThan(0.03);
  expect(firstDifference(back?.heard ?? new Float32Array(0), sound.subarray(from))).toBe(-1);
});

test('in a pause it is opened when the music goes on', async () => {
  bench.engine.play('m', await bench.file(music, 'vorbis'), 0, false);
  await bench.pass(1000);
  bench.engine.pause();
  await bench.until('paused');
  change();
  await bench.pass(1000);
  expect(others).toHaveLength(0);
  bench.engine.resume();
  await bench.until('ended');
  expect(firstDifference(join([first(), second()]), sound)).toBe(-1);
});

test('what is said goes on there, too', async () => {
  bench.engine.announce('x', { track: { uri: 'sound:chime', kind: 'file', title: '', artists: [], album: '', duration: 0, covers: [], explicit: false }, bytes: { tone: 'chime' }, format: 'any' }, { gain: 1, duck: 0.2 });
  await bench.until('announcing');
  await bench.pass(500);
  change(48_000);
  await bench.until('announced', 'x');
  const chime = first().length / 2 / rate + second().length / 2 / 48_000;
  expect(chime).toBeGreaterThan(1.49);
  expect(chime).toBeLessThan(1.8);
});

test('music that waits for a lost device begins again on the other one', async () => {
  bench.engine.play('m', await bench.file(music, 'vorbis'), 0, false);
  await bench.pass(500);
  bench.output().trouble = new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'Gone.' });
  isGone = true;
  await bench.until('failed');
  change();
  await bench.until('playing');
  await bench.until('ended');
  expect(firstDifference(join([first(), second()]), sound)).toBe(-1);
});
