import { describe, expect, it } from 'vitest';
import { hex } from '#foundation';
import { decodeKey, decodeKeyError, decodeKeyRequest, encodeKey, encodeKeyError, encodeKeyRequest, KeyErrorCode, keySequence } from './audio-key.ts';
import { WireError } from './wire-error.ts';

const fileId = Buffer.from('2b1be39d63ac0867aa195abd34e19b003d50e49d', 'hex');
const gid = Buffer.from('b39fe8081e1f4c54be38e8d6f9f12bb9', 'hex');

describe('audio keys', () => {
  it('request: file id, item id, sequence and two zeros', () => {
    const payload = encodeKeyRequest({ fileId, gid, sequence: 0x01020304 });
    expect(hex(payload)).toBe(`${hex(fileId)}${hex(gid)}010203040000`);
    expect(decodeKeyRequest(payload)).toEqual({ fileId, gid, sequence: 0x01020304 });
  });

  it('answer', () => {
    const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    const payload = encodeKey({ sequence: 0xffff_ffff, key });
    expect(hex(payload)).toBe(`ffffffff${hex(key)}`);
    expect(decodeKey(payload)).toEqual({ sequence: 0xffff_ffff, key });
    expect(keySequence(payload)).toBe(0xffff_ffff);
  });

  it.each([['00000007 0001', 7, KeyErrorCode.refused], ['00000000 0002', 0, KeyErrorCode.throttled], ['00000001 1234', 1, 0x1234]])('refusal %s', (text, sequence, code) => {
    const payload = Buffer.from(text.replace(' ', ''), 'hex');
    expect(decodeKeyError(payload)).toEqual({ sequence, code });
    expect(encodeKeyError({ sequence, code }).equals(payload)).toBe(true);
  });

  it('any other length is an error that still names its request', () => {
    for (let length = 0; length < 64; length++) {
      const payload = Buffer.alloc(length, 1);
      if (length !== 42) expect(() => decodeKeyRequest(payload)).toThrow(WireError);
      if (length !== 20) expect(() => decodeKey(payload)).toThrow(WireError);
      if (length !== 6) expect(() => decodeKeyError(payload)).toThrow(WireError);
      expect(keySequence(payload)).toBe(length < 4 ? null : 0x01010101);
    }
    expect(keySequence(encodeKey({ sequence: 5, key: Buffer.alloc(15) }))).toBe(5);
  });

  it.each([[16, 16], [20, 20], [0, 16]])('refuses to ask with ids of %i and %i bytes', (file, item) => {
    expect(() => encodeKeyRequest({ fileId: Buffer.alloc(file), gid: Buffer.alloc(item), sequence: 0 })).toThrow(WireError);
  });

  it('keeps no view of what it was given', () => {
    const payload = encodeKey({ sequence: 1, key: Buffer.alloc(16, 9) });
    const { key } = decodeKey(payload);
    payload.fill(0);
    expect(key.equals(Buffer.alloc(16, 9))).toBe(true);
  });
});
