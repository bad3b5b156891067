import { createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { calm, memoryBytes } from '../test-kit/decode-all.ts';
import { counterAt, DecipheredBytes } from './deciphered-bytes.ts';

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const iv = Buffer.from('72e067fbddcbcf77ebe8bc643f630d93', 'hex');

// connect-session.md §12.9
test.each([
  [0, '72e067fbddcbcf77ebe8bc643f630d93', 'beb25cee05d717a831e56d65794babad'],
  [1, '72e067fbddcbcf77ebe8bc643f630d94', 'c86453d27f3be9e23ef96565f4e742c5'],
  [10, '72e067fbddcbcf77ebe8bc643f630d9d', '3757acdce05d73848bb2880fc0caa5f9'],
  [4096, '72e067fbddcbcf77ebe8bc643f631d93', 'b7cd997074b688a9490bbf61ad5d6638'],
  [2 ** 28, '72e067fbddcbcf77ebe8bc644f630d93', 'b6cae76ad5d082f49e5c0bd71d67c3ac'],
])('counter and key stream of block %i', (block, counter, stream) => {
  expect(counterAt(iv, 16 * block).toString('hex')).toBe(counter);
  expect(createCipheriv('aes-128-ctr', key, counterAt(iv, 16 * block)).update(Buffer.alloc(16)).toString('hex')).toBe(stream);
});

test('the counter carries over all 128 bits', () => {
  expect(counterAt(Buffer.alloc(16, 0xff), 16).toString('hex')).toBe('0'.repeat(32));
});

test('deciphers at any place in any order', async () => {
  const plain = randomBytes(70_000);
  const stored = createCipheriv('aes-128-ctr', key, iv).update(plain);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(plain.length), fc.integer({ min: 1, max: 9000 }), fc.boolean()), { minLength: 1, maxLength: 20 }), async (reads) => {
      const bytes = new DecipheredBytes(memoryBytes(stored, 100_000), { name: 'aes-128-ctr', key, iv });
      let next = 0;
      for (const [place, length, jump] of reads) {
        const at = jump ? place : next;
        const got = await bytes.read(at, length, calm);
        expect(plain.subarray(at, at + length).equals(got)).toBe(true);
        // A look to the side moves nothing.
        expect(await bytes.read(7, 20, calm, { ahead: false })).toEqual(plain.subarray(7, 27));
        next = at + got.length;
      }
    }),
  );
});
