import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TonearmError } from '#foundation';
import { firstDifference, join, openFrom, readAll } from '../test-kit/decode-all.ts';
import { openEngineBench, type EngineBench } from '../test-kit/engine-bench.ts';
import { encipher, encodeVorbis, foreignPage, synthesise } from '../test-kit/tune.ts';

const rate = 44_100;
let a: Buffer;
let b: Buffer;
let soundA: Float32Array;
let soundB: Float32Array;
let bench: EngineBench;

beforeAll(async () => {
  a = await encodeVorbis(synthesise(6, rate, 1));
  b = await encodeVorbis(synthesise(4.321, rate, 2));
  soundA = (await readAll(await openFrom(a, 'vorbis'))).samples;
  soundB = (await readAll(await openFrom(b, 'vorbis'))).samples;
});
beforeEach(async () => {
  bench = await openEngineBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  expect(bench.clock.pending).toBe(0);
});

/** Frames of a sound, as samples. */
const part = (sound: Float32Array, from: number, to: number) => sound.subarray(2 * Math.round(from), 2 * Math.round(to));
const differs = (what: Float32Array, ...parts: Float32Array[]) => firstDifference(what, join(parts));

describe('one load', () => {
  test('is played to the end, bit for bit', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.until('ended');
    expect(differs(bench.output().heard, soundA)).toBe(-1);
    expect(bench.said()).toEqual(['playing a', 'measured a', ...Array<string>(6).fill('moved a'), 'ended a']);
    expect(bench.news).toContainEqual({ name: 'measured', id: 'a', duration: 6000 });
  });

  test('tells what is heard, at most once a second', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    const started = await bench.until('playing');
    expect(started.position).toBe(0);
    const begin = bench.clock.monotonic();
    for (let second = 1; second <= 3; second++) {
      const { position } = await bench.until('moved');
      expect(Math.abs(position - (bench.clock.monotonic() - begin))).toBeLessThan(60);
    }
  });

  test('starts anywhere, exactly', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 3210, false);
    expect(await bench.until('playing')).toEqual({ name: 'playing', id: 'a', position: 3210 });
    await bench.until('ended');
    expect(differs(bench.output().heard, part(soundA, 3.21 * rate, Infinity))).toBe(-1);
  });

  test('is deciphered, and its foreign page stepped over, by skip or without', async () => {
    const { bytes, cipher } = encipher(Buffer.concat([foreignPage(), a]));
    bench.engine.play('a', await bench.file(bytes, 'vorbis', { cipher, skip: 167 }), 0, false);
    await bench.until('ended');
    bench.engine.play('b', await bench.file(bytes, 'vorbis', { cipher }), 0, false);
    await bench.until('ended', 'b');
    expect(differs(bench.output().heard, soundA, soundA)).toBe(-1);
  });

  test('made ready but silent', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 1000, true);
    expect(await bench.until('paused')).toMatchObject({ position: 1000 });
    await bench.pass(3000);
    expect(bench.outputs).toHaveLength(0);
    bench.engine.resume();
    await bench.until('ended');
    expect(differs(bench.output().heard, part(soundA, rate, Infinity))).toBe(-1);
    expect(bench.said().slice(0, 2)).toEqual(['paused a', 'playing a']);
  });

  test('ends with its own length, not with a wrong one it was said to have', async () => {
    const playable = await bench.file(a, 'vorbis');
    bench.engine.play('a', { ...playable, track: { ...playable.track, duration: 1000 } }, 5000, false);
    await bench.until('ended');
    expect(differs(bench.output().heard, part(soundA, 5 * rate, Infinity))).toBe(-1);
  });

  test('started behind its end is over at once', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 60_000, false);
    await bench.until('ended');
    expect(bench.clock.monotonic()).toBeLessThan(500);
    expect(bench.output().accepted).toBe(0);
  });
});

