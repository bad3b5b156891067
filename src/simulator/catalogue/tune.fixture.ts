import { createMp3Encoder, createOggEncoder } from 'wasm-media-encoders';

export const tuneRate = 44_100;

/** A soft two-voice tune, stereo, as real Vorbis or MP3; for tests. */
export async function encodeTune(seconds: number, { format = 'vorbis', quality = 5 }: { readonly format?: 'vorbis' | 'mp3'; readonly quality?: number } = {}): Promise<Buffer> {
  const frames = Math.round(seconds * tuneRate);
  const voice = (hertz: number) => Float32Array.from({ length: frames }, (_, at) => 0.3 * Math.sin((2 * Math.PI * hertz * at) / tuneRate) * (1 + 0.5 * Math.sin(at / 9000)));
  const encoder = format === 'vorbis' ? await createOggEncoder() : await createMp3Encoder();
  if (format === 'vorbis') encoder.configure({ channels: 2, sampleRate: tuneRate, vbrQuality: quality });
  else encoder.configure({ channels: 2, sampleRate: tuneRate, bitrate: 320 });
  const body = Buffer.from(encoder.encode([voice(220), voice(330)]));
  return Buffer.concat([body, Buffer.from(encoder.finalize())]);
}
