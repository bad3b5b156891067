import { describe, expect, it } from 'vitest';
import { FakeClock, Secret } from '#foundation';
import { fakeHost, keptLog } from '../../test/contract/surface-fake-player.ts';
import { type KeyView, openApiKeys } from './api-keys.ts';
import { answerKeyRequest } from './key-requests.ts';

const hour = 3_600_000;
const world = () => {
  const log = keptLog();
  const clock = new FakeClock(1000 * hour);
  return { ...fakeHost(clock, log), log, clock };
};

describe('API keys', () => {
  it('are random, shown once and kept as hashes', async () => {
    const host = world();
    const keys = await openApiKeys({ host });
    const [one, other] = [await keys.add(' Homebridge ', 'control'), await keys.add('Panel', 'read')];
    expect(one.key.reveal()).toMatch(/^tak_[A-Za-z0-9_-]{43}$/);
    expect(one.key.reveal()).not.toBe(other.key.reveal());
    expect(one.view).toEqual({ id: expect.stringMatching(/^[0-9a-f]{8}$/), name: 'Homebridge', scope: 'control', created: 1000 * hour, used: null });
    const kept = JSON.stringify([...host.store.values.entries()]);
    expect(kept).toContain('Homebridge');
    for (const { key } of [one, other]) expect(kept + JSON.stringify(keys.list)).not.toContain(key.reveal().slice(4));
    expect(JSON.stringify(one)).not.toContain(one.key.reveal());
  });

  it('are known again after a restart, and nobody else’s', async () => {
    const host = world();
    const { key, view } = await (await openApiKeys({ host })).add('Homebridge', 'read');
    const keys = await openApiKeys({ host });
    expect(keys.check(key.reveal())).toMatchObject({ id: view.id, scope: 'read' });
    for (const wrong of ['', 'tak_', key.reveal().slice(0, -1), `${key.reveal()}A`, key.reveal().toUpperCase(), 'x'.repeat(5000)]) expect(keys.check(wrong)).toBeNull();
  });

  it('note when they were used, to the hour, once an hour', async () => {
    const host = world();
    const keys = await openApiKeys({ host });
    const { key } = await keys.add('Homebridge', 'read');
    let written = 0;
    const write = host.store.write.bind(host.store);
    host.store.write = async (name, value) => {
      written += 1;
      await write(name, value);
    };
    for (let minute = 0; minute < 120; minute++) {
      keys.check(key.reveal());
      await host.clock.advance(60_000);
    }
    expect(written).toBe(2);
    expect((await openApiKeys({ host })).list[0]?.used).toBe(1001 * hour);
  });

  it('are gone at once when they are removed', async () => {
    const host = world();
    const keys = await openApiKeys({ host });
    const { key, view } = await keys.add('Homebridge', 'read');
    const removed: KeyView[] = [];
    keys.events.on('removed', (one) => removed.push(one));
    const removing = keys.remove(view.id);
    expect(keys.check(key.reveal())).toBeNull();
    expect(removed).toHaveLength(1);
    await removing;
    expect((await openApiKeys({ host })).list).toEqual([]);
    await expect(keys.remove(view.id)).rejects.toMatchObject({ kind: 'not-found', code: 'keys/no-such-key' });
  });

  it('that were removed while nothing could be written let nobody in, and can be removed again', async () => {
    const host = world();
    const keys = await openApiKeys({ host });
    const { key, view } = await keys.add('Homebridge', 'read');
    const write = host.store.write.bind(host.store);
    host.store.write = () => Promise.reject(new Error('ENOSPC'));
    await expect(keys.remove(view.id)).rejects.toMatchObject({ code: 'keys/not-kept' });
    expect(keys.check(key.reveal())).toBeNull();
    host.store.write = write;
    expect(await keys.remove(view.id)).toMatchObject({ name: 'Homebridge' });
    expect((await openApiKeys({ host })).list).toEqual([]);
    await expect(keys.remove(view.id)).rejects.toMatchObject({ code: 'keys/no-such-key' });
  });

  it('of the configuration work and stay', async () => {
    const keys = await openApiKeys({ host: world(), configured: [{ name: 'Panel', key: new Secret('k'.repeat(32)), scope: 'read' }] });
    const [view] = keys.list;
    expect(keys.check('k'.repeat(32))).toEqual(view);
    expect(view).toMatchObject({ name: 'Panel', created: null, used: null });
    await expect(keys.remove(view?.id ?? '')).rejects.toMatchObject({ kind: 'conflict', code: 'keys/configured' });
  });

  it('that cannot be read let nobody in', async () => {
    const host = world();
    await host.store.write('api-keys', [{ id: 'x', name: 'y' }]);
    expect((await openApiKeys({ host })).list).toEqual([]);
    expect(host.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it.each(['', '  ', 'a\nb', 'x'.repeat(101)])('refuse the name %j', async (name) => {
    await expect((await openApiKeys({ host: world() })).add(name, 'read')).rejects.toMatchObject({ kind: 'invalid', code: 'keys/bad-name' });
  });

  it('are bounded', async () => {
    const keys = await openApiKeys({ host: world() });
    for (let count = 0; count < 100; count++) await keys.add(`Key ${count}`, 'read');
    await expect(keys.add('One more', 'read')).rejects.toMatchObject({ kind: 'conflict', code: 'keys/too-many' });
  });
});

describe('requests about keys', () => {
  it('list, add and remove', async () => {
    const keys = await openApiKeys({ host: world() });
    const added = await answerKeyRequest(keys, 'add', { name: 'Panel' });
    expect(added).toMatchObject({ name: 'Panel', scope: 'read', key: expect.stringMatching(/^tak_/), used: null, created: '1970-02-11T16:00:00.000Z' });
    expect(await answerKeyRequest(keys, 'list', {})).toEqual({ keys: [{ id: added['id'], name: 'Panel', scope: 'read', created: '1970-02-11T16:00:00.000Z', used: null }] });
    expect(await answerKeyRequest(keys, 'remove', { id: added['id'] })).toMatchObject({ name: 'Panel' });
    expect(keys.list).toEqual([]);
  });

  it.each([['add', {}], ['add', { name: 'x', scope: 'all' }], ['remove', {}], ['list', { sparkle: 1 }]])('%s %j is not understood', async (name, fields) => {
    await expect(answerKeyRequest(await openApiKeys({ host: world() }), name, fields)).rejects.toMatchObject({ kind: 'invalid', code: 'keys/bad-request' });
  });
});
