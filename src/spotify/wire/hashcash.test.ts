import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import vectors from '../../../test/fixtures/vectors/login5-hashcash.json' with { type: 'json' };
import { hex } from '#foundation';
import { checkHashcash, solveHashcash, trailingZeroBits } from './hashcash.ts';
import { WireError } from './wire-error.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'hex');
const empty = Buffer.alloc(0);

describe('login puzzles', () => {
  it.each(vectors.login5)('login5 of $length bits', (vector) => {
    const puzzle = { context: bytes(vector.login_context), prefix: bytes(vector.prefix), length: vector.length };
    expect(createHash('sha1').update(puzzle.context).digest('hex')).toBe(vector.context_sha1);
    const solution = solveHashcash(puzzle);
    expect(solution && { suffix: hex(solution.suffix), tries: solution.tries }).toEqual({ suffix: vector.suffix, tries: vector.tries });
    expect(createHash('sha1').update(puzzle.prefix).update(bytes(vector.suffix)).digest('hex')).toBe(vector.digest);
    expect(checkHashcash({ ...puzzle, suffix: bytes(vector.suffix) })).toBe(true);
    expect(solveHashcash({ ...puzzle, limitTries: vector.tries - 1 })).toBeNull();
  });

  it.each(vectors.clienttoken)('client token of $length bits', (vector) => {
    const puzzle = { context: empty, prefix: bytes(vector.prefix_hex_upper), length: vector.length };
    const solution = solveHashcash(puzzle);
    expect(solution && hex(solution.suffix).toUpperCase()).toBe(vector.suffix_hex_upper);
    expect(solution?.tries).toBe(vector.tries);
    expect(createHash('sha1').update(puzzle.prefix).update(bytes(vector.suffix_hex_upper)).digest('hex')).toBe(vector.digest);
    expect(checkHashcash({ ...puzzle, suffix: bytes(vector.suffix_hex_upper) })).toBe(true);
  });

  it.each(vectors.check)('a digest ending in $digest_tail for $length bits: $ok', ({ digest_tail, length, ok }) => {
    expect(trailingZeroBits(bytes(`${'ff'.repeat(20)}${digest_tail}`.slice(-40))) >= length).toBe(ok);
  });

  it('counts a digest of nothing but zeros to its end', () => {
    expect(trailingZeroBits(Buffer.alloc(20))).toBe(160);
  });

  it('can be solved in slices', () => {
    const vector = vectors.login5.find(({ tries }) => tries > 1000)!;
    const puzzle = { context: bytes(vector.login_context), prefix: bytes(vector.prefix), length: vector.length };
    let from = 0;
    let solution = null;
    while (!solution) {
      solution = solveHashcash({ ...puzzle, from, limitTries: 100 });
      from += 100;
    }
    expect({ suffix: hex(solution.suffix), tries: solution.tries }).toEqual({ suffix: vector.suffix, tries: vector.tries });
  });

  it.each([0, 1, 0xffff_ffff, 2 ** 32, 2 ** 32 + 5, 2 ** 40])('carries stay inside each half: try %i', (from) => {
    // By the book (§8.4), with big integers. These contexts have seeds whose low word overflows sooner or later.
    for (let i = 0; i < 50; i++) {
      const context = Buffer.of(i);
      const seed = createHash('sha1').update(context).digest().readBigUInt64BE(12);
      const expected = BigInt.asUintN(64, seed + BigInt(from)).toString(16).padStart(16, '0') + from.toString(16).padStart(16, '0');
      expect(hex(solveHashcash({ context, prefix: empty, length: 0, from, limitTries: 1 })!.suffix)).toBe(expected);
    }
  });

  it.each([-1, 161, 1.5, NaN, Infinity])('refuses to look for %d bits', (length) => {
    expect(() => solveHashcash({ context: empty, prefix: empty, length })).toThrow(WireError);
  });
});
