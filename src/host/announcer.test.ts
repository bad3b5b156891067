import { randomBytes } from 'node:crypto';
import { Bonjour, type Service } from 'bonjour-service';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Clock, FakeClock, silentLog, systemClock } from '#foundation';
import { Announcer } from './announcer.ts';
import { HealthBoard } from './health.ts';
import type { Link } from './links.ts';
import type { NetworkView } from './presence.ts';

const loopback: Link = { name: 'lo', index: 1, ipv4: ['127.0.0.1'], ipv6: [], entry: '127.0.0.1', hasIPv6: false, networks: ['127.0.0.1/8'], isLoopback: true, carrier: 0 };
const viewOf = (links: readonly Link[], more: Partial<NetworkView> = {}): NetworkView => ({ links, skipped: [], gateways: '', addresses: ['127.0.0.1', '::1'], isBehindContainerBridge: false, ...more });
const unique = () => randomBytes(4).toString('hex');
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function listen(type: string) {
  const options: object = { interface: '127.0.0.1', bind: '0.0.0.0' };
  const bonjour = new Bonjour(options);
  closing.push(() => new Promise<void>((done) => bonjour.destroy(() => done())));
  const up: Service[] = [];
  const down: Service[] = [];
  const browser = bonjour.find({ type });
  browser.on('up', (service: Service) => void up.push(service));
  browser.on('down', (service: Service) => void down.push(service));
  return { up, down, browser };
}

function announcerWith(instance: string, look: () => NetworkView = () => viewOf([loopback]), clock: Clock = systemClock) {
  const warn = vi.fn();
  const log = { ...silentLog, warn };
  const health = new HealthBoard(log);
  return { warn, health, announcer: new Announcer({ clock, log, health, instance, look, responder: 'own' }) };
}

