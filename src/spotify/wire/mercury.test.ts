import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex } from '#foundation';
import { decodeSubscriptions, encodeMercury, encodeSubscription, MercuryAssembler, mercurySequence } from './mercury.ts';
import { WireError } from './wire-error.ts';

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};
const packet = (sequence: string, flag: number, ...parts: Buffer[]): Buffer => {
  const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
  const id = Buffer.from(sequence, 'hex');
  return Buffer.concat([u16(id.length), id, Buffer.of(flag), u16(parts.length), ...parts.flatMap((part) => [u16(part.length), part])]);
};
/** uri "hm://x", status 200 as zig-zag 400. */
const head = Buffer.from('0a06686d3a2f2f78209003', 'hex');

describe('Mercury', () => {
  it('request, byte by byte', () => {
    const [payload, ...more] = encodeMercury({ sequence: mercurySequence(1), uri: 'hm://x', method: 'GET' });
    expect(more).toEqual([]);
    expect(hex(payload!)).toBe(`00080000000000000001010001000d0a06686d3a2f2f781a03474554`);
  });

  it('answer with a zig-zag status', () => {
    const message = new MercuryAssembler().push(packet('01020304', 1, head, Buffer.from('body'), Buffer.alloc(0)));
    expect(message).toEqual({
      sequence: Buffer.from('01020304', 'hex'), uri: 'hm://x', method: null, contentType: null, status: 200, fields: [], parts: [Buffer.from('body'), Buffer.alloc(0)],
    });
    expect(encodeMercury({ sequence: Buffer.from('01020304', 'hex'), uri: 'hm://x', status: 200, parts: [Buffer.from('body'), Buffer.alloc(0)] }).map(hex))
      .toEqual([hex(packet('01020304', 1, head, Buffer.from('body'), Buffer.alloc(0)))]);
  });

  it('a part that continues in the next packet, two messages interleaved', () => {
    const assembler = new MercuryAssembler();
    expect(assembler.push(packet('aa', 2, head.subarray(0, 4)))).toBeNull();
    expect(assembler.push(packet('bb', 0, head))).toBeNull();
    expect(assembler.push(packet('aa', 2, head.subarray(4, 6)))).toBeNull();
    expect(assembler.push(packet('aa', 0, head.subarray(6), Buffer.from('one')))).toBeNull();
    expect(assembler.push(packet('aa', 2, Buffer.from('two'), Buffer.from('thr')))).toBeNull();
    expect(assembler.push(packet('bb', 1, Buffer.from('other')))).toMatchObject({ parts: [Buffer.from('other')] });
    expect(assembler.push(packet('aa', 1, Buffer.from('ee')))).toMatchObject({ uri: 'hm://x', parts: ['one', 'two', 'three'].map((text) => Buffer.from(text)) });
    expect(assembler.pending).toBe(0);
  });

  it('an unfinished part at the very end counts as it is', () => {
    const assembler = new MercuryAssembler();
    assembler.push(packet('aa', 2, head, Buffer.from('rest')));
    expect(assembler.push(packet('aa', 1))).toMatchObject({ parts: [Buffer.from('rest')] });
  });

  it('events have sequences of any length', () => {
    for (const sequence of ['', '0001', '00000001', '0000000000000001']) expect(new MercuryAssembler().push(packet(sequence, 1, head))?.sequence.toString('hex')).toBe(sequence);
  });

  it('round-trips, however small the packets', () => {
    fc.assert(fc.property(
      fc.uint8Array({ maxLength: 9 }), fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 6 }), fc.integer({ min: 20, max: 120 }), fc.integer({ min: -600, max: 600 }),
      (sequence, parts, limit, status) => {
        const fields = [{ key: 'MC-Cache', value: Buffer.from('value') }];
        const payloads = encodeMercury({ sequence, parts, uri: 'hm://some/address', method: 'SEND', contentType: 'vnd.spotify/x', status, fields }, limit);
        expect(Math.max(...payloads.map(({ length }) => length))).toBeLessThanOrEqual(limit);
        const assembler = new MercuryAssembler();
        const messages = payloads.map((payload) => assembler.push(payload));
        expect(messages.slice(0, -1).every((message) => message === null)).toBe(true);
        expect(messages.at(-1)).toEqual({
          sequence: Buffer.from(sequence), uri: 'hm://some/address', method: 'SEND', contentType: 'vnd.spotify/x', status, fields, parts: parts.map((part) => Buffer.from(part)),
        });
      },
    ));
  });

  it('carries bodies that no packet could hold', () => {
    const body = Buffer.alloc(200_000, 'music');
    const payloads = encodeMercury({ sequence: mercurySequence(9), uri: 'hm://x', parts: [body, Buffer.from('end')] });
    expect(payloads.length).toBe(4);
    const assembler = new MercuryAssembler();
    const message = payloads.map((payload) => assembler.push(payload)).at(-1);
    expect(message?.parts.map(({ length }) => length)).toEqual([200_000, 3]);
    expect(message?.parts[0]?.equals(body)).toBe(true);
  });

  it('survives truncation at every byte', () => {
    const whole = packet('0102', 1, head, Buffer.from('body'));
    for (let end = 0; end < whole.length; end++) expect(codeOf(() => new MercuryAssembler().push(whole.subarray(0, end)))).toBe('wire/bad-mercury');
    expect(codeOf(() => new MercuryAssembler().push(Buffer.concat([whole, Buffer.alloc(1)])))).toBe('wire/bad-mercury');
    expect(codeOf(() => new MercuryAssembler().push(packet('01', 1)))).toBe('wire/bad-mercury');
    expect(codeOf(() => new MercuryAssembler().push(packet('01', 1, Buffer.of(0xff))))).toBe('wire/bad-message');
    expect(codeOf(() => new MercuryAssembler().push(packet('00'.repeat(65), 1, head)))).toBe('wire/bad-mercury');
  });

  it('forgets what never ends instead of growing', () => {
    const assembler = new MercuryAssembler();
    for (let i = 0; i < 1000; i++) assembler.push(packet(mercurySequence(i).toString('hex'), 0, head));
    expect(assembler.pending).toBe(16);
    expect(assembler.push(packet(mercurySequence(999).toString('hex'), 1))).toMatchObject({ uri: 'hm://x' });
    for (const flag of [0, 2]) {
      const codes = Array.from({ length: 2000 }, () => codeOf(() => assembler.push(packet('aa', flag, Buffer.alloc(60_000)))));
      expect(new Set(codes)).toEqual(new Set(['nothing thrown', 'wire/mercury-too-large']));
    }
    const codes = Array.from({ length: 2000 }, () => codeOf(() => assembler.push(packet('bb', 2, Buffer.alloc(1)))));
    expect(new Set(codes)).toEqual(new Set(['nothing thrown', 'wire/mercury-too-large']));
  });

  it('subscriptions', () => {
    const subscriptions = [{ uri: 'hm://a', expiry: 600, status: 200 }, { uri: 'hm://b', expiry: null, status: null }];
    expect(decodeSubscriptions(subscriptions.map(encodeSubscription))).toEqual(subscriptions);
    expect(() => decodeSubscriptions([Buffer.of(0xff)])).toThrow(WireError);
  });

  it('refuses to send what cannot be sent', () => {
    expect(codeOf(() => encodeMercury({ sequence: Buffer.alloc(70_000), uri: 'hm://x' }))).toBe('wire/bad-limit');
    expect(codeOf(() => encodeMercury({ sequence: Buffer.alloc(8), uri: 'hm://x' }, 12))).toBe('wire/bad-limit');
  });
});
