import { BlockList, isIP } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { readNetworkFacts, type NetworkFacts } from './network-facts.ts';

/** A network interface people's phones could be on, and what may be announced there: its own addresses and nobody else's. */
export interface Link {
  readonly name: string;
  /** The kernel's number for it; null when it is not known. */
  readonly index: number | null;
  readonly ipv4: readonly string[];
  /** Without scope. */
  readonly ipv6: readonly string[];
  /** Where multicast of IPv4 enters and leaves; null: nowhere. */
  readonly entry: string | null;
  /** Whether IPv6 is spoken, if only with an address that is not announced. */
  readonly hasIPv6: boolean;
  /** All its networks as `address/bits`, also of addresses that are not announced: who writes from there is on this link. */
  readonly networks: readonly string[];
  readonly isLoopback: boolean;
  /** Differs after the cable or the wireless network was gone, however short. */
  readonly carrier: number | null;
}

/** An interface and the networks on it. */
export type Networks = Pick<Link, 'name' | 'networks'>;

export interface SkippedLink extends Networks {
  /** For people. */
  readonly why: string;
}

/** Each entry: a name (`eth0`), a pattern of names (`en*`), an address, or a network (`192.168.1.0/24`). */
export interface LinkRules {
  /** Empty: all real ones. */
  readonly only: readonly string[];
  readonly except: readonly string[];
}

export interface Choice {
  readonly links: readonly Link[];
  readonly skipped: readonly SkippedLink[];
}

/** By name, because containers, virtual machines and tunnels are plain Ethernet to the kernel. `br-` and hex digits is how Docker names bridges. */
const virtual: readonly (readonly [RegExp, string])[] = [
  [/^(docker|br-[0-9a-f]{6}|veth|podman|cni|flannel|cali|cilium|weave|kube|nerdctl|lxc|lxdbr|incusbr|hassio|dummy|ifb)/, 'belongs to containers'],
  [/^(virbr|vnet\d|vboxnet|vmnet|tap)/, 'belongs to virtual machines'],
  [/^(tun|wg|tailscale|zt|wt\d|nebula|ppp|ipsec|nordlynx|proton|utun|gpd|sit|gre|gretap|ip6tnl|tunl|vti|awdl|llw)/, 'is a tunnel or VPN'],
];

/** The interfaces to announce on. What is asked for is taken, whatever it is; this is how loopback is chosen. */
export function chooseLinks(rules: LinkRules, { interfaces, facts, fleeting }: NetworkFacts = readNetworkFacts()): Choice {
  const links: Link[] = [];
  const skipped: SkippedLink[] = [];
  for (const [name, all = []] of Object.entries(interfaces)) {
    const why = whyNot(name, all, rules, facts.get(name)?.isTunnel ?? false);
    if (why !== null) {
      skipped.push({ name, why, networks: networksOf(all) });
      continue;
    }
    const byName = rules.only.length === 0 || rules.only.some((rule) => namesInterface(rule, name));
    const shown = all.filter((one) => (byName || rules.only.some((rule) => namesAddress(rule, one))) && !rules.except.some((rule) => namesAddress(rule, one)));
    const ipv4 = withoutSelfAssigned(shown.filter(({ family }) => family === 'IPv4').map(({ address }) => address), (address) => address.startsWith('169.254.'));
    const steady = shown.filter(({ family, address }) => family === 'IPv6' && !fleeting.has(address)).map(({ address }) => address);
    // A link-local address means something only together with an interface, which not every phone remembers.
    const ipv6 = withoutSelfAssigned(steady, (address) => address.startsWith('fe80:'), ipv4.length > 0);
    if (ipv4.length === 0 && ipv6.length === 0) {
      skipped.push({ name, why: 'has no address to announce', networks: networksOf(all) });
      continue;
    }
    const isLoopback = all.every(({ internal }) => internal);
    links.push({
      name,
      entry: ipv4[0] ?? all.find(({ family }) => family === 'IPv4')?.address ?? null,
      hasIPv6: isLoopback ? ipv6.length > 0 : all.some(({ family }) => family === 'IPv6'),
      index: facts.get(name)?.index ?? all.find(({ family, address }) => family === 'IPv6' && address.startsWith('fe80:'))?.scopeid ?? null,
      ipv4,
      ipv6: ipv6.slice(0, 4),
      networks: networksOf(all),
      isLoopback,
      carrier: facts.get(name)?.carrierChanges ?? null,
    });
  }
  return { links, skipped };
}

