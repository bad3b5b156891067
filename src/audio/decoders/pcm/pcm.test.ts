import { expect, test } from 'vitest';
import { calm, openFrom, readAll } from '../../test-kit/decode-all.ts';

test('raw samples, from anywhere', async () => {
  const bytes = Buffer.alloc(4 * 20_000 + 3);
  for (let frame = 0; frame < 20_000; frame++) {
    bytes.writeInt16LE(frame, 4 * frame);
    bytes.writeInt16LE(-frame, 4 * frame + 2);
  }
  const decoder = await openFrom(bytes, 'pcm', { piece: 1001 });
  expect(await decoder.measure(calm)).toBe(20_000);
  await decoder.seek(1234, calm);
  const { at, samples, jumps } = await readAll(decoder);
  expect({ at, jumps, length: samples.length }).toEqual({ at: 1234, jumps: [], length: 2 * (20_000 - 1234) });
  expect([samples[0], samples[1]]).toEqual([1234 / 32_768, -1234 / 32_768]);
});
