import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calm, memoryBytes } from '../test-kit/decode-all.ts';
import { ByteReader } from './byte-reader.ts';

const bytes = randomBytes(300_000);

test('gives the same bytes however it is asked, and grows when it must', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('peek' as const), count: fc.nat(150_000) }),
    fc.record({ do: fc.constant('skip' as const), count: fc.nat(90_000) }),
    fc.record({ do: fc.constant('seek' as const), count: fc.nat(310_000) }),
    fc.record({ do: fc.constant('look' as const), count: fc.nat(290_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 60_000 }), fc.nat(500), async (steps, piece, offset) => {
      const reader = new ByteReader(memoryBytes(bytes, piece), offset);
      const all = bytes.subarray(offset);
      let at = 0;
      for (const { do: what, count } of steps) {
        if (what === 'peek') {
          const got = await reader.peek(count, calm);
          expect(got.length).toBeGreaterThanOrEqual(Math.max(0, Math.min(count, all.length - at)));
          expect(got.equals(all.subarray(at, at + got.length))).toBe(true);
        } else if (what === 'look') {
          const got = await reader.look(count, 1000, calm);
          expect(got.equals(all.subarray(count, count + 1000))).toBe(true);
        } else {
          at = what === 'skip' ? at + count : count;
          if (what === 'skip') reader.skip(count);
          else reader.seek(count);
          expect(reader.at).toBe(at);
        }
      }
      expect(await reader.size(calm)).toBe(all.length);
    }),
    { numRuns: 60 },
  );
});
