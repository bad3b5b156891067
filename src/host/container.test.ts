import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isBehindContainerBridge } from './container.ts';
import type { InterfaceFacts } from './network-facts.ts';

const info = (address: string, internal = false) => ({ address, internal, family: 'IPv4', mac: '', netmask: '', cidr: null }) as NetworkInterfaceInfo;
const pair: InterfaceFacts = { index: 2, carrierChanges: 1, isTunnel: false, kind: '', below: 17 };
const lo = [info('127.0.0.1', true)];
const eth0 = [info('172.17.0.2')];
const view = (facts: Partial<InterfaceFacts>, interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = { lo, eth0 }) => ({ interfaces, facts: new Map([['eth0', { ...pair, ...facts }]]), fleeting: new Set<string>(), gateways: '' });

describe('a container behind a bridge', () => {
  it.each([
    ['Docker’s usual network', view({}), true, true],
    ['the same outside of a container', view({}), false, false],
    ['an address of its own by macvlan', view({ kind: 'macvlan' }), true, false],
    ['by ipvlan', view({ kind: 'ipvlan' }), true, false],
    ['the network of the machine', view({ below: 2 }), true, false],
    ['two networks, one of them real', view({}, { lo, eth0, enp3s0: [info('192.0.2.2')] }), true, false],
    ['no network at all', view({}, { lo }), true, false],
    ['nothing known about the interface', { ...view({}), facts: new Map() }, true, false],
  ])('%s', (_what, facts, isContainer, expected) => {
    expect(isBehindContainerBridge(facts, isContainer)).toBe(expected);
  });
});
