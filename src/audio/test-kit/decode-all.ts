import { ByteReader } from '../bytes/byte-reader.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { openDecoder, type Decoder } from '../decoders/index.ts';
import type { Playable } from '#core';

/** Bytes in memory, handed out in small pieces. */
export function memoryBytes(bytes: Buffer, piece = 5000): ByteSource {
  return {
    size: () => Promise.resolve(bytes.length),
    read: (at, length) => Promise.resolve(bytes.subarray(at, at + Math.min(length, piece))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

export const calm = new AbortController().signal;

export function openFrom(bytes: Buffer, format: Playable['format'], { expected = 0, deciphered = false, piece = 5000 } = {}): Promise<Decoder> {
  return openDecoder(format, { reader: new ByteReader(memoryBytes(bytes, piece)), expected, deciphered }, calm);
}

/** All that comes from here on: the place of the first frame, all samples, and the places where positions jumped. */
export async function readAll(decoder: Decoder): Promise<{ at: number; samples: Float32Array; jumps: number[] }> {
  const parts: Float32Array[] = [];
  const jumps: number[] = [];
  let at = -1;
  let next = -1;
  for (let block = await decoder.read(calm); block; block = await decoder.read(calm)) {
    if (at < 0) at = block.at;
    else if (block.at !== next) jumps.push(block.at - next);
    next = block.at + block.frames.length / 2;
    parts.push(block.frames.slice());
  }
  return { at, samples: join(parts), jumps };
}

export function join(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** -1 when both are the same bit for bit, else the first index that differs. (A matcher would look at every sample as a property.) */
export function firstDifference(a: Float32Array, b: Float32Array): number {
  const length = Math.max(a.length, b.length);
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return index;
  return -1;
}
