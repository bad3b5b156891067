import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/foundation/clock.ts';
import { dial } from '../socket.ts';
import { FakeDaemon } from '../test-kit/fake-daemon.ts';
import type { Dial } from '../socket.ts';
import { look, lookAround } from './look.ts';

describe('a look at a daemon', () => {
  it.each([
    ['localhost:8484', 'key'],
    ['tonearm.local', 'key'],
    ['', null],
    ['http://127.0.0.1:1', 'a key “with quotes”'],
  ])('says what is wrong with %j and the key %j, and leaves nothing behind', async (address, key) => {
    const clock = new FakeClock();
    expect(await look(dial, clock, address, key)).toMatchObject({ kind: 'invalid' });
    await clock.advance(10_000);
    expect(clock.pending).toBe(0);
  });

  it('tells what there is', async () => {
    const clock = new FakeClock();
    const looking = look(new FakeDaemon(clock).dial, clock, 'http://a:8484', 'key');
    await clock.advance(10);
    expect(await looking).toMatchObject({ kind: 'seen', instance: 'house1', mayControl: true });
    expect(clock.pending).toBe(0);
  });
});

describe('a look around', () => {
  it.each([
    [['refusing', 'up'], 'seen', 'http://1'],
    [['down', 'refusing', 'up'], 'seen', 'http://2'],
    [['down', 'refusing', 'down', 'refusing'], 'refused', 'http://1'],
    [['refusing', 'down'], 'refused', 'http://0'],
    [['down', 'down'], 'away', 'http://0'],
  ] as const)('at addresses that are %j', async (modes, kind, url) => {
    const clock = new FakeClock();
    const daemons = modes.map((mode) => Object.assign(new FakeDaemon(clock), { mode }));
    const dial: Dial = (to, ...rest) => daemons[Number(new URL(to).host.at(-1))]?.dial(to, ...rest) ?? expect.fail(to);
    const looking = lookAround(dial, clock, modes.map((_, index) => `http://${index}`), 'key');
    await clock.advance(100);
    expect(await looking).toMatchObject({ kind, url });
    expect(clock.pending).toBe(0);
  });
});
