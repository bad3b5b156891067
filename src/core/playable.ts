import type { Track } from './track.ts';

/** `any`: found out from the first bytes (WAV, FLAC, Ogg Vorbis, MP3), for sound of unknown origin. */
export type AudioFormat = 'vorbis' | 'flac' | 'mp3' | 'pcm' | 'any';

/** Sounds we make ourselves, so that they are there when nothing else is: a short chime, and a bell that swells and repeats without end. */
export type ToneName = 'chime' | 'bell';

/** A recipe for sound: plain data, so it can cross to the audio thread. */
export interface Playable {
  readonly track: Track;
  /** `urls` are tried in order and quarantined on failure; when all fail the deck asks for fresh ones (`wanted`). */
  readonly bytes: { readonly file: string } | { readonly urls: readonly string[]; readonly live: boolean } | { readonly tone: ToneName };
  /** Bytes as stored are enciphered; `iv` is the counter block of byte 0. */
  readonly cipher?: { readonly name: 'aes-128-ctr'; readonly key: Uint8Array; readonly iv: Uint8Array };
  /** Bytes before the first real one. */
  readonly skip?: number;
  readonly format: AudioFormat;
  /** Loudness correction in dB, already bounded so that peaks do not clip. */
  readonly gainDb?: number;
}
