import type { Decoder, DecoderInput, SoundBlock } from '../decoder.ts';

const rate = 44_100;
const frameLength = 4;
const most = 4096;

/** Raw interleaved stereo, 16-bit signed little-endian, 44.1 kHz. */
export async function openPcm(input: DecoderInput, signal: AbortSignal): Promise<Decoder> {
  const { reader } = input;
  await reader.peek(frameLength, signal);
  const scratch = new Float32Array(2 * most);
  return {
    rate,
    async read(reading): Promise<SoundBlock | null> {
      const bytes = await reader.peek(frameLength, reading);
      const frames = Math.min(most, Math.floor(bytes.length / frameLength));
      if (frames === 0) return null;
      const at = reader.at / frameLength;
      for (let index = 0; index < 2 * frames; index++) scratch[index] = bytes.readInt16LE(2 * index) / 32_768;
      reader.skip(frames * frameLength);
      return { frames: scratch.subarray(0, 2 * frames), at };
    },
    async seek(frame, seeking): Promise<void> {
      reader.seek(Math.min(frame, Math.floor((await reader.size(seeking)) / frameLength)) * frameLength);
    },
    measure: async (measuring) => Math.floor((await reader.size(measuring)) / frameLength),
    [Symbol.dispose]: () => undefined,
  };
}