describe('pause and resume', () => {
  test('lose nothing and repeat nothing', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.until('playing');
    for (let times = 0; times < 3; times++) {
      await bench.pass(700);
      bench.engine.pause();
      const { position } = await bench.until('paused');
      expect(Math.abs(position - (bench.output().heard.length / 2 / rate) * 1000)).toBeLessThan(1);
      const silent = bench.output().accepted;
      await bench.pass(1000);
      expect(bench.output().accepted).toBe(silent);
      bench.engine.resume();
      expect(Math.abs((await bench.until('playing')).position - position)).toBeLessThan(1);
    }
    await bench.until('ended');
    expect(differs(bench.output().heard, soundA)).toBe(-1);
  });

  test('the output is closed after ten seconds of silence, and what was in it is not lost', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    bench.engine.pause();
    await bench.pass(9000);
    expect(bench.output().isClosed).toBe(false);
    await bench.pass(1500);
    expect(bench.output().isClosed).toBe(true);
    bench.engine.resume();
    await bench.until('ended');
    expect(bench.outputs).toHaveLength(2);
    expect(differs(join([bench.outputs[0]!.heard, bench.outputs[1]!.heard]), soundA)).toBe(-1);
  });

  test.each([
    [0, 20],
    [3000, 3000],
  ])('with a release of %i ms the output is closed %i ms after the pause', async (releaseAfter, limit) => {
    await bench[Symbol.asyncDispose]();
    bench = await openEngineBench({ releaseAfter });
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    bench.engine.pause();
    await bench.until('paused');
    if (limit > 100) {
      await bench.pass(limit - 100);
      expect(bench.output().isClosed).toBe(false);
    }
    await bench.pass(200);
    expect(bench.output().isClosed).toBe(true);
    bench.engine.resume();
    await bench.until('ended');
    expect(differs(join(bench.outputs.map(({ heard }) => heard)), soundA)).toBe(-1);
  });

  test('without a release it is kept', async () => {
    await bench[Symbol.asyncDispose]();
    bench = await openEngineBench({ releaseAfter: Infinity });
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    bench.engine.pause();
    await bench.pass(60_000);
    bench.engine.stop();
    await bench.pass(60_000);
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    await bench.until('ended');
    expect(bench.outputs).toHaveLength(1);
    expect(bench.output().isClosed).toBe(false);
  });

  test('a pause before the first sound holds', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    bench.engine.pause();
    await bench.until('paused');
    await bench.pass(500);
    expect(bench.said()).toEqual(['paused a']);
  });

  test('twice is once', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.until('playing');
    bench.engine.resume();
    bench.engine.pause();
    bench.engine.pause();
    await bench.pass(100);
    bench.engine.resume();
    bench.engine.resume();
    await bench.pass(100);
    expect(bench.said().filter((text) => !text.startsWith('measured'))).toEqual(['playing a', 'paused a', 'playing a']);
  });
});

describe('seek', () => {
  test('is exact, forward and back, with no old sound behind it', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(900);
    bench.engine.seek(4000);
    expect(await bench.until('moved')).toMatchObject({ position: 4000 });
    expect(await bench.until('playing')).toMatchObject({ position: 4000 });
    const before = bench.output().accepted - bench.output().delay;
    expect(before).toBeGreaterThan(0);
    await bench.pass(500);
    bench.engine.seek(500);
    await bench.until('ended');
    const { heard } = bench.output();
    const first = heard.findIndex((_sample, index) => index % 2 === 0 && heard[index] !== soundA[index]) / 2;
    const second = firstDifference(part(heard, first, Infinity), part(soundA, 4 * rate, Infinity)) / 2;
    expect(differs(heard, part(soundA, 0, first), part(soundA, 4 * rate, 4 * rate + Math.floor(second)), part(soundA, 0.5 * rate, Infinity))).toBe(-1);
    expect(first / rate).toBeGreaterThan(0.8);
    expect(first / rate).toBeLessThan(0.95);
  });

  test('while paused stays paused', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(300);
    bench.engine.pause();
    await bench.until('paused');
    bench.engine.seek(3000);
    expect(await bench.until('paused')).toMatchObject({ position: 3000 });
    const { length } = bench.output().heard;
    bench.engine.resume();
    expect(await bench.until('playing')).toMatchObject({ position: 3000 });
    await bench.until('ended');
    expect(differs(bench.output().heard.subarray(length), part(soundA, 3 * rate, Infinity))).toBe(-1);
  });

  test('many at once: the last one counts', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    for (const to of [1000, 5000, 2000, 5500]) bench.engine.seek(to);
    expect(await bench.until('playing')).toMatchObject({ position: 5500 });
    await bench.until('ended');
    expect(differs(bench.output().heard, part(soundA, 5.5 * rate, Infinity))).toBe(-1);
  });
});

