import { isIP } from 'node:net';
import type { Clock, Log } from '#foundation';
import { Announcer } from './announcer.ts';
import { isBehindContainerBridge } from './container.ts';
import type { HealthBoard } from './health.ts';
import { chooseLinks, type LinkRules } from './links.ts';
import { readNetworkFacts } from './network-facts.ts';
import type { NetworkView } from './presence.ts';

/** Where on the network to be visible, and how. */
export interface DiscoverySettings {
  /** Interfaces to announce on, by name, pattern, address or network; empty for all real ones. */
  readonly interfaces: readonly string[];
  /** Interfaces never to announce on, in the same words. */
  readonly exclude?: readonly string[];
  /** What services listen on: when it is one address, its interface is the one to announce on. */
  readonly address?: string;
  /** `auto`: through Avahi while it runs on this machine. */
  readonly responder?: 'auto' | 'own';
}

export interface SystemAnnouncerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly health: HealthBoard;
  readonly instance: string;
  readonly settings: DiscoverySettings;
}

/** The announcer on this machine's network. */
export function systemAnnouncer({ settings, ...options }: SystemAnnouncerOptions): Announcer {
  const { interfaces, exclude = [], address, responder = 'auto' } = settings;
  const bound = address !== undefined && isIP(address) !== 0 && !isWildcard(address) ? [address] : [];
  const rules: LinkRules = { only: interfaces.length > 0 ? interfaces : bound, except: exclude };
  return new Announcer({ ...options, responder, look: () => viewNetwork(rules) });
}

function viewNetwork(rules: LinkRules): NetworkView {
  const facts = readNetworkFacts();
  const { links, skipped } = chooseLinks(rules, facts);
  const addresses = Object.values(facts.interfaces).flatMap((all = []) => all.map((one) => one.address));
  return { links, skipped, gateways: facts.gateways, addresses, isBehindContainerBridge: isBehindContainerBridge(facts) };
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
