import type * as Package from '@wasm-audio-decoders/ogg-vorbis';
import { beforeEach, expect, test, vi } from 'vitest';
import { openFrom } from '../../test-kit/decode-all.ts';

const { seen } = vi.hoisted(() => ({ seen: { made: 0, freed: 0 } }));
vi.mock('@wasm-audio-decoders/ogg-vorbis', async (original) => {
  const real = await original<typeof Package>();
  class Counted extends real.OggVorbisDecoder {
    constructor() {
      super();
      seen.made += 1;
      const { free } = this;
      this.free = () => {
        seen.freed += 1;
        free.call(this);
      };
    }
  }
  return { ...real, OggVorbisDecoder: Counted };
});

beforeEach(() => {
  seen.made = seen.freed = 0;
});

test('a decoder is made before the first bytes have come, and given back when they are no music', async () => {
  const refused = expect(openFrom(Buffer.alloc(4000), 'vorbis')).rejects.toThrow();
  await vi.waitFor(() => expect(seen.made).toBe(1));
  await refused;
  await vi.waitFor(() => expect(seen.freed).toBe(1));
});