describe('what follows', () => {
  test('comes without a gap, and the change is told when it is heard', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    bench.engine.follow({ id: 'b', playable: await bench.file(b, 'vorbis') });
    await bench.until('ended', 'a');
    expect(Math.abs(bench.output().heard.length - soundA.length) / 2 / rate).toBeLessThan(0.05);
    expect((await bench.until('playing', 'b')).position).toBeLessThan(50);
    await bench.until('ended', 'b');
    expect(differs(bench.output().heard, soundA, soundB)).toBe(-1);
    expect(bench.outputs).toHaveLength(1);
    expect(bench.said().filter((text) => !/moved|measured/.test(text))).toEqual(['playing a', 'ended a', 'playing b', 'ended b']);
  });

  test('may come as late as the last sample', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    await bench.until('playing');
    await bench.pass(860);
    bench.engine.follow({ id: 'b', playable: await bench.file(b, 'vorbis') });
    await bench.until('ended', 'b');
    expect(differs(bench.output().heard, part(soundA, 5 * rate, Infinity), soundB)).toBe(-1);
  });

  test('can be taken back and replaced until it is heard', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    const follower = await bench.file(b, 'vorbis');
    bench.engine.follow({ id: 'b', playable: follower });
    await bench.until('playing');
    // Half a second before the end the first samples of b are in the output already.
    await bench.pass(800);
    bench.engine.follow({ id: 'c', playable: await bench.file(a, 'vorbis') });
    await bench.until('playing', 'c');
    bench.engine.follow({ id: 'd', playable: follower });
    bench.engine.follow(null);
    await bench.until('ended', 'c');
    expect(differs(bench.output().heard, part(soundA, 5 * rate, Infinity), soundA)).toBe(-1);
  });

  test('a pause around the change loses nothing', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    bench.engine.follow({ id: 'b', playable: await bench.file(b, 'vorbis') });
    await bench.until('playing');
    await bench.pass(800);
    bench.engine.pause();
    expect(await bench.until('paused')).toMatchObject({ id: 'a' });
    bench.engine.resume();
    expect(await bench.until('playing')).toMatchObject({ id: 'a' });
    await bench.until('playing', 'b');
    bench.engine.pause();
    expect(await bench.until('paused')).toMatchObject({ id: 'b' });
    bench.engine.resume();
    await bench.until('ended', 'b');
    expect(differs(bench.output().heard, part(soundA, 5 * rate, Infinity), soundB)).toBe(-1);
  });

  test('a seek while the end of one waits in the output moves that one', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    bench.engine.follow({ id: 'b', playable: await bench.file(b, 'vorbis') });
    await bench.until('playing');
    await bench.pass(800);
    const { length } = bench.output().heard;
    bench.engine.seek(4500);
    expect(await bench.until('playing')).toMatchObject({ id: 'a', position: 4500 });
    await bench.until('ended', 'b');
    expect(differs(bench.output().heard.subarray(length), part(soundA, 4.5 * rate, Infinity), soundB)).toBe(-1);
  });

  test('played by hand before its time it is taken as it is', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    const playable = await bench.file(b, 'vorbis');
    bench.engine.follow({ id: 'b', playable });
    await bench.pass(500);
    bench.engine.play('b', playable, 0, false);
    const { length } = bench.output().heard;
    await bench.until('ended', 'b');
    expect(differs(bench.output().heard.subarray(length), soundB)).toBe(-1);
    expect(bench.said()).not.toContain('ended a');
  });

  test('of another rate the output is opened anew after the last sample', async () => {
    const slow = await encodeVorbis(synthesise(1, 22_050, 3), 22_050);
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    bench.engine.follow({ id: 's', playable: await bench.file(slow, 'vorbis') });
    await bench.until('ended', 's');
    expect(bench.outputs.map(({ format, isClosed }) => [format.rate, isClosed])).toEqual([[44_100, true], [22_050, false]]);
    expect(bench.outputs[0]!.heard.length).toBe(2 * rate);
    expect(bench.outputs[1]!.heard.length).toBe(2 * 22_050);
    expect(bench.said().filter((text) => !/moved|measured/.test(text))).toEqual(['playing a', 'ended a', 'playing s', 'ended s']);
  });

  test('that cannot be played fails when its turn comes', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    bench.engine.follow({ id: 'x', playable: await bench.file(Buffer.alloc(5000), 'vorbis') });
    expect(await bench.until('failed')).toMatchObject({ id: 'x', error: { code: 'audio/not-this-format' } });
    expect(bench.said().filter((text) => !/moved|measured/.test(text))).toEqual(['playing a', 'ended a', 'failed x']);
  });
});

