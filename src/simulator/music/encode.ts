import { createOggEncoder } from 'wasm-media-encoders';
import { RATE, type Stereo } from './instruments.ts';

/** Ogg Vorbis of a rendered piece; `quality` -1 to 10. */
export async function encodeVorbis(sound: Stereo, quality: number): Promise<Buffer> {
  const encoder = await createOggEncoder();
  encoder.configure({ sampleRate: RATE, channels: 2, vbrQuality: quality });
  const parts: Buffer[] = [];
  const block = 16_384;
  for (let at = 0; at < sound.left.length; at += block) {
    // The encoder reuses its memory: copy what it gives.
    parts.push(Buffer.from(encoder.encode([sound.left.subarray(at, at + block), sound.right.subarray(at, at + block)])));
  }
  parts.push(Buffer.from(encoder.finalize()));
  return Buffer.concat(parts);
}
