import { readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { textOfIPv6 } from './ipv6.ts';

/** What the kernel tells about an interface beyond its addresses. Null: it does not say (another system, `/sys` not mounted). */
export interface InterfaceFacts {
  readonly index: number | null;
  /** Counts how often the cable or the wireless network came and went, also when it was for a moment. */
  readonly carrierChanges: number | null;
  /** No Ethernet behind it: a tunnel or a dialled line. */
  readonly isTunnel: boolean;
  /** Kind of device as the kernel names it (`bridge`, `wlan`, `macvlan`); empty for plain Ethernet. */
  readonly kind: string;
  /** The index of what it is a part of; differs from `index` for one end of a pair. */
  readonly below: number | null;
}

/** The network as it is at one moment. */
export interface NetworkFacts {
  readonly interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>;
  readonly facts: ReadonlyMap<string, InterfaceFacts>;
  /** IPv6 addresses nobody should be sent to: temporary, being checked, or about to end. */
  readonly fleeting: ReadonlySet<string>;
  /** The default routes, in the kernel's words: they differ after another router has taken over. */
  readonly gateways: string;
}

/** Device types of `linux/if_arp.h` without Ethernet: PPP, IP in IP, IPv6 tunnels, SIT, GRE, and none at all (WireGuard, tun). */
const tunnels: ReadonlySet<number> = new Set([512, 768, 769, 776, 778, 823, 65_534]);
/** `linux/if_addr.h`: temporary, failed, deprecated, tentative. */
const fleetingFlags = 0x01 | 0x08 | 0x20 | 0x40;

export function readNetworkFacts(): NetworkFacts {
  return { interfaces: networkInterfaces(), facts: readInterfaces(), fleeting: fleetingAddresses(), gateways: defaultRoutes() };
}

function readInterfaces(): Map<string, InterfaceFacts> {
  const found = new Map<string, InterfaceFacts>();
  const folder = '/sys/class/net';
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return found;
  }
  for (const name of names) {
    const number = (file: string) => {
      const text = read(`${folder}/${name}/${file}`);
      return /^-?\d+\s*$/.test(text) ? Number(text) : null;
    };
    found.set(name, {
      index: number('ifindex'),
      carrierChanges: number('carrier_changes'),
      isTunnel: tunnels.has(number('type') ?? -1),
      kind: /^DEVTYPE=(.*)$/m.exec(read(`${folder}/${name}/uevent`))?.[1] ?? '',
      below: number('iflink'),
    });
  }
  return found;
}

function fleetingAddresses(): Set<string> {
  const found = new Set<string>();
  for (const line of read('/proc/net/if_inet6').split('\n')) {
    const [address = '', , , , flags = '0'] = line.trim().split(/\s+/);
    if (address.length === 32 && (parseInt(flags, 16) & fleetingFlags) !== 0) found.add(textOfIPv6(Buffer.from(address, 'hex')));
  }
  return found;
}

function defaultRoutes(): string {
  return read('/proc/net/route')
    .split('\n')
    .map((line) => line.split('\t').slice(0, 3))
    .filter(([, destination]) => destination === '00000000')
    .map((fields) => fields.join(' '))
    .sort()
    .join('\n');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