describe('play and stop', () => {
  test('a new load drops the sound of the old one', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    const { length } = bench.output().heard;
    bench.engine.play('b', await bench.file(b, 'vorbis'), 0, false);
    await bench.until('ended', 'b');
    expect(differs(bench.output().heard, soundA.subarray(0, length), soundB)).toBe(-1);
    expect(bench.said()).not.toContain('ended a');
  });

  test('the newest of many wins', async () => {
    const playable = await bench.file(a, 'vorbis');
    for (let index = 0; index < 20; index++) bench.engine.play(String(index), playable, 0, false);
    expect(await bench.until('playing')).toMatchObject({ id: '19' });
    await bench.pass(100);
    expect(bench.said().filter((text) => text.startsWith('playing'))).toHaveLength(1);
  });

  test('stop is silence at once; the output is let go after a while', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    bench.engine.stop();
    await bench.pass(20);
    const { length } = bench.output().heard;
    bench.said();
    await bench.pass(2000);
    expect(bench.output().heard.length).toBe(length);
    expect(bench.said()).toEqual([]);
    bench.engine.resume();
    bench.engine.seek(0);
    bench.engine.pause();
    await bench.pass(9000);
    expect(bench.output().isClosed).toBe(true);
    expect(bench.said()).toEqual([]);
  });
});

describe('gain', () => {
  test('moves within ten milliseconds and without a click', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    const from = bench.output().accepted;
    bench.engine.setGain(0.25);
    await bench.until('ended');
    const { heard } = bench.output();
    expect(firstDifference(part(heard, 0, from), part(soundA, 0, from))).toBe(-1);
    const factors: number[] = [];
    for (let frame = from; frame < from + 2000; frame++) if (Math.abs(soundA[2 * frame]!) > 0.05) factors.push(heard[2 * frame]! / soundA[2 * frame]!);
    for (let index = 1; index < factors.length; index++) expect(factors[index]! - factors[index - 1]!).toBeLessThan(1e-6);
    const after = from + 0.011 * rate;
    expect(firstDifference(part(heard, after, Infinity), part(soundA, after, Infinity).map((sample) => sample * 0.25))).toBe(-1);
  });

  test.each(['play', 'seek', 'pause'] as const)('lowered just before a %s, no sample behind it is louder', async (command) => {
    const playable = await bench.file(a, 'vorbis');
    bench.engine.play('a', playable, 0, false);
    await bench.until('playing');
    await bench.pass(1000);
    bench.engine.setGain(0.01);
    if (command === 'play') bench.engine.play('b', playable, 0, false);
    else if (command === 'seek') bench.engine.seek(0);
    else {
      bench.engine.pause();
      bench.engine.resume();
    }
    await bench.until('playing', command === 'play' ? 'b' : 'a');
    const { firstAfter } = bench.output();
    expect(firstAfter).toHaveLength(1000);
    expect(Math.max(...firstAfter.map(Math.abs))).toBeLessThanOrEqual(0.01);
    expect(Math.max(...firstAfter.map(Math.abs))).toBeGreaterThan(0.0001);
  });

  test('set in silence counts from the first sample; back at 1 nothing is touched', async () => {
    bench.engine.setGain(0);
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    expect(bench.output().heard.every((sample) => sample === 0)).toBe(true);
    bench.engine.setGain(1);
    await bench.until('ended');
    const { heard } = bench.output();
    expect(firstDifference(heard.subarray(-100_000), soundA.subarray(-100_000))).toBe(-1);
  });

  test('loudness correction changes exactly at the border', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis', { gainDb: -6 }), 5000, false);
    bench.engine.follow({ id: 'b', playable: await bench.file(b, 'vorbis') });
    await bench.until('ended', 'b');
    const lowered = part(soundA, 5 * rate, Infinity).map((sample) => sample * 10 ** (-6 / 20));
    expect(differs(bench.output().heard, lowered, soundB)).toBe(-1);
  });

  test('a raised track is limited, not clipped', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis', { gainDb: 12 }), 0, false);
    await bench.until('ended');
    const { heard } = bench.output();
    expect(heard.filter((sample) => Math.abs(sample) > 1)).toHaveLength(0);
    expect(heard.filter((sample) => Math.abs(sample) > 0.85).length).toBeGreaterThan(100);
  });
});

