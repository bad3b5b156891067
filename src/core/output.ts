import type { Millis } from './units.ts';

export interface PcmFormat {
  readonly rate: number;
  readonly channels: number;
}

/**
 * Where PCM goes. Lives on the audio thread. Opened when sound is about to come, closed when the deck has been silent for a while.
 * Frames are interleaved float samples, nominally -1 to 1.
 */
export interface Output extends AsyncDisposable {
  readonly format: PcmFormat;
  /** How long from `write` accepting a frame until it is heard. */
  readonly delay: Millis;
  /** Resolves when there is room for more: back-pressure. Rejects when the device is gone. */
  write(frames: Float32Array, signal: AbortSignal): Promise<void>;
  /** Resolves when all that was written has been heard. */
  drain(signal: AbortSignal): Promise<void>;
  /** Forgets what was written and not heard. Returns about how many frames were forgotten. */
  drop(): number;
}

/** Where the sound of a zone goes. */
export interface OutputView {
  /** What is used now; null before one was found. */
  readonly name: string | null;
  /** What may be asked for; `auto` among them. */
  readonly choices: readonly string[];
}
