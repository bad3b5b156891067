import { execFile } from 'node:child_process';
import { closeSync, constants, createReadStream, openSync } from 'node:fs';
import { promisify } from 'node:util';
import type { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { sleep, systemClock } from '#foundation';

const bytesPerSecond = 44_100 * 4;
const keep = bytesPerSecond * 12;

/** Makes the FIFO the speaker plays into. */
export async function makeFifo(path: string): Promise<void> {
  await promisify(execFile)('mkfifo', ['-m', '600', path]);
}

/**
 * Listens at the end of the wire: takes samples in real time, as a sound card would, and remembers the last seconds of them in memory.
 */
export class Ear implements AsyncDisposable {
  readonly #path: string;
  readonly #isPaced: boolean;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #heard = Buffer.alloc(0);
  #total = 0;

  /** `fast`: takes samples as quickly as they come. */
  constructor(path: string, speed: 'real' | 'fast' = 'real') {
    this.#path = path;
    this.#isPaced = speed === 'real';
    this.#done = this.#listen().catch(() => undefined);
  }

  /** Bytes heard since the beginning. */
  get total(): number {
    return this.#total;
  }

  /** The last `frames` frames: interleaved 16-bit stereo. */
  last(frames: number): Int16Array {
    const bytes = this.#heard.subarray(Math.max(0, this.#heard.length - frames * 4));
    return new Int16Array(new Uint8Array(bytes).buffer, 0, Math.floor(bytes.length / 4) * 2);
  }

  forget(): void {
    this.#heard = Buffer.alloc(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    // Wakes a reader that waits for somebody to play.
    closeSync(openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK));
    await this.#done;
  }

  async #listen(): Promise<void> {
    // A player that goes away ends the stream; the next one is heard as well.
    while (!this.#abort.signal.aborted) await this.#hear(createReadStream(this.#path, { highWaterMark: 8192, signal: this.#abort.signal }) as AsyncIterable<Buffer>);
  }

  async #hear(stream: AsyncIterable<Buffer>): Promise<void> {
    let due = systemClock.monotonic();
    for await (const chunk of stream) {
      if (this.#isPaced) this.#heard = Buffer.concat([this.#heard, chunk]).subarray(-keep);
      this.#total += chunk.length;
      if (!this.#isPaced) continue;
      // After a pause the clock of the sound card starts anew.
      due = Math.max(due, systemClock.monotonic() - 100) + (chunk.length / bytesPerSecond) * 1000;
      const early = due - systemClock.monotonic();
      if (early > 5) await sleep(systemClock, early, this.#abort.signal);
    }
  }
}

/** The samples a piece consists of, decoded apart from the speaker: what should be heard. */
export async function decodeReference(ogg: Uint8Array): Promise<Int16Array> {
  const { OggVorbisDecoder: Decoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder: OggVorbisDecoder = new Decoder();
  await decoder.ready;
  const { channelData } = await decoder.decodeFile(ogg);
  decoder.free();
  const [left = new Float32Array(), right = left] = channelData;
  const out = new Int16Array(left.length * 2);
  for (let n = 0; n < left.length; n++) {
    out[2 * n] = toWord(left[n] ?? 0);
    out[2 * n + 1] = toWord(right[n] ?? 0);
  }
  return out;
}

const toWord = (sample: number): number => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));

/**
 * Where in `reference` the heard samples stand, in frames; null when they do not. Compares sample by sample after applying `gain`;
 * every one must be within `tolerance`.
 */
export function locate(heard: Int16Array, reference: Int16Array, gain: number, tolerance = 1): number | null {
  const probe = loudest(heard);
  if (probe === null) return null;
  const matches = (offset: number, from: number, count: number) => {
    for (let n = from; n < from + count; n++) {
      const wanted = (reference[offset + n] ?? 0) * gain;
      if (Math.abs((heard[n] ?? 0) - wanted) > tolerance + 0.5) return false;
    }
    return true;
  };
  // The probe is 32 samples at the loudest place: quiet ones would match anywhere.
  for (let offset = 0; offset + heard.length <= reference.length; offset += 2) {
    if (matches(offset, probe, 32) && matches(offset, 0, heard.length)) return offset / 2;
  }
  return null;
}

function loudest(samples: Int16Array): number | null {
  let at = 0;
  let most = 0;
  for (let n = 0; n + 32 <= samples.length; n += 2) {
    const value = Math.abs(samples[n] ?? 0);
    if (value > most) [most, at] = [value, n];
  }
  return most > 64 ? at : null;
}
