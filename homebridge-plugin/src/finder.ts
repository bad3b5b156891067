import { type Browser, Bonjour, type Service } from 'bonjour-service';
import { every, systemClock } from './foundation.ts';

/** A daemon as it announces itself by mDNS. */
export interface FoundDaemon {
  /** Stable name of the installation. */
  readonly instance: string;
  readonly name: string;
  readonly version: string;
  /** `http://192.0.2.1:8484`: every address it has, the newest first. Not each of them leads there from here. */
  readonly urls: readonly string[];
}

export interface Finder extends Disposable {
  readonly found: ReadonlyMap<string, FoundDaemon>;
}

/**
 * How often it is asked anew, milliseconds: the first question may be lost, and the browser does not tell when a machine it knows
 * gets another address.
 */
const pause = 60_000;

/** So many addresses of one are remembered; no more than half of them from one announcement, so that it does not push all others out. */
const mostUrls = 12;

/** Looks for daemons until disposed; `changed` is called for each that appears or moves. */
export function openFinder(changed: (daemon: FoundDaemon) => void): Finder {
  const found = new Map<string, FoundDaemon>();
  // Without a bind address of its own it would hear no queries on machines with one interface given.
  const bonjour = new Bonjour({ bind: '0.0.0.0' } as ConstructorParameters<typeof Bonjour>[0], () => undefined);
  const take = (service: Service) => {
    const daemon = readService(service);
    if (!daemon) return;
    found.set(daemon.instance, { ...daemon, urls: remembered(daemon.urls, found.get(daemon.instance)?.urls ?? []) });
    changed(daemon);
  };
  const look = (): Browser => {
    const asking = bonjour.find({ type: 'tonearm' });
    asking.on('up', take);
    asking.on('txt-update', take);
    asking.on('srv-update', take);
    return asking;
  };
  let browser = look();
  const again = every(systemClock, pause, () => {
    browser.stop();
    browser = look();
  });
  return {
    found,
    [Symbol.dispose]() {
      again[Symbol.dispose]();
      browser.stop();
      bonjour.destroy();
    },
  };
}

/** Anybody can announce a name, so what was known before stays a way to try. */
export function remembered(urls: readonly string[], before: readonly string[]): readonly string[] {
  return [...new Set([...urls.slice(0, mostUrls / 2), ...before])].slice(0, mostUrls);
}

/** Null for what is no daemon we can speak to. */
export function readService({ name, port, addresses = [], txt }: Pick<Service, 'name' | 'port' | 'addresses' | 'txt'>): FoundDaemon | null {
  const fields = (typeof txt === 'object' && txt !== null ? txt : {}) as Readonly<Record<string, unknown>>;
  const text = (key: string) => (typeof fields[key] === 'string' ? fields[key] : '');
  const instance = text('id');
  const isIpv4 = (address: string) => address.includes('.');
  // A link-local IPv6 address leads nowhere without the name of an interface.
  const usable = addresses.filter((address) => isIpv4(address) || (address.includes(':') && !address.toLowerCase().startsWith('fe80')));
  if (instance === '' || usable.length === 0 || port <= 0) return null;
  const urls = usable.sort((a, b) => Number(isIpv4(b)) - Number(isIpv4(a))).map((address) => `http://${isIpv4(address) ? address : `[${address}]`}:${port}`);
  return { instance, name: text('name') || name, version: text('version'), urls };
}
