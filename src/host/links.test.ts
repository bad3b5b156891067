import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { chooseLinks } from './links.ts';

const info = (address: string, internal = false): NetworkInterfaceInfo =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4', mac: '02:00:00:00:00:01', netmask: '', cidr: null, ...(address.includes(':') ? { scopeid: 0 } : {}) }) as NetworkInterfaceInfo;

const machine = {
  lo: [info('127.0.0.1', true), info('::1', true)],
  eth0: [info('192.0.2.2'), info('fd00::2'), info('fe80::1')],
  wlan0: [info('198.51.100.7')],
  docker0: [info('172.17.0.1')],
  'br-0a1b2c3d4e5f': [info('172.18.0.1')],
  br0: [info('203.0.113.5')],
  vethabc: [info('169.254.3.4')],
  virbr0: [info('192.168.122.1')],
  wg0: [info('10.8.0.2')],
  tun0: [info('10.9.0.2')],
  tailscale0: [info('100.64.0.1')],
  hassio: [info('172.30.32.1')],
  usb0: [info('169.254.9.9')],
  empty: [],
};
const names = (wanted: string[]) => chooseLinks(wanted, machine).map(({ name }) => name);

describe('which networks Tonearm is visible on', () => {
  it('takes real interfaces only, a real bridge among them', () => {
    expect(names([])).toEqual(['eth0', 'wlan0', 'br0', 'usb0']);
  });

  it('takes what is asked for, whatever it is', () => {
    expect(names(['lo'])).toEqual(['lo']);
    expect(names(['127.0.0.1'])).toEqual(['lo']);
    expect(names(['docker0', '198.51.100.7'])).toEqual(['wlan0', 'docker0']);
    expect(names(['nothing'])).toEqual([]);
  });

  it('names only the IPv4 addresses of its own link', () => {
    expect(chooseLinks(['eth0'], machine)).toEqual([{ name: 'eth0', address: '192.0.2.2', ipv4: ['192.0.2.2'] }]);
  });

  it('prefers a real address to a self-assigned one', () => {
    const [link] = chooseLinks([], { eth0: [info('169.254.1.1'), info('192.0.2.9')] });
    expect(link).toMatchObject({ address: '192.0.2.9', ipv4: ['192.0.2.9'] });
  });
});
