import { TonearmError } from '#foundation';
import type { ByteReader } from '../bytes/byte-reader.ts';

/** A piece of decoded sound. */
export interface SoundBlock {
  /** Interleaved stereo, nominally -1 to 1. The decoder's own memory: good until its next call. */
  readonly frames: Float32Array;
  /** Which frame of the track the first one is. */
  readonly at: number;
}

/** Turns bytes into stereo frames. One call at a time; an aborted call may simply be made again. */
export interface Decoder extends Disposable {
  /** Frames per second. */
  readonly rate: number;
  /** The next piece, never empty; null at the end. Positions jump forward where the bytes are damaged. */
  read(signal: AbortSignal): Promise<SoundBlock | null>;
  /** The next `read` begins exactly with this frame, or is the end when the track is shorter. */
  seek(frame: number, signal: AbortSignal): Promise<void>;
  /** The track's length in frames, or null when it cannot be told. May look at the far end of the bytes. */
  measure(signal: AbortSignal): Promise<number | null>;
}

export interface DecoderInput {
  readonly reader: ByteReader;
  /** The expected length in seconds, 0 when not known: shortens a seek. */
  readonly expected: number;
  /** Whether the bytes were deciphered, so that an unreadable beginning is explained by a wrong key. */
  readonly deciphered: boolean;
}

/** Damage of at most this many seconds is stepped over; more fails the track. */
export const tolerance = 2;

export function damaged(what: string): TonearmError {
  return new TonearmError({ kind: 'corrupt', code: 'audio/damaged', message: `The sound data of this track is damaged (${what}), so it cannot be played further. Skip to another track, or try again later.` });
}

/** The beginning is not what the format promises. */
export function unreadable(format: string, deciphered: boolean): TonearmError {
  return deciphered
    ? new TonearmError({ kind: 'corrupt', code: 'audio/wrong-key', message: `The track could not be deciphered: what came out is no ${format}. The key does not belong to this file. Try again; if it stays, the track cannot be played here.` })
    : new TonearmError({ kind: 'corrupt', code: 'audio/not-this-format', message: `The track is not readable as ${format}. The file is damaged or of another kind.` });
}
