import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TonearmError } from '#foundation';
import type { Playable } from '#core';
import { firstDifference, join, openFrom, readAll } from '../test-kit/decode-all.ts';
import { openEngineBench, track, type EngineBench } from '../test-kit/engine-bench.ts';
import { chunked, openSoundServer, redirect, whole } from '../test-kit/sound-server.ts';
import { encodeMp3, encodeVorbis, synthesise } from '../test-kit/tune.ts';
import { encodeWav } from '../test-kit/wav.ts';
import { resample } from './voice.ts';

const rate = 44_100;
const down = 0.15 * rate;
const up = 0.4 * rate;
const pause = 0.25 * rate;
/** One step of 16 bits. */
const step = 1 / 32_768;
let music: Buffer;
let sound: Float32Array;
let spoken: Buffer;
let speech: Float32Array;
let bench: EngineBench;

beforeAll(async () => {
  music = await encodeVorbis(synthesise(8, rate, 1));
  sound = (await readAll(await openFrom(music, 'vorbis'))).samples;
  const [left] = synthesise(1, rate, 5);
  spoken = encodeWav([left.map((sample) => sample / 2)], rate);
  speech = (await readAll(await openFrom(spoken, 'any'))).samples;
});
beforeEach(async () => {
  bench = await openEngineBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  expect(bench.clock.pending).toBe(0);
});

const play = async (at = 0) => {
  bench.engine.play('m', await bench.file(music, 'vorbis'), at, false);
  await bench.until('playing');
};
const say = async (id: string, bytes = spoken, options = { gain: 1, duck: 0.25 }) => bench.engine.announce(id, await bench.file(bytes, 'any'), options);
const heard = () => join(bench.outputs.map((output) => output.heard));
const about = () => bench.said().filter((text) => !/moved|measured/.test(text));

/** The largest difference between what was heard from a frame on and what should have been. */
function farthest(what: Float32Array, from: number, frames: number, expected: (index: number) => number): number {
  let most = 0;
  for (let index = 0; index < 2 * frames; index++) most = Math.max(most, Math.abs((what[2 * from + index] ?? Number.NaN) - expected(index)));
  return most;
}

const planar = (samples: Float32Array) => [0, 1].map((channel) => samples.filter((_sample, index) => index % 2 === channel));

/** First frame from which on this differs from the music. */
const begin = (what: Float32Array, from = 0) => from + Math.floor(firstDifference(what.subarray(2 * from), sound.subarray(2 * from)) / 2);

/** That one announcement lies over the music and everything else is the music, bit for bit. Returns where it ended. */
function expectOver(what: Float32Array, said: Float32Array, { duck = 0.25, gain = 1, from = 0 } = {}): number {
  // At the first frame of the ramp the level is still 1.
  const start = begin(what, from) - 1;
  const voice = start + down;
  const end = voice + said.length / 2;
  const level = (index: number) => 1 + ((duck - 1) * (index >> 1)) / down;
  expect(farthest(what, start, down, (index) => (sound[2 * start + index] ?? 0) * level(index))).toBeLessThan(step);
  expect(farthest(what, voice, said.length / 2, (index) => (sound[2 * voice + index] ?? 0) * duck + (said[index] ?? 0) * gain)).toBeLessThan(step);
  expect(farthest(what, end, up, (index) => (sound[2 * end + index] ?? 0) * (duck + ((1 - duck) * (index >> 1)) / up))).toBeLessThan(step);
  return end + up;
}

