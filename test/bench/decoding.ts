import { readFileSync } from 'node:fs';
import { openDecoder } from '../../src/audio/decoders/index.ts';
import { ByteReader } from '../../src/audio/bytes/index.ts';
import { PcmEncoder } from '../../src/outputs/pcm-encoding.ts';
import { cpuOf, median, type Bench, type Figure } from './bench.ts';
import { playedCpu } from './daemon.ts';
import { longTrack } from './music.ts';

/**
 * Decoding alone, to 16-bit samples: our decoder in this process against oggdec as a process, in turn, forty times each.
 * The least of each is compared: whatever else runs on the machine only ever adds to the time a program needs, and adds
 * to one of a pair as readily as to the other, so that single ratios and their median swing by a third on a shared core.
 * A shared core may be slow for half a minute at a time; it takes more than a minute to be sure of a moment when it is not.
 */
export const decodeFigures: Bench = {
  names: ['decode.cpu_ratio_oggdec'],
  async run(root) {
    const { path, seconds } = await longTrack(root);
    const ours: number[] = [];
    const theirs: number[] = [];
    const turns = 40;
    await decodeOnce(path);
    for (let turn = 0; turn < turns; turn++) {
      ours.push(await decodeOnce(path));
      const peer = cpuOf('oggdec', ['-Q', '-o', '/dev/null', path]);
      if (peer === null) {
        process.stderr.write('oggdec is not installed (package vorbis-tools): no ratio to it.\n');
        return [];
      }
      theirs.push(peer);
    }
    const pairs = ours.map((value, turn) => value / (theirs[turn] ?? Number.NaN));
    process.stderr.write(`decoding ${seconds} s, ${turns} times: ours ${spread(ours)} CPU s, oggdec ${spread(theirs)} CPU s, median of the pairs ${median(pairs).toFixed(2)}\n`);
    const figure: Figure = { name: 'decode.cpu_ratio_oggdec', value: Math.min(...ours) / Math.min(...theirs), unit: 'ratio', goal: 1.6, peer: 'oggdec' };
    return [figure];
  },
};

function spread(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`;
}

async function decodeOnce(path: string): Promise<number> {
  const bytes = readFileSync(path);
  const signal = new AbortController().signal;
  const source = {
    size: () => Promise.resolve(bytes.length),
    read: (at: number, length: number) => Promise.resolve(bytes.subarray(at, at + length)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const before = process.cpuUsage();
  const decoder = await openDecoder('vorbis', { reader: new ByteReader(source), expected: 0, deciphered: false }, signal);
  const encoder = new PcmEncoder('s16le');
  let frames = 0;
  for (let block = await decoder.read(signal); block; block = await decoder.read(signal)) frames += encoder.encode(block.frames).length / 4;
  decoder[Symbol.dispose]();
  const { user, system } = process.cpuUsage(before);
  if (frames === 0) throw new Error('Nothing was decoded.');
  return (user + system) / 1e6;
}

/** The whole way through the daemon, network and cipher included, against ffmpeg decoding the same file. */
export const pathFigures: Bench = {
  names: ['path.cpu_ratio_ffmpeg', 'path.cpu_seconds_per_minute'],
  async run(root) {
    const { path, seconds } = await longTrack(root);
    const ours = await playedCpu(path, seconds);
    const theirs = [0, 1, 2].map(() => cpuOf('ffmpeg', ['-v', 'error', '-i', path, '-f', 's16le', '-y', '/dev/null']));
    const perMinute: Figure = { name: 'path.cpu_seconds_per_minute', value: (ours / seconds) * 60, unit: 'CPU s', goal: null, peer: null };
    const known = theirs.filter((value) => value !== null);
    if (known.length === 0) {
      process.stderr.write('ffmpeg is not installed: no ratio to it.\n');
      return [perMinute];
    }
    process.stderr.write(`whole path, ${seconds} s: ours ${ours.toFixed(2)} CPU s, ffmpeg ${median(known).toFixed(2)} CPU s\n`);
    return [{ name: 'path.cpu_ratio_ffmpeg', value: ours / median(known), unit: 'ratio', goal: null, peer: 'ffmpeg' }, perMinute];
  },
};
