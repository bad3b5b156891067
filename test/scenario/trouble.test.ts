import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogueEntry } from '#simulator';
import { openHouse, pair, until, type House, type HouseOptions } from './house.ts';
import { makeTunes } from './tunes.ts';

let entries: readonly CatalogueEntry[];
let house: House;

beforeAll(async () => {
  entries = (await makeTunes([14, 6, 6, 6])).map(({ entry }) => entry);
}, 60_000);
afterEach(() => house[Symbol.asyncDispose]());

async function open(options: Partial<HouseOptions> = {}): Promise<House> {
  house = await openHouse({ cloud: { catalogue: entries, ...options.cloud }, ...options, ...(options.cloud && { cloud: { catalogue: entries, ...options.cloud } }) });
  return house;
}

interface Notice {
  readonly code: string;
  readonly message: string;
}
const attributes = () => JSON.parse(house.topics.get('tonearm/house/attributes') ?? '{}') as { readonly notice?: Notice | string | null };
const notice = () => JSON.stringify(attributes().notice ?? null);
const isPlaying = (title: string) => house.mirror['state'] === 'playing' && house.mirror['title'] === title;
/** A time long enough for a storm to show. */
const calm = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

describe('accounts', () => {
  it('without Premium: one sentence everywhere, no retry, and the next person can pair', async () => {
    await open({ cloud: { users: [{ name: 'freddie', product: 'free' }, { name: 'paula' }] } });
    await house.phone.pair(house.daemon.pairingUrl);
    await until('the reason is on MQTT', () => notice().includes('Premium'));
    expect(house.daemon.output).toContain('Premium');
    house.cloud.counters.mark();
    await calm(2);
    expect(house.cloud.counters.view.connections['access-point'] ?? 0).toBe(0);
    const paula = await house.cloud.openPhone({ name: 'Other phone', user: 'paula' });
    await pair({ phone: paula, daemon: house.daemon });
    await paula.play(house.cloud.contexts.everything);
    await until('music plays', () => isPlaying('Tune 1'));
    expect(notice()).toBe('null');
    await paula[Symbol.asyncDispose]();
  });

  it('whose audio keys are refused (code 1): pauses after three tries with the queue intact and one plain message', async () => {
    await open();
    await pair(house);
    house.cloud.faults.set('access-point/key-refuse');
    house.cloud.counters.mark();
    await house.phone.play(house.cloud.contexts.everything);
    await until('the reason is on MQTT', () => notice().includes('refuses audio keys for this account'));
    await until('the phone sees the pause', () => house.phone.cluster.playerState?.isPaused === true);
    expect(house.phone.cluster.playerState?.nextTracks.length).toBeGreaterThan(0);
    await calm(2);
    expect(house.cloud.counters.view.requests['access-point']).toBe(3);
  });

  it('that is throttled (code 2): waits instead of skipping or hammering', async () => {
    await open();
    await pair(house);
    house.cloud.faults.set('access-point/key-throttle', { after: 0 });
    house.cloud.counters.mark();
    await house.phone.play(house.cloud.contexts.everything);
    await until('the reason is on MQTT', () => notice() !== 'null');
    await calm(3);
    expect(house.cloud.counters.view.requests['access-point']).toBe(1);
    expect(house.phone.track?.uri).toBe(house.cloud.catalogue.get('Tune 1').uri);
  });

  it('whose access token expired: one renewal, and the music comes', async () => {
    await open();
    await pair(house);
    house.cloud.faults.fail('metadata', 401, { count: 1 });
    house.cloud.counters.mark();
    await house.phone.play(house.cloud.contexts.everything);
    await until('music plays', () => isPlaying('Tune 1'));
    expect(house.cloud.counters.view.requests['login5']).toBe(1);
  });
});

describe('the storage', () => {
  it.each([403, 404, 416])('answers %i: fresh addresses are asked for, then a sentence, never a storm', async (status) => {
    await open();
    await pair(house);
    house.cloud.faults.fail('cdn', status);
    house.cloud.counters.mark();
    await house.phone.play(house.cloud.contexts.everything);
    await until('the reason is in the log', () => house.daemon.output.includes(String(status)), 30_000);
    await calm(3);
    const { requests: seen } = house.cloud.counters.view;
    expect(seen['cdn'] ?? 0).toBeLessThanOrEqual(40);
    expect(seen['storage'] ?? 0).toBeLessThanOrEqual(12);
    house.cloud.faults.clear();
    await house.phone.play(house.cloud.contexts.everything, { track: 'Tune 2' });
    await until('the next choice plays', () => isPlaying('Tune 2'), 40_000);
  });

  it('answers 403 once: nobody notices', async () => {
    await open();
    await pair(house);
    house.cloud.faults.fail('cdn', 403, { count: 1 });
    await house.phone.play(house.cloud.contexts.everything);
    await until('music plays', () => isPlaying('Tune 1'));
    expect(notice()).toBe('null');
  });

  it('is slower than the music: the state says buffering, and playback goes on when it recovers', async () => {
    await open();
    await pair(house);
    const slow = house.cloud.faults.set('cdn/slow', { bytesPerSecond: 2000 });
    await house.phone.play(house.cloud.contexts.everything);
    await until('it says that it waits for data', () => house.mirror['title'] === 'Tune 1' && house.mirror['state'] === 'buffering');
    await calm(2);
    expect(house.mirror['state']).toBe('buffering');
    slow[Symbol.dispose]();
    await until('it plays on', () => isPlaying('Tune 1'), 45_000);
    expect(house.mirror['title']).toBe('Tune 1');
  });
});

describe('lines that break while music plays', () => {
  it('the access point goes: the music does not notice, and it is back by itself', async () => {
    await open();
    await pair(house);
    await house.phone.play(house.cloud.contexts.everything);
    await until('music plays', () => isPlaying('Tune 1'));
    house.cloud.counters.mark();
    house.cloud.cut(1500, ['access-point']);
    await calm(1);
    expect(isPlaying('Tune 1')).toBe(true);
    await until('it has logged in again', () => (house.cloud.counters.view.connections['access-point'] ?? 0) > 0);
    await house.phone.next();
    await until('the next track, which needs a key, plays', () => isPlaying('Tune 2'), 40_000);
    expect(house.cloud.counters.view.connections['access-point'] ?? 0).toBeLessThan(10);
  });

  it('the dealer goes: the music plays on, and the phone is told everything again', async () => {
    await open();
    await pair(house);
    await house.phone.play(house.cloud.contexts.everything);
    await until('music plays', () => isPlaying('Tune 1'));
    house.cloud.counters.mark();
    house.cloud.cut(1000, ['dealer']);
    await until('it is connected again', () => (house.cloud.counters.view.connections['dealer'] ?? 0) > 0);
    await until('it has told its state', () => (house.cloud.counters.view.requests['connect-state'] ?? 0) > 0);
    await until('the phone sees it playing', () => house.phone.active?.name === `House ${process.pid}` && house.phone.cluster.playerState?.isPaused === false);
    await house.phone.pause();
    await until('it obeys again', () => house.mirror['state'] === 'paused');
  });
});