describe('trouble', () => {
  test('a missing file, a wrong key, nonsense: a sentence each, and the deck goes on with the next', async () => {
    const { bytes } = encipher(a);
    const { cipher } = encipher(b);
    bench.engine.play('1', { ...(await bench.file(a, 'vorbis')), bytes: { file: '/nowhere/at/all' } }, 0, false);
    expect(await bench.until('failed', '1')).toMatchObject({ error: { code: 'audio/file-missing', kind: 'not-found' } });
    bench.engine.play('2', await bench.file(bytes, 'vorbis', { cipher }), 0, false);
    expect(await bench.until('failed', '2')).toMatchObject({ error: { code: 'audio/wrong-key' } });
    bench.engine.play('3', await bench.file(a, 'flac'), 0, false);
    expect(await bench.until('failed', '3')).toMatchObject({ error: { code: 'audio/not-this-format' } });
    bench.engine.play('4', { ...(await bench.file(a, 'vorbis')), bytes: { urls: ['http://127.0.0.1:1/'], live: true } }, 0, false);
    expect(await bench.until('failed', '4')).toMatchObject({ error: { code: 'audio/server-unreachable' } });
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    await bench.until('ended', 'a');
  });

  test('a device lost in play: said once, and a resume goes on where it was', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1500);
    bench.output().trouble = new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'Gone.' });
    expect(await bench.until('failed')).toMatchObject({ id: 'a', error: { code: 'output/device-lost' } });
    expect(bench.output().isClosed).toBe(true);
    expect(bench.said().filter((text) => /stalled|failed/.test(text))).toEqual(['stalled a', 'failed a']);
    await bench.pass(900);
    expect(bench.outputs).toHaveLength(1);
    bench.engine.resume();
    await bench.until('ended');
    expect(differs(join(bench.outputs.map(({ heard }) => heard)), soundA)).toBe(-1);
  });

  test('a device that had worked and is lost is opened again at once: a gap, and not a sample missing', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(4000);
    bench.said();
    bench.output().trouble = new TonearmError({ kind: 'unavailable', code: 'output/device-lost', message: 'Gone.' });
    const { position } = await bench.until('stalled');
    const lost = bench.clock.monotonic();
    expect((await bench.until('playing')).position).toBeCloseTo(position, 3);
    expect(bench.clock.monotonic() - lost).toBeLessThan(200);
    await bench.until('ended');
    expect(bench.said().filter((text) => /stalled|failed|playing/.test(text))).toEqual(['stalled a', 'playing a']);
    expect(differs(join(bench.outputs.map(({ heard }) => heard)), soundA)).toBe(-1);
  });

  describe('an occupied device', () => {
    let isBusy = true;
    const busy = () => (isBusy ? new TonearmError({ kind: 'conflict', code: 'output/device-busy', message: 'Busy.' }) : null);
    const start = async () => {
      isBusy = true;
      await bench[Symbol.asyncDispose]();
      bench = await openEngineBench({ openFails: busy });
      bench.engine.play('a', await bench.file(a, 'vorbis'), 2000, false);
      await bench.until('failed');
      bench.said();
    };

    test('is tried again from time to time, silently, and playback begins where it was to begin', async () => {
      await start();
      await bench.pass(20_000);
      expect(bench.said()).toEqual([]);
      isBusy = false;
      expect(await bench.until('playing')).toMatchObject({ id: 'a', position: 2000 });
      expect(bench.clock.monotonic()).toBeLessThan(40_000);
      await bench.until('ended');
      expect(differs(bench.output().heard, part(soundA, 2 * rate, Infinity))).toBe(-1);
    });

    test('is not tried any more after two minutes', async () => {
      await start();
      await bench.pass(135_000);
      isBusy = false;
      await bench.pass(60_000);
      expect(bench.said()).toEqual([]);
      expect(bench.outputs).toHaveLength(0);
    });

    test.each(['pause', 'stop'] as const)('%s calls the tries off', async (command) => {
      await start();
      bench.engine[command]();
      isBusy = false;
      await bench.pass(60_000);
      expect(bench.outputs).toHaveLength(0);
      expect(bench.said()).toEqual([]);
    });

    test('opens, and is lost again before it has proved itself: nothing is told', async () => {
      await start();
      isBusy = false;
      while (bench.outputs.length === 0) await bench.pass(20);
      bench.output().trouble = new TonearmError({ kind: 'conflict', code: 'output/device-busy', message: 'Busy.' });
      await bench.pass(900);
      expect(bench.said()).toEqual([]);
      expect(bench.outputs).toHaveLength(1);
      await bench.until('ended');
      expect(differs(bench.output().heard, part(soundA, 2 * rate, Infinity))).toBe(-1);
    });
  });

  test('an output that takes nothing any more is a stall after two seconds, and silence goes by without news', async () => {
    bench.engine.play('a', await bench.file(a, 'vorbis'), 0, false);
    await bench.pass(1000);
    bench.said();
    bench.output().isStuck = true;
    const since = bench.clock.monotonic();
    await bench.until('stalled');
    expect(bench.clock.monotonic() - since).toBeLessThan(3000);
    bench.said();
    await bench.pass(3000);
    expect(bench.said()).toEqual([]);
    bench.output().isStuck = false;
    await bench.until('playing');
  });

  test('an output that does not open is told, and tried again by a resume', async () => {
    let fails = true;
    await bench[Symbol.asyncDispose]();
    bench = await openEngineBench({ openFails: () => (fails ? new TonearmError({ kind: 'unavailable', code: 'output/device-busy', message: 'Busy.' }) : null) });
    bench.engine.play('a', await bench.file(a, 'vorbis'), 5000, false);
    expect(await bench.until('failed')).toMatchObject({ id: 'a', error: { code: 'output/device-busy' } });
    fails = false;
    bench.engine.resume();
    await bench.until('ended');
    expect(differs(bench.output().heard, part(soundA, 5 * rate, Infinity))).toBe(-1);
  });
});

