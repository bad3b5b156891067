import { createCipheriv, randomBytes } from 'node:crypto';
import { createMp3Encoder, createOggEncoder } from 'wasm-media-encoders';
import { pageChecksum } from '../decoders/ogg/crc.ts';

/** Stereo music-like sound, no two moments alike, so that a place can be told from its samples. */
export function synthesise(seconds: number, rate = 44_100, seed = 1): [Float32Array, Float32Array] {
  const frames = Math.round(seconds * rate);
  const left = new Float32Array(frames);
  const right = new Float32Array(frames);
  let noise = seed * 2_654_435_761;
  for (let index = 0; index < frames; index++) {
    const time = index / rate;
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) | 0;
    const hiss = noise / 2 ** 31 / 30;
    const pitch = 110 * (1 + seed / 7) * 2 ** (Math.floor(time * 4) % 12 / 12);
    const beat = Math.exp(-6 * (time * 4 - Math.floor(time * 4)));
    left[index] = 0.5 * beat * Math.sin(2 * Math.PI * pitch * time) + 0.1 * Math.sin(time * (300 + time)) + hiss;
    right[index] = 0.4 * beat * Math.sin(2 * Math.PI * pitch * 1.5 * time) + 0.1 * Math.cos(time * (350 + time)) - hiss;
  }
  return [left, right];
}

/** An Ogg Vorbis file of these samples. `quality` is -1 to 10. */
export async function encodeVorbis(channels: readonly Float32Array[], rate = 44_100, quality = 3): Promise<Buffer> {
  const encoder = await createOggEncoder();
  encoder.configure({ sampleRate: rate, channels: channels.length as 1 | 2, vbrQuality: quality });
  return drive(encoder, channels);
}

/** An MP3 file of these samples without a gapless tag. */
export async function encodeMp3(channels: readonly Float32Array[], rate = 44_100, mode: { bitrate: 96 | 128 } | { vbrQuality: number } = { bitrate: 128 }): Promise<Buffer> {
  const encoder = await createMp3Encoder();
  encoder.configure({ sampleRate: rate, channels: channels.length as 1 | 2, ...mode });
  return drive(encoder, channels);
}

function drive(encoder: { encode(samples: Float32Array[]): Uint8Array; finalize(): Uint8Array }, channels: readonly Float32Array[]): Buffer {
  const parts: Buffer[] = [];
  const total = channels[0]?.length ?? 0;
  for (let at = 0; at < total; at += 8192) parts.push(Buffer.from(encoder.encode(channels.map((samples) => samples.subarray(at, at + 8192)))));
  parts.push(Buffer.from(encoder.finalize()));
  return Buffer.concat(parts);
}

/** The one-page stream in front of Spotify's Vorbis files, as far as a decoder sees it (connect-session.md §12.10). */
export function foreignPage(): Buffer {
  const page = Buffer.alloc(167);
  page.write('OggS', 0, 'latin1');
  page[5] = 6;
  page.writeUInt32LE(0x1234, 14);
  page[26] = 1;
  page[27] = 139;
  page[28] = 0x81;
  page.writeUInt32LE(pageChecksum(page), 22);
  return page;
}

export interface Enciphered {
  readonly bytes: Buffer;
  readonly cipher: { readonly name: 'aes-128-ctr'; readonly key: Buffer; readonly iv: Buffer };
}

export function encipher(plain: Buffer): Enciphered {
  const key = randomBytes(16);
  const iv = Buffer.from('72e067fbddcbcf77ebe8bc643f630d93', 'hex');
  return { bytes: createCipheriv('aes-128-ctr', key, iv).update(plain), cipher: { name: 'aes-128-ctr', key, iv } };
}
