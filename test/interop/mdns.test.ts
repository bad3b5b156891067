import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '#foundation';
import type { SeenService } from './lan-phone.ts';
import { type Ask, eventually, startPhone } from './lan-phone-process.ts';
import { Avahi, obstacle, openLan, relayPorts, type Machine, type Running, startDaemonOn } from './lan.ts';

const why = obstacle();

describe.skipIf(why !== '')(`mDNS between two machines${why === '' ? '' : ` (skipped: ${why})`}`, () => {
  const all = new Scope();
  let each = new Scope();
  let folder: string;
  let speaker: Machine;
  let phone: Machine;
  let avahi: Avahi;
  let ask: Ask;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tonearm-mdns-'));
    all.defer(() => rm(folder, { recursive: true, force: true }));
    const lan = all.use(await openLan());
    ({ speaker, phone } = lan);
    avahi = await Avahi.start(phone, join(folder, 'avahi'), 'phone-machine');
    ask = await startPhone(phone, folder);
  });
  afterEach(async () => {
    await each[Symbol.asyncDispose]();
    each = new Scope();
  });
  afterAll(() => all[Symbol.asyncDispose]());

  /** Stopped politely at the end of the test, so that nothing of it is left in anybody's cache. */
  const daemonOn = async (machine: Machine, name: string, cloud?: object): Promise<Running> => {
    const running = await startDaemonOn(machine, { name, ...(cloud && { cloud }) });
    each.defer(async () => {
      await running.stop();
    });
    return running;
  };
  const pairingPort = ({ output }: Running) => Number(/pairing port (\d+)/.exec(output)?.[1]);
  /** What bonjour-service lists once `test` accepts it. */
  const services = (test: (found: SeenService[]) => boolean, limit = 10_000) => eventually(() => ask('services'), test, limit);

  it('is found by Avahi and by bonjour-service, with its TXT and the addresses of the LAN only', async () => {
    const running = await daemonOn(speaker, 'Küche');
    const port = pairingPort(running);
    const found = await eventually(() => avahi.browse(), (list) => list.length > 0);
    const [first] = found;
    expect(new Set(found.map(({ address }) => address))).toEqual(new Set(['192.0.2.1'])); // one of several is all that it shows
    expect(first).toMatchObject({ link: 'lan0', name: 'Küche', type: '_spotify-connect._tcp', port, host: expect.stringMatching(/^tonearm-[0-9a-f]{8}\.local$/) });
    expect([...(first?.txt ?? [])].sort()).toEqual(['CPath=/zc', 'Stack=SP', 'VERSION=1.0']);
    expect(await avahi.resolve(first?.host ?? '')).toBe('192.0.2.1');

    const [service] = await services(([one]) => one !== undefined && one.addresses.length > 0);
    expect(service).toEqual({ name: 'Küche', host: first?.host, port, addresses: expect.arrayContaining(['192.0.2.1', 'fd00:7::1']), txt: { VERSION: '1.0', CPath: '/zc', Stack: 'SP' } });
    const addresses = (await ask('answers')).flatMap(({ records }) => records).filter(({ type, name }) => ['A', 'AAAA'].includes(type) && name === first?.host);
    expect(new Set(addresses.map(({ data }) => data))).toEqual(new Set(['192.0.2.1', 'fd00:7::1']));
    // Every address that is announced can be paired over.
    for (const address of ['192.0.2.1', '[fd00:7::1]']) expect((await ask('info', `http://${address}:${port}/zc`)).name).toBe('Küche');
  });

  it('is found by the phone, which pairs over the LAN and plays', async () => {
    const { endpoints, ports } = await ask('cloud');
    await relayPorts(ports, speaker, phone, folder);
    await daemonOn(speaker, 'Kitchen', endpoints);
    const { name, url, txt } = await ask('discover', 'Kitchen');
    expect([name, txt]).toEqual(['Kitchen', { VERSION: '1.0', CPath: '/zc', Stack: 'SP' }]);
    expect(new URL(url).hostname).toBe('192.0.2.1');
    const { deviceId } = await ask('info', url);
    expect(await ask('pair', url)).toMatchObject({ isOk: true, tries: 1 });
    expect(await ask('play', deviceId)).toEqual({ device: 'Kitchen', isPlaying: true, refusals: [] });
  });

  it('says farewell when it is stopped', async () => {
    const running = await daemonOn(speaker, 'Attic');
    const watch = each.use(avahi.watch());
    await watch.said(/^=;lan0;IPv4;Attic;/m);
    await services((list) => list.some(({ name }) => name === 'Attic'));
    expect(watch.output).not.toMatch(/^-/m);
    expect(await running.stop()).toBe(0);
    // After a farewell a record lives on for one second (RFC 6762 §10.1).
    await watch.said(/^-;lan0;IPv4;Attic;/m, 3000);
    await eventually(() => ask('gone'), (names) => names.includes('Attic'), 1000);
    expect(await avahi.browse()).toEqual([]);
  });

  it('makes room for the one that had the name first, and both can be found and reached', async () => {
    const first = await daemonOn(speaker, 'Kitchen');
    await services((list) => list.length === 1);
    // After this long the first is no newcomer any more, and keeps its name.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const began = Date.now();
    // On the machine that Avahi runs on, too: they share the port.
    const second = await daemonOn(phone, 'Kitchen');
    await second.said('has the same name');
    // The last word about the name comes from the one that had it first, without anybody asking.
    const said = (await ask('answers')).filter(({ at }) => at > began).flatMap(({ records }) => records.filter(({ type, name }) => type === 'SRV' && name.startsWith('Kitchen.')));
    const ports = said.map(({ data }) => (JSON.parse(data) as { port: number }).port);
    expect(ports.filter((port) => port === pairingPort(second))).toHaveLength(1);
    expect(ports.at(-1)).toBe(pairingPort(first));
    const list = await eventually(() => avahi.browse(), (found) => new Set(found.map(({ name }) => name)).size === 2 && !found.some(({ name, port }) => name === 'Kitchen' && port !== pairingPort(first)));
    const places = new Set(list.filter(({ address }) => !address.includes(':')).map(({ name, address, port }) => `${name.replace(/[0-9a-f]{4}/, 'xxxx')} ${address} ${port}`));
    expect(places).toEqual(new Set([`Kitchen 192.0.2.1 ${pairingPort(first)}`, `Kitchen (xxxx) 192.0.2.2 ${pairingPort(second)}`]));
    await services((found) => found.length === 2 && found.some(({ name, port }) => name === 'Kitchen' && port === pairingPort(first)));
    const ids = await Promise.all(list.filter(({ address }) => !address.includes(':')).map(async ({ address, port }) => (await ask('info', `http://${address}:${port}/zc`)).deviceId));
    expect(new Set(ids).size).toBe(2);
    expect(first.output).not.toContain('has the same name');
    expect(second.output).toContain('has the same name');
    expect(avahi.log).toContain('Host name is phone-machine.local');
    expect(avahi.log).not.toMatch(/conflict/i);
  });

  it('gives two that start together two names, one of them the one they wanted', async () => {
    const both = await Promise.all([daemonOn(speaker, 'Twin'), daemonOn(phone, 'Twin')]);
    const ports = both.map(pairingPort).sort();
    const seen = await eventually(() => avahi.browse(), (found) => new Set(found.map(({ port }) => port)).size === 2);
    for (const found of [seen, await services((list) => list.length === 2)]) {
      expect([...new Set(found.map(({ name }) => name.replace(/[0-9a-f]{4}/, 'xxxx')))].sort()).toEqual(['Twin', 'Twin (xxxx)']);
      expect([...new Set(found.map(({ port }) => port))].sort()).toEqual(ports);
    }
    expect(both.filter(({ output }) => output.includes('has the same name'))).toHaveLength(1);
  });

  it.each([
    ['a moment', 500],
    ['a while', 6000],
  ])('is found again within 10 s after its interface was down for %s', async (_what, down) => {
    const running = await daemonOn(speaker, 'Cellar');
    await services((list) => list.some(({ name }) => name === 'Cellar'));
    await speaker.ip('link set lan0 down');
    await new Promise((resolve) => setTimeout(resolve, down));
    const up = Date.now();
    await speaker.ip('link set lan0 up');
    // Somebody may still know it from before; what counts is what it says now.
    await eventually(
      async () => (await services(() => true), await ask('answers')),
      (all) => all.some(({ at, records }) => at > up && records.some(({ type, name }) => type === 'SRV' && name.startsWith('Cellar.'))),
    );
    await eventually(() => avahi.browse(), (list) => list.some(({ name, address }) => name === 'Cellar' && address === '192.0.2.1'));
    expect((await ask('info', `http://192.0.2.1:${pairingPort(running)}/zc`)).name).toBe('Cellar');
  });

  it('is found at its new address within 10 s', async () => {
    const running = await daemonOn(speaker, 'Porch');
    await eventually(() => avahi.browse(), (list) => list.some(({ name }) => name === 'Porch'));
    each.defer(() => speaker.ip('address add 192.0.2.1/24 dev lan0'));
    each.defer(() => speaker.ip('address del 192.0.2.77/24 dev lan0'));
    await speaker.ip('address del 192.0.2.1/24 dev lan0');
    await speaker.ip('address add 192.0.2.77/24 dev lan0');
    await eventually(() => avahi.browse(), (found) => found.some(({ address }) => address === '192.0.2.77') && found.every(({ name, address }) => name === 'Porch' && ['192.0.2.77', 'fd00:7::1'].includes(address)));
    expect((await ask('info', `http://192.0.2.77:${pairingPort(running)}/zc`)).name).toBe('Porch');
  });
});
