import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandInput, Lease, Origin, PlayStatus, Zone } from '#core';
import { Command } from '#core';
import { FakeClock, silentLog, TonearmError } from '#foundation';
import { SoundingDeck } from '../../../test/kit/sounding-deck.ts';
import { openSounds } from './sounds.ts';

/** A zone with one lease at a time. */
class OneZone implements Zone {
  readonly id = 'kitchen';
  readonly name = 'Kitchen';
  readonly volume = { level: 0.5, muted: false, limit: 1, fading: null };
  readonly events: Zone['events'] = { on: () => ({ [Symbol.dispose]: () => undefined }), once: () => Promise.reject(new Error('No.')) };
  readonly deck: SoundingDeck;
  readonly log: string[] = [];
  #abort = new AbortController();

  constructor(deck: SoundingDeck) {
    this.deck = deck;
  }

  setVolume(): void {}

  claim(source: string, by: Origin): Lease {
    this.log.push(`claim ${source} ${by}`);
    this.#abort = new AbortController();
    const release = (origin: Origin) => {
      this.log.push(`release ${origin}`);
      this.deck.stop();
    };
    return { deck: this.deck, signal: this.#abort.signal, renew: (origin) => void this.log.push(`renew ${origin}`), release, [Symbol.dispose]: () => release(by) };
  }

  takeAway(): void {
    this.deck.stop();
    this.#abort.abort(new DOMException('Somebody else.', 'AbortError'));
  }
}

let clock: FakeClock;
let zone: OneZone;
let source: ReturnType<typeof openSounds>;
let seen: PlayStatus[];
let over: string[];

beforeEach(() => {
  clock = new FakeClock();
  zone = new OneZone(new SoundingDeck(clock));
  source = openSounds({ folders: [] }, { zone, host: { clock, log: silentLog } });
  seen = [];
  over = [];
  source.events.on('changed', ({ state }) => {
    if (seen.at(-1) !== state.status) seen.push(state.status);
  });
  source.events.on('ended', ({ reason }) => over.push(reason));
  source.events.on('failed', ({ error }) => over.push(error.code));
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await zone.deck[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
});

const tell = (command: CommandInput, by = 'mqtt') => source.execute(Command.parse(command), by, new AbortController().signal);
const position = () => source.state.position.at + (source.state.status === 'playing' ? clock.now() - source.state.position.measured : 0);

test('shows nothing while it plays nothing', () => {
  expect(source.state).toMatchObject({ status: 'stopped', track: null, queue: { context: null, next: [] }, notice: null });
  expect(source.state.accepts).toEqual(new Set(['play']));
});

test('rings until somebody stops it', async () => {
  await tell({ kind: 'play', uri: 'sound:bell' }, 'automation:alarm');
  await clock.advance(600_000);
  expect(source.state).toMatchObject({ status: 'playing', track: { uri: 'sound:bell', title: 'Bell', kind: 'file', duration: 0 } });
  expect(zone.deck.isSounding).toBe(true);
  await tell({ kind: 'stop' });
  expect(source.state).toMatchObject({ status: 'stopped', track: null });
  expect(zone.log).toEqual(['claim sounds automation:alarm', 'release mqtt']);
  expect(seen).toEqual(['loading', 'playing', 'stopped']);
  expect(over).toEqual(['skipped']);
});

test('is paused, moved and resumed', async () => {
  await tell({ kind: 'play', uri: 'http://127.0.0.1/a.mp3', at: 5000 });
  await clock.advance(2040);
  expect(position()).toBe(7000);
  await tell({ kind: 'pause' });
  expect(source.state.status).toBe('paused');
  expect(position()).toBe(7000);
  await clock.advance(5000);
  await tell({ kind: 'seek', to: 20_000 });
  await tell({ kind: 'play' });
  await clock.advance(1040);
  expect(source.state.status).toBe('playing');
  expect(position()).toBe(21_000);
});

test('a new sound takes the place of the old one, without letting the zone go', async () => {
  await tell({ kind: 'play', uri: 'sound:bell' });
  await clock.advance(1000);
  await tell({ kind: 'play', uri: 'sound:chime' }, 'http');
  await clock.advance(100);
  expect(source.state.track?.uri).toBe('sound:chime');
  expect(zone.log).toEqual(['claim sounds mqtt', 'renew http']);
});

test('of two plays at once the newest counts', async () => {
  await Promise.all([tell({ kind: 'play', uri: 'sound:bell' }), tell({ kind: 'play', uri: 'sound:chime' })]);
  expect(zone.deck.plays.map(({ uri }) => uri)).toEqual(['sound:chime']);
});

test('falls silent when somebody else is heard', async () => {
  await tell({ kind: 'play', uri: 'sound:bell' });
  await clock.advance(1000);
  zone.takeAway();
  expect(source.state.status).toBe('stopped');
  await expect(tell({ kind: 'pause' })).rejects.toMatchObject({ code: 'sounds/nothing-loaded' });
  expect(zone.log).toEqual(['claim sounds mqtt']);
});

test('a sound that cannot be played is told, and the zone is given back', async () => {
  await tell({ kind: 'play', uri: 'http://127.0.0.1/a.mp3' });
  await clock.advance(1000);
  zone.deck.fail();
  expect(over).toEqual(['audio/broken', 'failed']);
  expect(zone.log.at(-1)).toBe('release tonearm');
});

test.each<[CommandInput, string]>([
  [{ kind: 'play', uri: 'file:///etc/hostname' }, 'sounds/not-in-folders'],
  [{ kind: 'play', uri: 'spotify:track:x' }, 'sounds/not-an-address'],
  [{ kind: 'enqueue', uri: 'sound:chime' }, 'sounds/no-queue'],
  [{ kind: 'next' }, 'sounds/single'],
  [{ kind: 'shuffle', on: true }, 'sounds/single'],
  [{ kind: 'seek', to: 1 }, 'sounds/nothing-loaded'],
])('%o is refused with a sentence', async (command, code) => {
  const error = await tell(command).then(() => null, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TonearmError);
  expect(error).toMatchObject({ code });
  expect(zone.log).toEqual([]);
});

describe('without a sound device', () => {
  test('waits for one, says so, and sounds within two seconds of its coming', async () => {
    zone.deck.unplug();
    await tell({ kind: 'play', uri: 'sound:bell' }, 'automation:alarm');
    await clock.advance(3_600_000);
    expect(source.state).toMatchObject({ status: 'stalled', notice: { code: 'output/device-lost' } });
    expect(over).toEqual([]);
    zone.deck.plug();
    await clock.advance(2000);
    expect(source.state).toMatchObject({ status: 'playing', notice: null });
    expect(seen).toEqual(['loading', 'stalled', 'playing']);
  });

  test('also when it is pulled out while it rings', async () => {
    await tell({ kind: 'play', uri: 'sound:bell' });
    await clock.advance(10_000);
    zone.deck.unplug();
    await clock.advance(60_000);
    expect(source.state.status).toBe('stalled');
    zone.deck.plug();
    await clock.advance(2000);
    expect(zone.deck.isSounding).toBe(true);
  });

  test('gives up after three hours', async () => {
    zone.deck.unplug();
    await tell({ kind: 'play', uri: 'sound:bell' });
    await clock.advance(3 * 3_600_000 + 5000);
    expect(over).toEqual(['output/device-lost', 'failed']);
    expect(source.state.status).toBe('stopped');
  });

  test('a pause is a pause', async () => {
    zone.deck.unplug();
    await tell({ kind: 'play', uri: 'sound:bell' });
    await clock.advance(5000);
    await tell({ kind: 'pause' });
    zone.deck.plug();
    await clock.advance(9000);
    expect(source.state).toMatchObject({ status: 'paused', notice: null });
    expect(zone.deck.isSounding).toBe(false);
  });
});
