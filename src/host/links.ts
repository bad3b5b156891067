import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** A network interface people's phones could be on. */
export interface Link {
  readonly name: string;
  /** Where multicast enters and leaves. */
  readonly address: string;
  /** What may be announced on it: its own addresses and nobody else's. Not those of IPv6, on which no phone could pair: the port listens on IPv4 only. */
  readonly ipv4: readonly string[];
}

/** Bridges and pairs of containers and virtual machines, tunnels, and other interfaces no phone is behind. */
const virtual = /^(docker|br-[0-9a-f]{6}|veth|virbr|vboxnet|vmnet|lxc|lxdbr|podman|cni|flannel|cali|kube|nerdctl|hassio|tun|tap|wg|tailscale|zt|ppp|ipsec|nordlynx|proton|utun|gpd|awdl|llw|ifb|dummy|sit|gre)/;

/**
 * The interfaces to announce on. With `wanted` empty: all real ones. Otherwise those named by name or by address, whatever they are;
 * this is how loopback is chosen.
 */
export function chooseLinks(wanted: readonly string[], interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces()): Link[] {
  const links: Link[] = [];
  for (const [name, addresses = []] of Object.entries(interfaces)) {
    const ipv4 = addresses.filter(({ family }) => family === 'IPv4');
    const asked = wanted.includes(name) || addresses.some(({ address }) => wanted.includes(address));
    if (wanted.length > 0 ? !asked : virtual.test(name) || ipv4.every(({ internal }) => internal)) continue;
    // When one address of several was asked for, the others stay unsaid.
    const shown = ipv4.filter(({ address }) => wanted.length === 0 || wanted.includes(name) || wanted.includes(address));
    // A self-assigned address beside a real one only misleads.
    const real = shown.filter(({ address }) => !address.startsWith('169.254.'));
    const used = real.length > 0 ? real : shown;
    const [first] = used;
    if (!first) continue;
    links.push({
      name,
      address: first.address,
      ipv4: used.map(({ address }) => address),
    });
  }
  return links;
}