test('a storm of commands leaves a working deck', async () => {
  const files = [await bench.file(a, 'vorbis'), await bench.file(b, 'vorbis')];
  let seed = 7;
  const random = (below: number) => (seed = (seed * 16_807) % 2_147_483_647) % below;
  for (let step = 0; step < 400; step++) {
    const { engine } = bench;
    const playable = files[random(2)]!;
    [
      () => engine.play(`p${step}`, playable, random(5000), random(3) === 0),
      () => engine.follow({ id: `f${step}`, playable }),
      () => engine.follow(null),
      () => engine.pause(),
      () => engine.resume(),
      () => engine.resume(),
      () => engine.seek(random(7000)),
      () => engine.stop(),
      () => engine.setGain(random(5) / 4),
    ][random(9)]?.();
    if (random(3) === 0) await bench.pass(20 * random(30));
  }
  expect(bench.news.filter(({ name }) => name === 'failed')).toEqual([]);
  bench.engine.setGain(1);
  bench.engine.play('last', files[0]!, 0, false);
  bench.engine.follow(null);
  const from = bench.outputs.length;
  await bench.until('ended', 'last');
  const heard = join(bench.outputs.slice(from - 1).map((output) => output.heard));
  expect(firstDifference(heard.subarray(-soundA.length), soundA)).toBe(-1);
}, 60_000);
