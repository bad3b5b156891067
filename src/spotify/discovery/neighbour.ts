import { BlockList, isIPv6 } from 'node:net';

/** The IPv4 address that an IPv6 socket shows as `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/**
 * Whether somebody connects from the local network. With IPv6 every machine has an address the whole world can reach, and not every
 * router keeps strangers out; the pairing port is for those at home. IPv4 is not judged: there the router's translation does it.
 */
export function isNear(remote: string, local: string): boolean {
  const from = plainAddress(remote).split('%')[0] ?? '';
  if (!isIPv6(from)) return true;
  const near = new BlockList();
  near.addAddress('::1', 'ipv6');
  near.addSubnet('fe80::', 10, 'ipv6');
  near.addSubnet('fc00::', 7, 'ipv6');
  const own = local.split('%')[0] ?? '';
  if (isIPv6(own)) near.addSubnet(own, 64, 'ipv6');
  return near.check(from, 'ipv6');
}
