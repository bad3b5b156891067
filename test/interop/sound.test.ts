import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openDeck, type OpenedDeck } from '#audio';
import type { Playable } from '#core';
import { silentLog, systemClock } from '#foundation';
import { OutputSettings } from '#outputs';
import { buildPrograms } from '../../src/audio/test-kit/programs.ts';
import { openRangeServer, type RangeServer } from '../../src/audio/test-kit/range-server.ts';
import { encipher, encodeVorbis, foreignPage, synthesise } from '../../src/audio/test-kit/tune.ts';
import { alsaFile, clearRecorders, missing, pulse, record, settled } from './recorders.ts';
import { compare, concatenate, isSilent, words, worstDifference } from './samples.ts';

/*
 * Must-show 3, the decoder's part: real Ogg Vorbis files, enciphered, behind Spotify's first page, from a ranged HTTP server through the
 * audio thread to real outputs. Every sample has to be within one step of what libvorbis' own `oggdec` says, and none may be missing.
 */

let folder: string;
let tunes: { readonly playable: Playable; readonly reference: Int16Array; readonly server: RangeServer }[];
let deck: OpenedDeck | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-sound-'));
  if (missing('oggdec').length > 0) return;
  tunes = await Promise.all(
    [
      { seconds: 25, quality: 9 },
      { seconds: 18.737_123, quality: 5 },
      { seconds: 12, quality: 1 },
    ].map(async ({ seconds, quality }, index) => {
      const plain = await encodeVorbis(synthesise(seconds, 44_100, index + 1), 44_100, quality);
      const path = join(folder, `${index}.ogg`);
      await writeFile(path, plain);
      const { stdout } = spawnSync('oggdec', ['-Q', '-R', '-o', '-', path], { maxBuffer: 2 ** 28 });
      const { bytes, cipher } = encipher(Buffer.concat([foreignPage(), plain]));
      const server = await openRangeServer(bytes);
      const track = { uri: `test:${index}`, kind: 'track', title: '', artists: [], album: '', duration: seconds * 1000, covers: [], explicit: false } as const;
      return { playable: { track, bytes: { urls: [server.url], live: false }, cipher, format: 'vorbis' } as const, reference: words(stdout), server };
    }),
  );
});

afterEach(async () => {
  await deck?.[Symbol.asyncDispose]();
  deck = null;
  clearRecorders();
});

afterAll(async () => {
  for (const { server } of tunes) await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Plays all tunes, one after the other without a gap. */
async function playAll(output: unknown, chosen = tunes): Promise<void> {
  deck = openDeck({ host: { clock: systemClock, log: silentLog, programs: await buildPrograms() }, output: OutputSettings.parse(output) });
  const failed = deck.events.once('failed').then(({ error }) => Promise.reject(error));
  const [first, ...others] = chosen;
  const opened = deck;
  deck.play(first!.playable, { id: '0', at: 0, paused: false });
  for (let index = 0; index < chosen.length; index++) {
    const next = others[index];
    if (next) opened.follow({ id: String(index + 1), playable: next.playable });
    await Promise.race([failed, opened.events.once('ended', { test: ({ id }) => id === String(index) })]);
  }
  failed.catch(() => undefined);
}

const all = () => concatenate(tunes.map(({ reference }) => reference));

describe.skipIf(missing('oggdec').length > 0)('samples as oggdec gives them', () => {
  test.each(['each alone', 'gapless'])('(a) to the reader of the pipe output, %s', async (how) => {
    const rounds = how === 'gapless' ? [tunes] : tunes.map((tune) => [tune]);
    for (const [index, chosen] of rounds.entries()) {
      const path = join(folder, `fifo-${how}-${index}`);
      spawnSync('mkfifo', [path]);
      const recording = `${path}.raw`;
      record('cat', [path], recording);
      await playAll({ kind: 'pipe', path }, chosen);
      await deck?.[Symbol.asyncDispose]();
      await settled(recording);
      expectSame(words(await readFile(recording)), concatenate(chosen.map(({ reference }) => reference)));
    }
  });

  test.skipIf(!existsSync('node_modules/speaker/build/Release/binding.node'))('(b) to `speaker`, through an ALSA file device, gapless', async () => {
    const recording = await alsaFile(folder, 'speaker');
    await playAll({ kind: 'speaker', release: 0 });
    expectSame(words(await readFile(recording)), all());
  });

  test.skipIf(missing('aplay').length > 0)('(b) to `aplay`, through an ALSA file device, gapless', async () => {
    const recording = await alsaFile(folder, 'aplay');
    const [, , short] = tunes;
    await playAll({ kind: 'aplay', device: 'recorder', release: 0 }, [short!, short!]);
    const heard = words(await readFile(recording));
    const reference = concatenate([short!.reference, short!.reference]);
    expectSame(heard.subarray(0, reference.length), reference);
    // aplay fills its last block with silence.
    expect(heard.subarray(reference.length).every((sample) => sample === 0)).toBe(true);
    expect(heard.length - reference.length).toBeLessThan(44_100);
  });

  // As many rounds as asked for, because what is lost at the start of a stream is not lost every time.
  test.skipIf(missing('pulseaudio', 'pacat', 'parec').length > 0).each(Array.from({ length: Number(process.env['ROUNDS'] ?? 1) }, (_, round) => round))(
    '(c) to `pacat`, as the monitor of a PulseAudio sink hears it: every sample, none missing at the start, round %i',
    async () => {
      const [, tune] = tunes;
      const { reference } = tune!;
      for (let attempt = 1; ; attempt++) {
        const { recording, settle } = await pulse(folder);
        // A large buffer, because gaps that a busy machine makes are not what this is about; one that makes them all the same gets another chance.
        await playAll({ kind: 'pacat', device: 'recorder', buffer: 2000 }, [tune!]);
        await settle();
        const heard = words(await readFile(recording));
        const comparison = compare(heard, reference);
        expect(comparison).toMatchObject({ missingAtStart: 0, missing: 0 });
        await deck?.[Symbol.asyncDispose]();
        clearRecorders();
        if (comparison!.inserted.length > 0 && attempt < 3) continue;
        expect(comparison!.inserted).toEqual([]);
        // As many samples as there should be, and around them nothing.
        expect(worstDifference(heard, reference, comparison!.at)).toBeLessThanOrEqual(1);
        expect(isSilent(heard.subarray(0, comparison!.at))).toBe(true);
        expect(isSilent(heard.subarray(comparison!.at + reference.length))).toBe(true);
        return;
      }
    },
  );
});

function expectSame(heard: Int16Array, reference: Int16Array): void {
  expect(heard.length).toBe(reference.length);
  expect(worstDifference(heard, reference)).toBeLessThanOrEqual(1);
}