describe('over music', () => {
  test('the music is lowered and goes on; before and after every sample of it is as it was', async () => {
    await play();
    await bench.pass(1000);
    await say('x');
    await bench.until('announcing', 'x');
    await bench.until('announced', 'x');
    await bench.until('ended');
    const after = expectOver(heard(), speech);
    expect(firstDifference(heard().subarray(2 * after), sound.subarray(2 * after))).toBe(-1);
    expect(heard().length).toBe(sound.length);
    expect(about()).toEqual(['playing m', 'announcing x', 'announced x', 'ended m']);
    expect(bench.news.find(({ name }) => name === 'announced')).toMatchObject({ error: null });
  });

  test('has its own level, whatever the volume of the music', async () => {
    bench.engine.setGain(0.5);
    await play();
    await say('x', spoken, { gain: 0.8, duck: 0 });
    await bench.until('announced', 'x');
    await bench.until('ended');
    const what = heard();
    const voice = what.findIndex((_sample, index) => Math.abs((what[index] ?? 0) - (speech[0] ?? 0) * 0.8) < 1e-7 && farthest(what, index >> 1, 100, (at) => (speech[at] ?? 0) * 0.8) < step) >> 1;
    expect(voice).toBeGreaterThan(0);
    expect(farthest(what, voice, speech.length / 2, (index) => (speech[index] ?? 0) * 0.8)).toBeLessThan(step);
    expect(farthest(what, 7.5 * rate, 0.4 * rate, (index) => (sound[15 * rate + index] ?? 0) * 0.5)).toBeLessThan(step);
  });

  test('several are said one after the other, the music low all the while', async () => {
    await play();
    await bench.pass(300);
    for (const id of ['x', 'y', 'z']) await say(id);
    await bench.until('announced', 'z');
    await bench.until('ended');
    const what = heard();
    const first = begin(what) - 1 + down;
    for (const turn of [0, 1, 2]) {
      const from = first + turn * (speech.length / 2 + pause);
      expect(farthest(what, from, speech.length / 2, (index) => (sound[2 * from + index] ?? 0) * 0.25 + (speech[index] ?? 0))).toBeLessThan(step);
      if (turn < 2) expect(farthest(what, from + speech.length / 2, pause, (index) => (sound[2 * from + speech.length + index] ?? 0) * 0.25)).toBeLessThan(step);
    }
    expect(about()).toEqual(['playing m', 'announcing x', 'announced x', 'announcing y', 'announced y', 'announcing z', 'announced z', 'ended m']);
    expect(what.length).toBe(sound.length);
  });

  test('speech of every rate, mono or stereo, as WAV and MP3', async () => {
    for (const [index, speechRate] of [16_000, 22_050, 24_000, 48_000].entries()) {
      await bench[Symbol.asyncDispose]();
      bench = await openEngineBench();
      const [left, right] = synthesise(0.5, speechRate, index + 2);
      const channels = index % 2 === 0 ? [left] : [left, right];
      const file = index < 2 ? encodeWav(channels, speechRate) : await encodeMp3(channels, speechRate, { bitrate: 96 });
      // The encoder may choose a lower rate by itself.
      const decoder = await openFrom(file, 'any');
      const expected = resample((await readAll(decoder)).samples.map((sample) => sample * 0.5), decoder.rate, rate);
      await play();
      await bench.pass(200);
      await say('x', file, { gain: 0.5, duck: 0.2 });
      await bench.until('announced', 'x');
      await bench.until('ended');
      const after = expectOver(heard(), expected, { duck: 0.2 });
      expect(firstDifference(heard().subarray(2 * after), sound.subarray(2 * after))).toBe(-1);
      expect(bench.outputs).toHaveLength(1);
    }
  });

  test('what would be louder than full scale is held back, and lets go again', async () => {
    await play();
    await say('x', encodeWav([new Float32Array(rate / 2).fill(0.99)], rate), { gain: 1, duck: 0.9 });
    await bench.until('ended');
    const what = heard();
    expect(what.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)).toBeLessThanOrEqual(1);
    const tail = 2 * 5 * rate;
    expect(firstDifference(what.subarray(tail), sound.subarray(tail))).toBe(-1);
  });

  test('goes on into the silence when the music ends under it, and the end of the music is told in time', async () => {
    const brief = sound.subarray(0, 6 * rate);
    bench.engine.play('m', await bench.file(encodeWav(planar(brief), rate, { bits: 32, isFloat: true }), 'any'), 0, false);
    await bench.pass(1800);
    await say('x');
    await bench.until('ended');
    expect(Math.abs(heard().length / 2 - 3 * rate)).toBeLessThan(0.05 * rate);
    await bench.until('announced', 'x');
    const start = begin(heard()) - 1 + down;
    const under = 3 * rate - start;
    expect(under).toBeGreaterThan(0.2 * rate);
    expect(farthest(heard(), start + under, speech.length / 2 - under, (index) => speech[2 * under + index] ?? 0)).toBeLessThan(step);
  });

  test('what follows comes under it without a gap', async () => {
    await play(7000);
    bench.engine.follow({ id: 'n', playable: await bench.file(music, 'vorbis') });
    await bench.pass(200);
    await say('x');
    await bench.until('playing', 'n');
    await bench.until('announced', 'x');
    await bench.until('ended', 'n');
    expect(heard().length / 2).toBe(9 * rate);
    expect(firstDifference(heard().subarray(6 * rate), sound.subarray(4 * rate))).toBe(-1);
  });
});

