import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '#core';
import { silentLog } from '#foundation';
import { openPresets } from './presets.ts';
import { PresetSettings } from './settings.ts';

let kept: Map<string, unknown>;
let store: Store;

beforeEach(() => {
  kept = new Map();
  const values = {
    read: (name: string) => Promise.resolve(kept.get(name) ?? null),
    write: (name: string, value: unknown) => Promise.resolve(void kept.set(name, JSON.parse(JSON.stringify(value)))),
    remove: (name: string) => Promise.resolve(void kept.delete(name)),
    names: () => Promise.resolve([...kept.keys()]),
  };
  store = { ...values, sealed: values };
});

const slug = (name: string) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
const open = (...settings: object[]) => openPresets({ settings: settings.map((each) => PresetSettings.parse(each)), host: { log: silentLog, store }, slug });
const morning = { name: 'Good Morning', uri: 'https://open.spotify.com/playlist/37i9dQZF1DXcBWIGoYBM5M?si=x', volume: 8, shuffle: true };

describe('presets', () => {
  it('of the configuration have an id made from their name, and a level', async () => {
    const { list } = await open(morning, { name: 'Bath', id: 'tub', uri: 'spotify:album:1', from: 3, zones: ['bath'] });
    expect(list).toEqual([
      { name: 'Good Morning', id: 'good-morning', uri: morning.uri, shuffle: true, level: 0.08 },
      { name: 'Bath', id: 'tub', uri: 'spotify:album:1', from: 3, zones: ['bath'], level: undefined },
    ]);
  });

  it.each<[wanted: string, zone: string, found: string | null]>([
    ['good-morning', 'bath', 'good-morning'],
    ['Good Morning', 'bath', 'good-morning'],
    [' GOOD morning ', 'bath', 'good-morning'],
    ['tub', 'bath', 'tub'],
    ['tub', 'kitchen', null],
    ['Bath', 'kitchen', null],
    ['', 'bath', null],
    ['nothing', 'bath', null],
  ])('“%s” in zone %s is %s', async (wanted, zone, found) => {
    const presets = await open(morning, { name: 'Bath', id: 'tub', uri: 'spotify:album:1', zones: ['bath'] });
    expect(presets.find(wanted, zone)?.id ?? null).toBe(found);
  });

  it('that were added are kept, told, replaced and removed', async () => {
    const presets = await open(morning);
    const told: number[] = [];
    presets.events.on('changed', (list) => told.push(list.length));
    expect(await presets.add({ name: 'Late Night', uri: 'spotify:album:1', level: 0.2 })).toMatchObject({ id: 'late-night' });
    await presets.add({ name: 'Late Night', uri: 'spotify:album:2' });
    expect((await open(morning)).list.map(({ id, uri }) => `${id} ${uri.slice(-1)}`)).toEqual(['good-morning x', 'late-night 2']);
    await presets.remove('late-night');
    expect((await open(morning)).list).toHaveLength(1);
    expect(told).toEqual([2, 2, 1]);
  });

  it.each<[what: string, act: (presets: Awaited<ReturnType<typeof open>>) => Promise<unknown>, kind: string, code: string]>([
    ['one of the configuration cannot be replaced', (presets) => presets.add({ name: 'good morning', uri: 'spotify:album:1' }), 'conflict', 'zones/preset-fixed'],
    ['nor removed', (presets) => presets.remove('good-morning'), 'conflict', 'zones/preset-fixed'],
    ['one there is not cannot be removed', (presets) => presets.remove('evening'), 'not-found', 'zones/no-such-preset'],
    ['without an address', (presets) => presets.add({ name: 'Nothing', uri: '' }), 'invalid', 'zones/bad-preset'],
    ['louder than loud', (presets) => presets.add({ name: 'Loud', uri: 'spotify:album:1', level: 2 }), 'invalid', 'zones/bad-preset'],
    ['an id that is no topic', (presets) => presets.add({ name: 'A', id: 'a/b', uri: 'spotify:album:1' }), 'invalid', 'zones/bad-preset'],
  ])('%s', async (_, act, kind, code) => {
    const presets = await open(morning);
    await expect(act(presets)).rejects.toMatchObject({ kind, code });
    expect(presets.list).toHaveLength(1);
    expect(kept.size).toBe(0);
  });

  it('there is an end to them', async () => {
    kept.set('presets', Array.from({ length: 500 }, (_, n) => ({ id: `p${n}`, name: `P${n}`, uri: 'spotify:album:1' })));
    const presets = await open();
    await expect(presets.add({ name: 'One more', uri: 'spotify:album:1' })).rejects.toMatchObject({ code: 'zones/too-many-presets' });
    await presets.add({ name: 'p7', uri: 'spotify:album:2' });
  });

  it.each<[first: string, second: string, ids: string[]]>([
    ['Late Night', 'late night', ['late-night']],
    ['Late Night', 'Late Night!', ['late-night', 'late-night-2']],
    ['Late Night', 'Good Morning!', ['late-night', 'good-morning-2']],
  ])('“%s” and “%s”, without ids of their own, are %j', async (first, second, ids) => {
    const presets = await openPresets({ settings: [PresetSettings.parse(morning)], host: { log: silentLog, store }, slug: (name) => slug(name).replace(/-$/, '') });
    for (const name of [first, second, second]) await presets.add({ name, uri: 'spotify:album:1' });
    expect(presets.list.slice(1).map(({ id }) => id)).toEqual(ids);
  });

  it('that cannot be read keep neither the daemon from starting nor the others away, and stay where they are', async () => {
    const good = { id: 'good', name: 'Good', uri: 'spotify:album:1' };
    const later = { id: 'later', name: 'Later', uri: 'spotify:album:1', mood: 'calm' };
    kept.set('presets', [{ id: 7 }, good, later]);
    const presets = await open(morning);
    expect(presets.list.map(({ id }) => id)).toEqual(['good-morning', 'good']);
    await presets.remove('good');
    expect(kept.get('presets')).toEqual([{ id: 7 }, later]);
    // Nor does a new one of that name take its place.
    expect((await presets.add({ name: 'Later', uri: 'spotify:album:2' })).id).toBe('later-2');
  });

  it('of one id are kept both, though only the first is there', async () => {
    const [first, second] = ['First', 'Second'].map((name) => ({ id: 'same', name, uri: 'spotify:album:1' }));
    kept.set('presets', [first, second]);
    const presets = await open();
    expect(presets.list.map(({ name }) => name)).toEqual(['First']);
    await presets.remove('same');
    expect(kept.get('presets')).toEqual([second]);
  });

  it('that were kept as no list at all are left out', async () => {
    kept.set('presets', 'nonsense');
    expect((await open(morning)).list).toHaveLength(1);
  });

  it('the configuration goes before what was added with the same id, which comes back without it', async () => {
    kept.set('presets', [{ id: 'good-morning', name: 'Old', uri: 'spotify:album:1' }]);
    const presets = await open(morning);
    expect(presets.list.map(({ name }) => name)).toEqual(['Good Morning']);
    await presets.add({ name: 'Another', uri: 'spotify:album:1' });
    expect((await open()).list.map(({ name }) => name)).toEqual(['Another', 'Old']);
  });
});
