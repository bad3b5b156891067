import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generate } from 'mqtt-packet';
import { PacketGuard } from './packet-guard.ts';

const packet = (size: number) => generate({ cmd: 'publish', topic: 'a', payload: Buffer.alloc(size), qos: 0, dup: false, retain: false });
const ping = generate({ cmd: 'pingreq' });

describe('the guard', () => {
  it('lets through what fits, in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (sizes, piece) => {
        const bytes = Buffer.concat(sizes.flatMap((size) => [packet(size), ping]));
        const guard = new PacketGuard(500);
        for (let at = 0; at < bytes.length; at += piece) expect(guard.accepts(bytes.subarray(at, at + piece))).toBe(true);
      }),
    );
  });

  it('stops what is too large before its body has come', () => {
    for (const size of [498, 1000, 70_000, 3_000_000]) {
      const bytes = packet(size);
      const guard = new PacketGuard(500);
      expect(guard.accepts(ping)).toBe(true);
      expect(guard.accepts(bytes.subarray(0, 5))).toBe(false);
    }
    expect(new PacketGuard(500).accepts(packet(497))).toBe(true);
  });

  it('stops a length that never ends', () => {
    expect(new PacketGuard(500).accepts(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
  });

  it('takes any bytes without trouble', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof new PacketGuard(100).accepts(bytes) === 'boolean'), { numRuns: 5000 });
  });
});