describe('without music', () => {
  test('the output is opened for it and released after', async () => {
    await say('x');
    await bench.until('announcing', 'x');
    await bench.until('announced', 'x');
    expect(firstDifference(heard().subarray(0, speech.length), speech)).toBe(-1);
    expect(heard().subarray(speech.length).every((sample) => sample === 0)).toBe(true);
    await bench.pass(9900);
    expect(bench.output().isClosed).toBe(false);
    await bench.pass(200);
    expect(bench.output().isClosed).toBe(true);
    expect(about()).toEqual(['announcing x', 'announced x']);
  });

  test('in a pause the music stays where it is', async () => {
    await play();
    await bench.pass(1000);
    bench.engine.pause();
    const { position } = await bench.until('paused');
    const before = heard().length;
    await say('x');
    await bench.until('announced', 'x');
    expect(farthest(heard(), before / 2, speech.length / 2, (index) => speech[index] ?? 0)).toBeLessThan(step);
    await bench.pass(500);
    bench.engine.resume();
    const again = heard().length;
    expect((await bench.until('playing')).position).toBeCloseTo(position, 6);
    await bench.until('ended');
    expect(firstDifference(heard().subarray(again), sound.subarray(before))).toBe(-1);
  });

  test('music that begins meanwhile is lowered, and comes back', async () => {
    await say('x');
    await bench.pass(400);
    await play();
    await bench.until('announced', 'x');
    await bench.until('ended');
    const what = heard();
    const end = what.length - sound.length;
    const full = end + 2 * rate * 2;
    expect(firstDifference(what.subarray(full), sound.subarray(4 * rate))).toBe(-1);
    expect(farthest(what, end / 2, 1000, (index) => (sound[index] ?? 0) * 0.25 + (what[end + index] ?? 0) - (sound[index] ?? 0) * 0.25)).toBeLessThan(step);
  });

  test('a pause, a seek and a stop in the middle do not touch what is said', async () => {
    await play();
    await bench.pass(500);
    await say('x', spoken, { gain: 1, duck: 0 });
    await bench.until('announcing', 'x');
    await bench.pass(900);
    bench.engine.pause();
    await bench.pass(100);
    bench.engine.seek(3000);
    await bench.pass(100);
    bench.engine.stop();
    await bench.until('announced', 'x');
    const what = heard();
    const from = what.findIndex((_sample, index) => index % 2 === 0 && farthest(what, index / 2, 50, (at) => speech[at] ?? 0) < 1e-7) / 2;
    expect(from).toBeGreaterThan(0);
    expect(farthest(what, from, speech.length / 2, (index) => speech[index] ?? 0)).toBeLessThan(step);
  });
});

