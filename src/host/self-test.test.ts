import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Condition } from '#core';
import { type Clock, silentLog, systemClock } from '#foundation';
import { HealthBoard } from './health.ts';
import type { Link } from './links.ts';
import { LinkResponder } from './mdns/link-responder.ts';
import { NameClaim } from './mdns/name-claim.ts';
import type { NetworkView, Place } from './presence.ts';
import { SelfTest } from './self-test.ts';

const loopback: Link = { name: 'lo', index: 1, ipv4: ['127.0.0.1'], ipv6: [], entry: '127.0.0.1', hasIPv6: false, networks: ['127.0.0.1/8'], isLoopback: true, carrier: 0 };
/** Real sockets, and time that runs a hundred times as fast; answers come back within a moment of it. */
const fast: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() * 100, timer: (delay, run) => systemClock.timer(delay / 100, run) };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function open({ links = [loopback], proof, more = {} }: { links?: Link[]; proof?: Place['presence']['announcement']['proof']; more?: Partial<NetworkView> } = {}) {
  const type = `tonearm-${randomBytes(4).toString('hex')}`;
  const announcement = { name: 'Kitchen', type, port: 4711, txt: { CPath: '/zc' }, proof };
  const service = { label: 'Kitchen', type, port: 4711, txt: announcement.txt };
  const claim = new NameClaim({ name: 'Kitchen', type, instance: 'aaaaaaaa', now: () => 0 });
  const places = links.map((link): Place => ({ link, presence: { id: 1, announcement, claim, service, told: '' } }));
  const warn = vi.fn();
  const info = vi.fn();
  const health = new HealthBoard({ ...silentLog, warn, info });
  const seen: (string | null)[] = [];
  health.events.on('changed', ({ code }: Condition) => {
    if (code !== seen.at(-1)) seen.push(code);
  });
  const onDeaf = vi.fn();
  const view: NetworkView = { links, skipped: [], gateways: '', addresses: ['127.0.0.1'], isBehindContainerBridge: false, ...more };
  const test = new SelfTest({ clock: fast, log: silentLog, health, places: () => places, view: () => view, responder: () => 'Tonearm', onDeaf });
  closing.push(() => test[Symbol.dispose]());
  test.changed();
  const respond = async (host = 'tonearm-aaaaaaaa.local', what = service) => {
    const responder = await LinkResponder.open({ link: loopback, all: [loopback], host, clock: systemClock, log: silentLog, random: () => 0, onMessage: () => true, onBroken: () => undefined });
    closing.push(() => responder[Symbol.asyncDispose]());
    responder.announce(what);
  };
  const reaches = (code: string | null) => vi.waitFor(() => expect(health.conditions[0]?.code).toBe(code), { timeout: 20_000, interval: 20 });
  return { health, seen, onDeaf, respond, reaches, service, warn, info };
}

describe('the self-test of discovery', () => {
  it('finds that nobody hears us, asks for a new socket, and finds that all is well again: one line each', async () => {
    const { reaches, respond, onDeaf, warn, info, health, seen } = open();
    await reaches('host/not-found');
    expect(onDeaf).toHaveBeenCalledWith(loopback);
    expect(health.conditions[0]?.details).toEqual({ links: [{ name: 'lo', addresses: ['127.0.0.1'], responder: 'Tonearm', found: false }], duplicates: [] });
    await respond();
    await reaches(null);
    await vi.waitFor(() => expect(health.conditions[0]?.details).toMatchObject({ links: [{ found: true }] }));
    expect(seen).toEqual([null, 'host/not-found', null]);
    expect([warn.mock.calls.length, info.mock.calls.length]).toEqual([1, 1]);
    expect(warn.mock.calls[0]?.[0]).toContain('let UDP port 5353 in');
  });

  it('greets us, and says when nobody answers at the pairing port', async () => {
    let answer: string | null = null;
    const urls: string[] = [];
    const ask = async (url: string) => {
      urls.push(url);
      return answer;
    };
    const { reaches, respond } = open({ proof: { id: 'me', ask } });
    await respond();
    await reaches('host/pairing-silent');
    expect(new Set(urls)).toEqual(new Set(['http://127.0.0.1:4711/zc']));
    answer = 'me';
    await reaches(null);
  });

  it('tells of another with our device id, and when it is gone', async () => {
    let other: string | null = 'me';
    const { reaches, respond, service, health } = open({ proof: { id: 'me', ask: async (url) => (url === 'http://127.0.0.1:4711/zc' ? 'me' : other) } });
    await respond();
    await respond('tonearm-bbbbbbbb.local', { ...service, label: 'Copy', port: 4712 });
    await reaches('host/duplicate-identity');
    expect(health.conditions[0]).toMatchObject({ message: expect.stringContaining('“Copy” at http://127.0.0.1:4712/zc'), details: { duplicates: [{ name: 'Copy', url: 'http://127.0.0.1:4712/zc' }] } });
    other = 'somebody else';
    await reaches(null);
  });

  it('says that there is no network, without waiting', () => {
    const { health } = open({ links: [] });
    expect(health.conditions[0]?.code).toBe('host/no-network');
  });

  it('recognises a container that no multicast reaches, unless somebody else is seen', async () => {
    const { reaches, respond } = open({ more: { isBehindContainerBridge: true } });
    await respond();
    await reaches('host/container-bridge');
  });
});