describe('mDNS on loopback', () => {
  it('is found with its own host name, its addresses and TXT, and withdrawn at the end', async () => {
    const type = `tonearm-${unique()}`;
    const { up, down } = listen(type);
    const instance = unique();
    const { announcer } = announcerWith(instance);
    const handle = await announcer.announce({ name: 'Küche 1.5', type, port: 4711, txt: { VERSION: '1.0', CPath: '/' } });
    await vi.waitFor(() => expect(up).toHaveLength(1), { timeout: 5000 });
    expect(up[0]).toMatchObject({ name: 'Küche 1-5', port: 4711, host: `tonearm-${instance}.local`, addresses: ['127.0.0.1'] });
    expect(up[0]?.txt).toEqual({ VERSION: '1.0', CPath: '/' });
    await handle[Symbol.asyncDispose]();
    await handle[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(down).toHaveLength(1), { timeout: 5000 });
  });

  it('answers a browser that comes later', async () => {
    const type = `tonearm-${unique()}`;
    const { announcer } = announcerWith(unique());
    const handle = await announcer.announce({ name: 'Late', type, port: 4712, txt: {} });
    closing.push(() => handle[Symbol.asyncDispose]());
    const { up } = listen(type);
    await vi.waitFor(() => expect(up[0]).toMatchObject({ port: 4712, addresses: ['127.0.0.1'] }), { timeout: 5000 });
  });

  it('keeps the other zone when one is withdrawn', async () => {
    const type = `tonearm-${unique()}`;
    const { announcer } = announcerWith(unique());
    const one = await announcer.announce({ name: 'One', type, port: 1001, txt: {} });
    const two = await announcer.announce({ name: 'Two', type, port: 1002, txt: {} });
    closing.push(() => two[Symbol.asyncDispose]());
    await one[Symbol.asyncDispose]();
    const { up } = listen(type);
    await vi.waitFor(() => expect(up.map(({ name }) => name)).toContain('Two'), { timeout: 5000 });
    expect(up.map(({ name }) => name)).not.toContain('One');
  });

  it('gives way to the device that had the name first, without taking it off the air', async () => {
    const type = `tonearm-${unique()}`;
    const clock = new FakeClock();
    const first = announcerWith('aaaaaaaa', () => viewOf([loopback]), clock);
    const second = announcerWith('bbbbbbbb');
    const { up, down } = listen(type);
    const one = await first.announcer.announce({ name: 'Kitchen', type, port: 2001, txt: {} });
    closing.push(() => one[Symbol.asyncDispose]());
    await vi.waitFor(() => expect(up).toHaveLength(1), { timeout: 5000 });
    await clock.advance(2000);
    const two = await second.announcer.announce({ name: 'Kitchen', type, port: 2002, txt: {} });
    closing.push(() => two[Symbol.asyncDispose]());
    await vi.waitFor(() => expect(up.find(({ name }) => name === 'Kitchen (bbbb)')).toMatchObject({ port: 2002 }), { timeout: 5000 });
    expect(up.some(({ name }) => name === 'Kitchen (aaaa)')).toBe(false);
    expect(down).toHaveLength(0);
    expect(first.warn).not.toHaveBeenCalled();
    expect(second.warn).toHaveBeenCalledOnce();
  });

  it.each([0, 1, 5, 20, 100, 300])('lets one of two that come together keep the name; %i ms apart', async (apart) => {
    const type = `tonearm-${unique()}`;
    const { up } = listen(type);
    const one = announcerWith('aaaaaaaa');
    const two = announcerWith('bbbbbbbb');
    const opening = [one.announcer.announce({ name: 'Twin', type, port: 5001, txt: {} })];
    await new Promise((resolve) => setTimeout(resolve, apart));
    opening.push(two.announcer.announce({ name: 'Twin', type, port: 5002, txt: {} }));
    for (const handle of await Promise.all(opening)) closing.push(() => handle[Symbol.asyncDispose]());
    await vi.waitFor(() => expect(up.map(({ name }) => name).sort()).toEqual(['Twin', 'Twin (aaaa)']), { timeout: 5000 });
    expect([one.warn.mock.calls.length, two.warn.mock.calls.length]).toEqual([1, 0]);
  });

  it('follows the network: away without one, there when it comes', async () => {
    const type = `tonearm-${unique()}`;
    const clock = new FakeClock();
    let links: Link[] = [];
    const { announcer, warn } = announcerWith(unique(), () => viewOf(links), clock);
    const handle = await announcer.announce({ name: 'Later', type, port: 3001, txt: {} });
    closing.push(() => handle[Symbol.asyncDispose]());
    expect(warn).toHaveBeenCalledOnce();
    const { up, browser } = listen(type);
    links = [loopback];
    await clock.advance(3000);
    await vi.waitFor(
      () => {
        browser.update();
        expect(up[0]).toMatchObject({ name: 'Later', port: 3001 });
      },
      { timeout: 5000 },
    );
    await handle[Symbol.asyncDispose]();
    expect(clock.pending).toBe(0);
  });

  it('is tested, too, when it takes the place of the last one', async () => {
    const clock = new FakeClock();
    let links: Link[] = [];
    const { announcer, health } = announcerWith(unique(), () => viewOf(links), clock);
    const service = { name: 'Place', type: `tonearm-${unique()}`, port: 3004, txt: {} };
    const one = await announcer.announce(service);
    const [two] = await Promise.all([one[Symbol.asyncDispose]().then(() => announcer.announce(service)), one[Symbol.asyncDispose]()]);
    const [three] = await Promise.all([announcer.announce(service), two[Symbol.asyncDispose]()]);
    const leaving = three[Symbol.asyncDispose]();
    const four = await announcer.announce(service);
    closing.push(() => four[Symbol.asyncDispose]());
    await leaving;
    expect(health.conditions[0]?.code).toBe('host/no-network');
    links = [loopback];
    await clock.advance(3000);
    await vi.waitFor(() => expect(health.conditions[0]?.code).toBeNull());
  });

  it.each<[string, (world: { clock: FakeClock; set: (view: NetworkView) => void }) => void]>([
    ['the cable was out for a moment', ({ set }) => set(viewOf([{ ...loopback, carrier: 2 }]))],
    ['another router took over', ({ set }) => set(viewOf([loopback], { gateways: 'eth0 0 FE0200C0' }))],
    ['the machine was asleep', ({ clock }) => clock.jump(3_600_000)],
  ])('announces anew when %s', async (_what, change) => {
    const type = `tonearm-${unique()}`;
    const clock = new FakeClock();
    let view = viewOf([loopback]);
    const { announcer } = announcerWith(unique(), () => view, clock);
    const { up, browser } = listen(type);
    const handle = await announcer.announce({ name: 'Again', type, port: 3003, txt: {} });
    closing.push(() => handle[Symbol.asyncDispose]());
    await vi.waitFor(() => expect(up).toHaveLength(1), { timeout: 5000 });
    // Nothing is due for a minute, so what is heard now comes from the change.
    await clock.advance(3500);
    const { mdns } = browser as unknown as { mdns: { on(name: 'response', listener: (packet: { answers: { type: string; name: string }[] }) => void): void } };
    const told = vi.fn();
    mdns.on('response', ({ answers }) => {
      if (answers.some(({ type: kind, name }) => kind === 'PTR' && name.includes(type))) told();
    });
    await clock.advance(2500);
    expect(told).not.toHaveBeenCalled();
    change({ clock, set: (next) => (view = next) });
    await clock.advance(2000);
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), { timeout: 5000 });
  });

  it('announces what listens on one address only where that is, and two of one name under two', async () => {
    const type = `tonearm-${unique()}`;
    const { up } = listen(type);
    const { announcer, health } = announcerWith('aaaaaaaa', () => viewOf([{ ...loopback, ipv4: ['127.0.0.1', '127.0.0.2'] }]));
    for (const [port, address] of [[6001, '127.0.0.2'], [6002, '192.0.2.99'], [6003, undefined]] as const) {
      const handle = await announcer.announce({ name: 'Same', type, port, txt: {}, address });
      closing.push(() => handle[Symbol.asyncDispose]());
    }
    await vi.waitFor(() => expect(up.map(({ name, port }) => [name, port])).toEqual(expect.arrayContaining([['Same', 6001], ['Same (aaaaaaaa)', 6003]])), { timeout: 5000 });
    expect(up.some(({ port }) => port === 6002)).toBe(false);
    expect(up.find(({ port }) => port === 6001)?.addresses).toEqual(['127.0.0.2']);
    expect(health.conditions[0]?.code).toBeNull();
  });

  it('cuts a long name between characters to 63 bytes', async () => {
    const type = `tonearm-${unique()}`;
    const { up } = listen(type);
    const { announcer } = announcerWith(unique());
    const handle = await announcer.announce({ name: '🎵'.repeat(40), type, port: 3002, txt: {} });
    closing.push(() => handle[Symbol.asyncDispose]());
    await vi.waitFor(() => expect(up[0]?.name).toBe('🎵'.repeat(15)), { timeout: 5000 });
  });
});
