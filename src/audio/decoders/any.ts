import { TonearmError } from '#foundation';
import type { Decoder, DecoderInput } from './decoder.ts';

type Found = 'wav' | 'flac' | 'vorbis' | 'mp3' | { readonly not: string };

/** Opens whatever the first bytes say it is. */
export async function openAny(input: DecoderInput, signal: AbortSignal): Promise<Decoder> {
  const head = await input.reader.peek(64, signal);
  const found = recognise(head);
  switch (found) {
    case 'wav':
      return (await import('./wav/wav.ts')).openWav(input, signal);
    case 'flac':
      return (await import('./flac/flac.ts')).openFlac(input, signal);
    case 'vorbis':
      return (await import('./vorbis/vorbis.ts')).openVorbis(input, signal);
    case 'mp3':
      return (await import('./mp3/mp3.ts')).openMp3(input, signal);
    default:
      throw new TonearmError({ kind: 'invalid', code: 'audio/unknown-format', message: `There is no sound here that can be played: this is ${found.not}. WAV, MP3, FLAC and Ogg Vorbis can be.` });
  }
}

/** What these first bytes of something begin. */
export function recognise(head: Buffer): Found {
  const text = (from: number, to: number) => head.toString('latin1', from, to);
  if (head.length === 0) return { not: 'empty' };
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WAVE') return 'wav';
  if (text(0, 4) === 'fLaC') return 'flac';
  if (text(0, 4) === 'OggS') return text(28, 36) === 'OpusHead' ? { not: 'Ogg Opus' } : text(28, 33) === '\x7fFLAC' ? { not: 'FLAC in Ogg' } : 'vorbis';
  if (text(0, 3) === 'ID3') return 'mp3';
  const [first = 0, second = 0] = head;
  // Layer bits 0 are ADTS, which begins alike.
  if (first === 0xff && (second & 0xe0) === 0xe0) return (second & 0x06) === 0 ? { not: 'AAC' } : 'mp3';
  if (text(4, 8) === 'ftyp') return { not: 'MP4 or M4A' };
  if (head.length >= 4 && head.readUInt32BE(0) === 0x1a45_dfa3) return { not: 'WebM or Matroska' };
  if (text(0, 4) === '#EXT') return { not: 'a list of streams (HLS)' };
  if (/^[\s\ufeff]*[<{[]/.test(text(0, head.length))) return { not: 'a web page or a message, not sound' };
  // A stream that is joined in the middle begins anywhere.
  return 'mp3';
}
