import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../test/fixtures/vectors/shannon.json' with { type: 'json' };
import { hex } from '#foundation';
import { Shannon } from './shannon.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'hex');

describe('Shannon', () => {
  it.each(vectors.keystream)('known key stream of key $key', ({ key, nonce, plaintext, ciphertext, mac }) => {
    const sender = new Shannon(bytes(key));
    sender.nonce(bytes(nonce));
    expect(hex(sender.encrypt(bytes(plaintext)))).toBe(ciphertext);
    expect(hex(sender.finish())).toBe(mac);
    const receiver = new Shannon(bytes(key));
    receiver.nonce(bytes(nonce));
    expect(hex(receiver.decrypt(bytes(ciphertext)))).toBe(plaintext);
    expect(hex(receiver.finish())).toBe(mac);
  });

  it.each(vectors.states)('first word after keying', ({ key, first_keystream_word, after_nonce_0 }) => {
    const cipher = new Shannon(bytes(key));
    cipher.nonce(0);
    const word = Buffer.alloc(4);
    word.writeUInt32LE(parseInt(first_keystream_word, 16));
    expect(hex(cipher.encrypt(Buffer.alloc(4)))).toBe(hex(word));
    expect(after_nonce_0.R).toHaveLength(16);
  });

  it.each(vectors.packets)('packet of $nonce', ({ key, nonce, cmd, payload, ciphertext, mac }) => {
    const plain = Buffer.concat([Buffer.of(cmd, payload.length >> 9, (payload.length >> 1) & 0xff), bytes(payload)]);
    const sender = new Shannon(bytes(key));
    sender.nonce(nonce);
    expect(hex(sender.encrypt(plain))).toBe(ciphertext);
    expect(hex(sender.finish())).toBe(mac);
    const receiver = new Shannon(bytes(key));
    receiver.nonce(nonce);
    expect(hex(receiver.decrypt(bytes(ciphertext)))).toBe(hex(plain));
    expect(hex(receiver.finish())).toBe(mac);
  });

  it('does not care how a message is cut into pieces', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ maxLength: 70 }), fc.array(fc.nat(9), { maxLength: 30 }), fc.nat(0xffff_ffff), (key, plain, cuts, nonce) => {
      const whole = new Shannon(key);
      whole.nonce(nonce);
      const expected = whole.encrypt(plain);
      const mac = whole.finish();
      for (const decrypting of [false, true]) {
        const pieces = new Shannon(key);
        pieces.nonce(nonce);
        const input = decrypting ? expected : plain;
        const out: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, input.length]) {
          const piece = input.subarray(at, at + cut);
          at += piece.length;
          out.push(decrypting ? pieces.decrypt(piece) : pieces.encrypt(piece));
        }
        expect(hex(Buffer.concat(out))).toBe(hex(decrypting ? plain : expected));
        expect(hex(pieces.finish())).toBe(hex(mac));
      }
    }));
  });

  it('leaves its input alone and gives MACs of any length', () => {
    const cipher = new Shannon(bytes('00ff'));
    const plain = Buffer.from('some words');
    cipher.nonce(7);
    cipher.encrypt(plain);
    expect(plain.toString()).toBe('some words');
    const long = cipher.finish(11);
    cipher.nonce(7);
    cipher.encrypt(plain);
    expect(hex(cipher.finish(3))).toBe(hex(long.subarray(0, 3)));
  });
});
