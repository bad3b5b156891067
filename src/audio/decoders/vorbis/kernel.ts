import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { TonearmError } from '#foundation';

/**
 * What `OggVorbisDecoder` 0.1.20 (pinned) keeps inside. Its public way goes through a second Ogg parser and copies each
 * sample three times, which costs a fifth of the whole decoding; we have pages and positions already and read the samples where they are.
 */
interface Internals {
  readonly _decoder: {
    readonly _common: { readonly wasm: { readonly HEAP: ArrayBuffer; decode_packets(decoder: number): void } };
    readonly _decoder: number;
    readonly _input: { readonly buf: Uint8Array };
    readonly _inputLen: { readonly buf: Uint32Array };
    readonly _samplesDecoded: { readonly buf: Uint32Array };
    readonly _outputBufferPtr: { readonly buf: Uint32Array };
    readonly _channels: { readonly buf: Uint32Array };
    readonly _errorsLength: { readonly buf: Int32Array };
    sendSetupHeader(packet: Uint8Array): void;
    initDsp(): void;
  };
}

/** What a stream says of itself before its first sound. */
export interface VorbisSetUp {
  readonly identification: Uint8Array;
  readonly setup: Uint8Array;
  readonly channels: number;
}

/** libvorbis, fed with single packets. */
export class VorbisKernel implements Disposable {
  readonly #owner: OggVorbisDecoder;
  readonly #inner: Internals['_decoder'];
  readonly #words: Uint32Array;
  readonly #samples: Float32Array;
  readonly #channels: number;

  private constructor(owner: OggVorbisDecoder, channels: number) {
    this.#owner = owner;
    this.#inner = (owner as unknown as Internals)._decoder;
    this.#words = new Uint32Array(this.#inner._common.wasm.HEAP);
    this.#samples = new Float32Array(this.#inner._common.wasm.HEAP);
    this.#channels = channels;
  }

  /** A decoder that does not know yet what it is for; disposed unless it was opened. */
  static prepare(): Disposable & { open(headers: VorbisSetUp): Promise<VorbisKernel> } {
    const owner = new OggVorbisDecoder();
    let isOpen = false;
    return {
      async open({ identification, setup, channels }) {
        await owner.ready;
        const inner = (owner as unknown as Partial<Internals>)._decoder;
        if (typeof inner?._common.wasm.decode_packets !== 'function') {
          throw new TonearmError({ kind: 'internal', code: 'audio/decoder-unknown', message: 'The Vorbis decoder package is of another version than Tonearm was built for. Install Tonearm again.' });
        }
        inner.sendSetupHeader(identification);
        inner.sendSetupHeader(setup);
        inner.initDsp();
        isOpen = true;
        return new VorbisKernel(owner, channels);
      },
      [Symbol.dispose]: () => {
        if (!isOpen) void owner.ready.then(() => owner.free(), () => undefined);
      },
    };
  }

  /** The most bytes a packet may have. */
  get largest(): number {
    return this.#inner._input.buf.length;
  }

  /** Decodes one packet. Returns how many frames it gave; `take` has them until the next call. */
  decode(packet: Uint8Array): number {
    const inner = this.#inner;
    inner._input.buf.set(packet);
    inner._inputLen.buf[0] = packet.length;
    inner._samplesDecoded.buf.fill(0);
    inner._common.wasm.decode_packets(inner._decoder);
    inner._errorsLength.buf[0] = 0;
    return inner._samplesDecoded.buf[0] ?? 0;
  }

  /** Writes what `decode` gave as stereo from frame `at` of `into`: one channel is doubled, of many the front pair is taken. */
  take(into: Float32Array, at: number, frames: number): void {
    const samples = this.#samples;
    const table = (this.#inner._outputBufferPtr.buf[0] ?? 0) >>> 2;
    const channels = this.#channels;
    // Vorbis orders three and more channels left, centre, right (Vorbis I §4.3.9), four left, right.
    const rightChannel = channels === 1 ? 0 : channels === 2 || channels === 4 ? 1 : 2;
    let left = (this.#words[table] ?? 0) >>> 2;
    let right = (this.#words[table + rightChannel] ?? 0) >>> 2;
    for (let out = 2 * at, end = out + 2 * frames; out < end; out += 2) {
      /* eslint-disable @typescript-eslint/no-non-null-assertion -- inside the decoder's memory */
      into[out] = samples[left++]!;
      into[out + 1] = samples[right++]!;
      /* eslint-enable @typescript-eslint/no-non-null-assertion */
    }
  }

  [Symbol.dispose](): void {
    this.#owner.free();
  }
}
