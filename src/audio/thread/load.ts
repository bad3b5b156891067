import type { LoadId, Millis, Playable } from '#core';
import { ByteReader, openBytes, type HttpWorld, type OpenedBytes } from '../bytes/index.ts';
import { openDecoder, openMade, type Decoder, type SoundBlock } from '../decoders/index.ts';
import { fromDecibels } from '../gain/gain.ts';
import { RateConverter } from '../gain/rate-converter.ts';

/** One playable being played or made ready: its bytes, its decoder, and what is still to be said about it. */
export class Load {
  readonly id: LoadId;
  readonly playable: Playable;
  /** Loudness correction as a factor. */
  readonly factor: number;
  readonly #http: HttpWorld;
  readonly #onWanted: () => void;
  #closing = new AbortController();
  #bytes: OpenedBytes | null = null;
  #opening: Promise<Decoder> | null = null;
  #adapter: { readonly converter: RateConverter; readonly from: Millis; frames: number } | null = null;
  #adaptedTo = -1;
  /** Where decoding is to go on, when that is elsewhere than it is. */
  seekTo: Millis | null = null;
  /** Where its sound began last: at the start, or where a seek went. */
  from: Millis = 0;
  /** Everything is decoded. */
  isDone = false;
  /** No more can be decoded, because of this; what was decoded before is still to be heard. */
  failure: { readonly thrown: unknown } | null = null;
  /** `playing` is due with the next sound. */
  owesPlaying = false;
  /** `moved` is due, because of a seek. */
  owesMoved = false;
  /** The length was asked for. */
  isMeasured = false;
  /** Something was decoded. */
  isTouched = false;

  constructor(id: LoadId, playable: Playable, http: HttpWorld, onWanted: () => void) {
    this.id = id;
    this.playable = playable;
    this.factor = playable.gainDb === undefined ? 1 : fromDecibels(playable.gainDb);
    this.#http = http;
    this.#onWanted = onWanted;
  }

  /** Fires when the load is given up. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** The decoder, opened on the first call; after a failure the next call tries again. */
  open(): Promise<Decoder> {
    if (!this.#opening) {
      this.#opening = this.#open();
      this.#opening.catch(() => {
        this.#opening = null;
      });
    }
    return this.#opening;
  }

  /** Its next sound is to be the one at `at`. */
  startAt(at: Millis): void {
    this.from = at;
    // A decoder that was never read is at the beginning already.
    this.seekTo = at > 0 || this.isTouched ? at : null;
    this.isDone = false;
    this.failure = null;
  }

  /** Brings decoded sound to the output's rate: frames, and where in milliseconds the first of them is. Null at the end for what is left. */
  adapt(block: SoundBlock | null, rate: number, outputRate: number): { readonly at: Millis; readonly frames: Float32Array } | null {
    if (rate === outputRate) return block && { at: (block.at * 1000) / rate, frames: block.frames };
    // A jump starts the filter anew.
    if (block && block.at !== this.#adaptedTo) this.#adapter = null;
    if (!block && !this.#adapter) return null;
    this.#adapter ??= { converter: new RateConverter(rate, outputRate), from: (block?.at ?? 0) * (1000 / rate), frames: 0 };
    const frames = block ? this.#adapter.converter.convert(block.frames) : this.#adapter.converter.finish();
    const at = this.#adapter.from + (this.#adapter.frames * 1000) / outputRate;
    this.#adapter.frames += frames.length / 2;
    this.#adaptedTo = block ? block.at + block.frames.length / 2 : -1;
    if (!block) this.#adapter = null;
    return { at, frames };
  }

  /** New addresses for the bytes. */
  refresh(playable: Playable): void {
    if ('urls' in playable.bytes) this.#bytes?.refresh(playable.bytes.urls);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException('This load was replaced.', 'AbortError'));
    const decoder = await this.#opening?.catch(() => null);
    decoder?.[Symbol.dispose]();
    await this.#bytes?.source[Symbol.asyncDispose]();
  }

  async #open(): Promise<Decoder> {
    const { signal } = this;
    const { bytes } = this.playable;
    if ('tone' in bytes) return openMade(bytes.tone);
    await this.#bytes?.source[Symbol.asyncDispose]();
    this.#bytes = await openBytes({ ...this.playable, bytes }, this.#http, this.#onWanted);
    const reader = new ByteReader(this.#bytes.source, this.playable.skip ?? 0);
    const input = { reader, expected: this.playable.track.duration / 1000, deciphered: this.playable.cipher !== undefined };
    return openDecoder(this.playable.format, input, signal);
  }
}