/** The link as somebody sees it who listens on `address` only; null when that is not of this link. */
export function narrowed(link: Link, address: string | undefined): Link | null {
  if (address === undefined) return link;
  const ipv4 = link.ipv4.filter((one) => one === address);
  const ipv6 = link.ipv6.filter((one) => one === address);
  return ipv4.length + ipv6.length > 0 ? { ...link, ipv4, ipv6, hasIPv6: link.hasIPv6 && (!link.isLoopback || ipv6.length > 0) } : null;
}

/** Tells whether a sender is on a link. Sockets hear all links at once, and Node does not say where a packet came in. */
export function neighbourTest(link: Link, all: readonly Networks[]): (address: string) => boolean {
  const near = blockList([link]);
  const far = blockList(all.filter(({ name }) => name !== link.name));
  return (sender) => {
    const [address = '', scope] = sender.split('%');
    if (scope !== undefined) return scope === link.name || scope === String(link.index);
    const family = familyOf(address);
    return near.check(address, family) || !far.check(address, family);
  };
}

function networksOf(all: readonly NetworkInterfaceInfo[]): readonly string[] {
  return all.map(({ cidr }) => cidr).filter((cidr) => cidr !== null);
}

/** Of something known to be an address: `isIP` compiles an expression of some milliseconds, at every start. */
function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

function blockList(links: readonly Networks[]): BlockList {
  const list = new BlockList();
  for (const [address = '', bits] of links.flatMap(({ networks }) => networks).map((network) => network.split('/'))) list.addSubnet(address, Number(bits), familyOf(address));
  return list;
}

function whyNot(name: string, all: readonly NetworkInterfaceInfo[], { only, except }: LinkRules, isTunnel: boolean): string | null {
  const isExcluded = (one: NetworkInterfaceInfo) => except.some((rule) => namesAddress(rule, one));
  // Who excludes a network means the interface, unless it has another one: the link-local address that every interface has does not count.
  const hasOther = all.some((one) => !isExcluded(one) && !/^(fe80:|169\.254\.)/.test(one.address));
  if (except.some((rule) => namesInterface(rule, name)) || (all.some(isExcluded) && !hasOther)) return 'is excluded by discovery.exclude';
  if (only.length > 0) return only.some((rule) => namesInterface(rule, name) || all.some((one) => namesAddress(rule, one))) ? null : 'is not among discovery.interfaces';
  if (all.length > 0 && all.every(({ internal }) => internal)) return 'is loopback';
  return virtual.find(([pattern]) => pattern.test(name))?.[1] ?? (isTunnel ? 'is a tunnel or VPN' : null);
}

function namesInterface(rule: string, name: string): boolean {
  if (!/[*?]/.test(rule)) return rule === name;
  const pattern = rule.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${pattern}$`).test(name);
}

function namesAddress(rule: string, { address, family }: NetworkInterfaceInfo): boolean {
  if (!/[.:]/.test(rule)) return false; // most rules are names
  const [base = '', bits] = rule.split('/');
  const version = isIP(base);
  if (version === 0 || `IPv${version}` !== family) return false;
  if (bits === undefined) return base === address;
  const list = new BlockList();
  try {
    list.addSubnet(base, Number(bits), version === 6 ? 'ipv6' : 'ipv4');
  } catch {
    return false;
  }
  return list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** A self-assigned address beside a real one only misleads. */
function withoutSelfAssigned(addresses: readonly string[], isSelfAssigned: (address: string) => boolean, hasOther = false): readonly string[] {
  const real = addresses.filter((address) => !isSelfAssigned(address));
  return real.length > 0 || hasOther ? real : addresses;
}