describe('over HTTP', () => {
  const address = (url: string): Playable => ({ track: track(), bytes: { urls: [url], live: false }, format: 'any' });

  test.each(['/whole.wav', '/chunked.mp3', '/moved'])('%s is fetched and said', async (path) => {
    const mp3 = await encodeMp3([synthesise(0.5, 24_000, 4)[0]], 24_000, { bitrate: 96 });
    const server = await openSoundServer({ '/whole.wav': whole(spoken, 'audio/wav'), '/chunked.mp3': chunked(mp3), '/moved': redirect('/whole.wav') });
    const decoder = await openFrom(path.endsWith('mp3') ? mp3 : spoken, 'any');
    const expected = resample((await readAll(decoder)).samples, decoder.rate, rate);
    bench.engine.announce('x', address(server.url(path)), { gain: 1, duck: 0.2 });
    expect(await bench.until('announced', 'x')).toMatchObject({ error: null });
    expect(farthest(heard(), 0, expected.length / 2, (index) => expected[index] ?? 0)).toBeLessThan(step);
    await server[Symbol.asyncDispose]();
  });

  test('what the server does not have is told, and the music is untouched', async () => {
    const server = await openSoundServer({ '/page': whole(Buffer.from('<html></html>'), 'text/html') });
    await play();
    bench.engine.announce('none', address(server.url('/none')), { gain: 1, duck: 0.2 });
    expect(await bench.until('announced', 'none')).toMatchObject({ error: { code: 'audio/not-on-server', message: expect.stringContaining('404') as string } });
    bench.engine.announce('page', address(server.url('/page')), { gain: 1, duck: 0.2 });
    expect(await bench.until('announced', 'page')).toMatchObject({ error: { code: 'audio/web-page' } });
    await bench.until('ended');
    expect(firstDifference(heard(), sound)).toBe(-1);
    await server[Symbol.asyncDispose]();
  });
});

describe('trouble', () => {
  test('what cannot be fetched or decoded is told with a sentence, and the music is untouched', async () => {
    await play();
    await say('garbage', Buffer.from('<html>No.</html>'));
    expect(await bench.until('announced', 'garbage')).toMatchObject({ error: { code: 'audio/unknown-format', kind: 'invalid' } });
    bench.engine.announce('gone', { track: track(), bytes: { file: '/nowhere/at/all' }, format: 'any' }, { gain: 1, duck: 0 });
    expect(await bench.until('announced', 'gone')).toMatchObject({ error: { code: 'audio/file-missing' } });
    await say('empty', encodeWav([new Float32Array(0)], 22_050));
    expect(await bench.until('announced', 'empty')).toMatchObject({ error: { code: 'audio/no-sound' } });
    await bench.until('ended');
    expect(firstDifference(heard(), sound)).toBe(-1);
    expect(about()).toEqual(['playing m', 'announced garbage', 'announced gone', 'announced empty', 'ended m']);
  });

  test('one that is broken does not keep the next from being said', async () => {
    await say('broken', Buffer.alloc(3000, 7));
    await say('x');
    await bench.until('announced', 'x');
    expect(about()).toEqual(['announced broken', 'announcing x', 'announced x']);
    expect(firstDifference(heard().subarray(0, speech.length), speech)).toBe(-1);
  });

  test('hush ends it at once, and what waits too', async () => {
    await play();
    await bench.pass(300);
    await say('x');
    await say('y');
    await bench.until('announcing', 'x');
    await bench.pass(700);
    bench.engine.hush();
    await bench.until('announced', 'y');
    const at = heard().length / 2;
    await bench.until('ended');
    expect(about()).toEqual(['playing m', 'announcing x', 'announced x', 'announced y', 'ended m']);
    expect(heard().length).toBe(sound.length);
    const full = Math.ceil(at + 0.02 * rate + up + 882) * 2;
    expect(firstDifference(heard().subarray(full), sound.subarray(full))).toBe(-1);
    bench.engine.hush();
  });

  test('without an output it is told why', async () => {
    await bench[Symbol.asyncDispose]();
    let isGone = true;
    bench = await openEngineBench({ openFails: () => (isGone ? new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'Gone.' }) : null) });
    await say('x');
    expect(await bench.until('announced', 'x')).toMatchObject({ error: { code: 'output/device-lost' } });
    isGone = false;
    await say('y');
    expect(await bench.until('announced', 'y')).toMatchObject({ error: null });
  });

  test('a device that is lost under it and does not come back is not asked for without end', async () => {
    await bench[Symbol.asyncDispose]();
    let tries = 0;
    let isGone = false;
    const gone = () => new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'Gone.' });
    bench = await openEngineBench({
      openFails: () => {
        if (!isGone) return null;
        tries += 1;
        // Whoever asks so often asks without end.
        if (tries > 100) isGone = false;
        return gone();
      },
    });
    await play();
    await say('x');
    await bench.until('announcing', 'x');
    await bench.pass(330);
    isGone = true;
    bench.output().trouble = gone();
    expect(await bench.until('announced', 'x')).toMatchObject({ error: { code: 'output/device-lost' } });
    await bench.pass(10_000);
    expect(tries).toBeLessThan(20);
    bench.engine.stop();
    await bench.pass(100);
  });

  test('a device that is lost under it: the music goes on from there at its full level', async () => {
    await play();
    await bench.pass(3500);
    await say('x');
    await bench.until('announcing', 'x');
    await bench.pass(300);
    bench.output().trouble = new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'Gone.' });
    await bench.until('announced', 'x');
    await bench.until('ended');
    expect(heard().length).toBe(sound.length);
    expect(firstDifference(heard().subarray(14 * rate), sound.subarray(14 * rate))).toBe(-1);
  });
});

