import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { chooseLinks, narrowed, neighbourTest, type LinkRules } from './links.ts';
import type { InterfaceFacts, NetworkFacts } from './network-facts.ts';

const info = (address: string, internal = false): NetworkInterfaceInfo => {
  const isIPv6 = address.includes(':');
  return { address, internal, family: isIPv6 ? 'IPv6' : 'IPv4', mac: '02:00:00:00:00:01', netmask: '', cidr: `${address}/${address === '::1' ? 128 : isIPv6 ? 64 : 24}`, ...(isIPv6 ? { scopeid: 0 } : {}) } as NetworkInterfaceInfo;
};
const fact: InterfaceFacts = { index: 2, carrierChanges: 1, isTunnel: false, kind: '', below: 2 };

const machine: NetworkFacts = {
  interfaces: {
    lo: [info('127.0.0.1', true), info('::1', true)],
    eth0: [info('192.0.2.2'), info('fd00::2'), info('fd00::dead'), info('fe80::1')],
    wlan0: [info('198.51.100.7')],
    docker0: [info('172.17.0.1')],
    'br-0a1b2c3d4e5f': [info('172.18.0.1')],
    br0: [info('203.0.113.5')],
    vethabc: [info('169.254.3.4')],
    virbr0: [info('192.168.122.1')],
    wg0: [info('10.8.0.2')],
    tun0: [info('10.9.0.2')],
    office: [info('10.10.0.2')],
    tailscale0: [info('100.64.0.1')],
    hassio: [info('172.30.32.1')],
    usb0: [info('169.254.9.9')],
    six0: [info('fe80::6')],
    empty: [],
  },
  facts: new Map([['eth0', fact], ['office', { ...fact, isTunnel: true }]]),
  fleeting: new Set(['fd00::dead']),
  gateways: '',
};
const choose = (rules: Partial<LinkRules>, facts = machine) => chooseLinks({ only: [], except: [], ...rules }, facts);
const names = (rules: Partial<LinkRules>) => choose(rules).links.map(({ name }) => name);

describe('which networks Tonearm is visible on', () => {
  it('takes real interfaces only, a real bridge among them, and says why not the others', () => {
    expect(names({})).toEqual(['eth0', 'wlan0', 'br0', 'usb0', 'six0']);
    expect(Object.fromEntries(choose({}).skipped.map(({ name, why }) => [name, why]))).toEqual({
      lo: 'is loopback',
      docker0: 'belongs to containers',
      'br-0a1b2c3d4e5f': 'belongs to containers',
      vethabc: 'belongs to containers',
      virbr0: 'belongs to virtual machines',
      wg0: 'is a tunnel or VPN',
      tun0: 'is a tunnel or VPN',
      office: 'is a tunnel or VPN',
      tailscale0: 'is a tunnel or VPN',
      hassio: 'belongs to containers',
      empty: 'has no address to announce',
    });
  });

  it.each<[LinkRules['only'], string[]]>([
    [['lo'], ['lo']],
    [['127.0.0.1'], ['lo']],
    [['docker0', '198.51.100.7'], ['wlan0', 'docker0']],
    [['w*'], ['wlan0', 'wg0']],
    [['?lan0'], ['wlan0']],
    [['198.51.100.0/24'], ['wlan0']],
    [['fd00::/16'], ['eth0']],
    [['nothing'], []],
    [['300.0.0.1/99'], []],
  ])('takes what is asked for, whatever it is: %j', (only, expected) => {
    expect(names({ only })).toEqual(expected);
  });

  it.each<[LinkRules['except'], string[]]>([
    [['eth0'], ['wlan0', 'br0', 'usb0', 'six0']],
    [['*0'], []],
    [['198.51.100.7', '203.0.113.0/24'], ['eth0', 'usb0', 'six0']],
    [['192.0.2.0/24'], ['eth0', 'wlan0', 'br0', 'usb0', 'six0']],
    [['192.0.2.0/24', 'fd00::/8'], ['wlan0', 'br0', 'usb0', 'six0']],
  ])('leaves out what is excluded: %j', (except, expected) => {
    expect(names({ except })).toEqual(expected);
  });

  it('announces the steady addresses of the link itself', () => {
    expect(choose({ only: ['eth0'] }).links).toEqual([
      { name: 'eth0', index: 2, ipv4: ['192.0.2.2'], ipv6: ['fd00::2'], entry: '192.0.2.2', hasIPv6: true, networks: ['192.0.2.2/24', 'fd00::2/64', 'fd00::dead/64', 'fe80::1/64'], isLoopback: false, carrier: 1 },
    ]);
    expect(choose({ only: ['192.0.2.2'] }).links[0]).toMatchObject({ ipv4: ['192.0.2.2'], ipv6: [] });
    expect(choose({ only: ['eth0'], except: ['fd00::/8'] }).links[0]).toMatchObject({ ipv4: ['192.0.2.2'], ipv6: [] });
    expect(choose({ only: ['six0'] }).links[0]).toMatchObject({ ipv4: [], ipv6: ['fe80::6'] });
  });

  it('prefers a real address to a self-assigned one', () => {
    const { links } = choose({}, { ...machine, interfaces: { eth0: [info('169.254.1.1'), info('192.0.2.9')] } });
    expect(links[0]).toMatchObject({ ipv4: ['192.0.2.9'] });
  });

  it('shows a service that listens on one address with that one only', () => {
    const [link] = choose({ only: ['eth0'] }).links;
    if (!link) throw new Error('There is no link.');
    expect(narrowed(link, undefined)).toBe(link);
    expect(narrowed(link, 'fd00::2')).toMatchObject({ ipv4: [], ipv6: ['fd00::2'], entry: '192.0.2.2' });
    expect(narrowed(link, '198.51.100.7')).toBeNull();
  });

  it('knows neighbours from those on other links', () => {
    const { links, skipped } = choose({});
    const eth0 = links.find(({ name }) => name === 'eth0');
    if (!eth0) throw new Error('There is no link.');
    const isNeighbour = neighbourTest(eth0, [...links, ...skipped]);
    expect(['192.0.2.200', 'fd00::77', 'fe80::9%eth0', 'fe80::9%2', '10.99.0.1'].map(isNeighbour)).toEqual([true, true, true, true, true]);
    expect(['198.51.100.200', '203.0.113.9', 'fe80::9%wlan0', '172.17.0.9'].map(isNeighbour)).toEqual([false, false, false, false]);
  });
});
