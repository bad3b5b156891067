import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { decodeKeyRequest, encodeKey, encodeKeyError, Packet } from '#spotify/wire';
import { AudioKeys } from './audio-keys.ts';

const gid = Buffer.alloc(16, 1);
const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const file = (n: number) => Buffer.alloc(20, n);

let clock: FakeClock;
let asked: ReturnType<typeof decodeKeyRequest>[];
let isOnline: boolean;
let waiting: (() => void)[];
let keys: AudioKeys;

beforeEach(() => {
  clock = new FakeClock();
  asked = [];
  isOnline = true;
  waiting = [];
  keys = new AudioKeys({
    clock,
    log: silentLog,
    link: {
      send: (command, payload) => {
        if (!isOnline) return false;
        expect(command).toBe(Packet.requestKey);
        asked.push(decodeKeyRequest(payload));
        return true;
      },
      whenOnline: (signal) =>
        isOnline
          ? Promise.resolve()
          : new Promise((resolve, reject) => {
              waiting.push(resolve);
              signal.addEventListener('abort', () => reject(signal.reason as Error));
            }),
    },
  });
});

function request(n: number, signal = new AbortController().signal) {
  const result = keys.request(gid, file(n), signal);
  result.catch(() => undefined);
  return result;
}

function grant(sequence: number, content = key) {
  expect(keys.accept(Packet.aesKey, encodeKey({ sequence, key: content }))).toBe(true);
}

function refuse(sequence: number, code: number) {
  expect(keys.accept(Packet.aesKeyError, encodeKeyError({ sequence, code }))).toBe(true);
}

describe('audio keys', () => {
  it('finds the request of each answer, in any order', async () => {
    const results = [request(1), request(2), request(3)];
    await clock.advance(0);
    expect(asked.map(({ sequence, fileId }) => [sequence, fileId[0]])).toEqual([[0, 1], [1, 2], [2, 3]]);
    for (const sequence of [2, 0, 1]) grant(sequence, Buffer.alloc(16, sequence));
    expect((await Promise.all(results)).map((bytes) => bytes[0])).toEqual([0, 1, 2]);
    expect(clock.pending).toBe(0);
  });

  it('remembers keys, so a repeat costs nothing', async () => {
    const first = request(1);
    await clock.advance(0);
    grant(0);
    const bytes = await first;
    bytes.fill(0);
    expect(await request(1)).toEqual(key);
    expect(asked).toHaveLength(1);
  });

  it('asks once more after five seconds, and then gives up', async () => {
    const late = request(1);
    await clock.advance(5000);
    expect(asked.map(({ sequence }) => sequence)).toEqual([0, 1]);
    grant(0);
    grant(1);
    expect(await late).toEqual(key);
    const never = request(2);
    await clock.advance(10_000);
    await expect(never).rejects.toMatchObject({ kind: 'timeout', code: 'spotify/key-timeout' });
    expect(asked).toHaveLength(4);
    expect(clock.pending).toBe(0);
  });

  it.each([1, 7])('never repeats a refusal with code %s', async (code) => {
    const refused = request(1);
    await clock.advance(0);
    refuse(0, code);
    await expect(refused).rejects.toMatchObject({ kind: 'forbidden', code: 'spotify/key-refused', message: expect.stringContaining('Soloist') });
    await clock.advance(60_000);
    expect(asked).toHaveLength(1);
  });

  it('asks for nothing while throttled, with growing pauses', async () => {
    for (const pause of [30_000, 60_000]) {
      const throttled = request(1);
      await clock.advance(0);
      refuse(asked.at(-1)?.sequence ?? 0, 2);
      await expect(throttled).rejects.toMatchObject({ kind: 'unavailable', code: 'spotify/key-throttled', retryAfter: pause });
      const before = asked.length;
      await clock.advance(pause - 1000);
      await expect(request(2)).rejects.toMatchObject({ code: 'spotify/key-throttled', retryAfter: 1000 });
      expect(asked).toHaveLength(before);
      await clock.advance(1000);
    }
    const granted = request(1);
    await clock.advance(0);
    grant(asked.at(-1)?.sequence ?? 0);
    expect(await granted).toEqual(key);
  });

  it('fails only the request whose key is malformed', async () => {
    const [bad, good] = [request(1), request(2)];
    await clock.advance(0);
    grant(0, Buffer.alloc(15));
    grant(1);
    keys.accept(Packet.aesKey, Buffer.of(1, 2));
    keys.accept(Packet.aesKey, encodeKey({ sequence: 99, key }));
    await expect(bad).rejects.toMatchObject({ kind: 'corrupt', code: 'spotify/key-malformed' });
    expect(await good).toEqual(key);
  });

  it('waits for the access point and asks again after it was lost', async () => {
    isOnline = false;
    const result = request(1);
    await clock.advance(20_000);
    expect(asked).toHaveLength(0);
    isOnline = true;
    for (const resolve of waiting.splice(0)) resolve();
    await clock.advance(0);
    expect(asked).toHaveLength(1);
    keys.lost();
    await clock.advance(0);
    expect(asked.map(({ sequence }) => sequence)).toEqual([0, 1]);
    grant(1);
    expect(await result).toEqual(key);
  });

  it('does not wait for the access point for ever, nor go along with every loss', async () => {
    isOnline = false;
    const absent = request(1);
    await clock.advance(30_000);
    await expect(absent).rejects.toMatchObject({ kind: 'timeout', code: 'spotify/key-unavailable' });
    isOnline = true;
    const unlucky = request(1);
    for (let n = 0; n < 3; n++) {
      await clock.advance(0);
      keys.lost();
    }
    await expect(unlucky).rejects.toMatchObject({ kind: 'unavailable', code: 'spotify/key-unavailable' });
    expect(asked).toHaveLength(3);
  });

  it('leaves nothing behind when the caller goes', async () => {
    const abort = new AbortController();
    const result = request(1, abort.signal);
    await clock.advance(0);
    abort.abort(new Error('skipped'));
    await expect(result).rejects.toThrow('skipped');
    expect(clock.pending).toBe(0);
    grant(0);
  });

  it('refuses ids that cannot be', async () => {
    await expect(keys.request(gid, Buffer.alloc(16), new AbortController().signal)).rejects.toMatchObject({ code: 'wire/bad-key-request' });
  });

  it('leaves other packets alone', () => expect(keys.accept(Packet.ping, Buffer.alloc(4))).toBe(false));
});
