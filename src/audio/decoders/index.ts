import type { Playable, ToneName } from '#core';
import type { Decoder, DecoderInput } from './decoder.ts';

export type { Decoder, DecoderInput, SoundBlock } from './decoder.ts';

/** Opens the decoder for a format; its code is loaded when first needed. */
export async function openDecoder(format: Playable['format'], input: DecoderInput, signal: AbortSignal): Promise<Decoder> {
  switch (format) {
    case 'vorbis':
      return (await import('./vorbis/vorbis.ts')).openVorbis(input, signal);
    case 'mp3':
      return (await import('./mp3/mp3.ts')).openMp3(input, signal);
    case 'flac':
      return (await import('./flac/flac.ts')).openFlac(input, signal);
    case 'pcm':
      return (await import('./pcm/pcm.ts')).openPcm(input, signal);
    case 'any':
      return (await import('./any.ts')).openAny(input, signal);
  }
}

/** Opens a sound that is made here. */
export async function openMade(tone: ToneName): Promise<Decoder> {
  return (await import('./tone/tone.ts')).openTone(tone);
}
