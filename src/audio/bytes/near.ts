import { BlockList, isIP } from 'node:net';

const near = new BlockList();
for (const [net, prefix] of [['127.0.0.0', 8], ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['169.254.0.0', 16]] as const) near.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [['::1', 128], ['fc00::', 7], ['fe80::', 10]] as const) near.addSubnet(net, prefix, 'ipv6');

/** Whether the host of a web address is in the same house, as far as its name or address tells. */
export function isNear(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const family = isIP(name);
  if (family !== 0) return near.check(name, family === 4 ? 'ipv4' : 'ipv6');
  return !name.includes('.') || /\.(local|lan|home|internal|localdomain|localhost|home\.arpa)$/.test(name);
}