type Action = { readonly kind: 'say'; readonly length: number; readonly isBroken: boolean } | { readonly kind: 'volume'; readonly gain: number } | { readonly kind: 'hush' };
const actions: fc.Arbitrary<readonly { readonly wait: number; readonly action: Action }[]> = fc.array(
  fc.record({
    wait: fc.integer({ min: 0, max: 600 }),
    action: fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('say' as const), length: fc.integer({ min: 1, max: 1200 }), isBroken: fc.boolean() }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('volume' as const), gain: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('hush' as const) }) },
    ),
  }),
  { minLength: 3, maxLength: 12 },
);

test('announcements over one another and the volume in any order: not a sample of the music is lost, and its place is right all the while', async () => {
  await fc.assert(
    fc.asyncProperty(actions, async (steps) => {
      await bench[Symbol.asyncDispose]();
      bench = await openEngineBench();
      const places: number[] = [];
      const push = bench.news.push.bind(bench.news);
      bench.news.push = (...items) => {
        for (const item of items) if (item.name === 'moved') places.push(Math.abs(item.position - (bench.output().heard.length / 2 / rate) * 1000));
        return push(...items);
      };
      bench.engine.play('m', await bench.file(music, 'vorbis'), 0, false);
      await bench.pass(1000);
      let asked = 0;
      const gains = [1];
      for (const { wait, action } of steps) {
        await bench.pass(wait);
        if (action.kind === 'hush') bench.engine.hush();
        else if (action.kind === 'volume') {
          gains.push(action.gain);
          bench.engine.setGain(action.gain);
        }
        // Said without a sound and without lowering anything, the music has to come out as if nobody had spoken.
        else await say(`x${asked++}`, action.isBroken ? Buffer.from('{}') : encodeWav([new Float32Array(Math.round(action.length * 22.05)).fill(0.5)], 22_050), { gain: 0, duck: 1 });
      }
      bench.engine.hush();
      bench.engine.setGain(1);
      await bench.until('ended');
      expect(heard().length).toBe(sound.length);
      expect(firstDifference(heard().subarray(0, rate), sound.subarray(0, rate))).toBe(-1);
      expect(Math.max(...places)).toBeLessThan(1);
      expect(places.length).toBeGreaterThan(5);
      expect(bench.news.filter(({ name }) => name === 'announced').length).toBe(asked);
      expect(bench.news.some(({ name }) => name === 'stalled' || name === 'failed')).toBe(false);
      // Every sample is the music's at some volume that was set, or on the way from one to the next.
      const [least, most] = [Math.min(...gains), 1];
      const wrong = heard().findIndex((sample, index) => Math.abs(sample) > Math.abs(sound[index] ?? 0) * most + 1e-6 || Math.abs(sample) < Math.abs(sound[index] ?? 0) * least - 1e-6 || sample * (sound[index] ?? 0) < 0);
      expect(wrong).toBe(-1);
    }),
    { numRuns: 8 },
  );
}, 60_000);
