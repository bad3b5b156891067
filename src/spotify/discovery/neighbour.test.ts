import { describe, expect, it } from 'vitest';
import { isNear, plainAddress } from './neighbour.ts';

describe('who may pair', () => {
  it.each([
    ['192.0.2.7', '192.0.2.1', true],
    ['::ffff:192.0.2.7', '::ffff:192.0.2.1', true],
    ['::1', '::1', true],
    ['fe80::1%eth0', 'fe80::2%eth0', true],
    ['fd00:7::2', 'fd00:8::1', true],
    ['2001:db8:1:2::99', '2001:db8:1:2::1', true],
    ['2001:db8:1:3::99', '2001:db8:1:2::1', false],
    ['2001:db8:9::1', 'fd00::1', false],
  ])('%s at %s: %s', (remote, local, expected) => {
    expect(isNear(remote, local)).toBe(expected);
  });

  it('counts an IPv4 neighbour once, whichever socket it came to', () => {
    expect([plainAddress('::ffff:192.0.2.7'), plainAddress('192.0.2.7'), plainAddress('fd00::1')]).toEqual(['192.0.2.7', '192.0.2.7', 'fd00::1']);
  });
});
