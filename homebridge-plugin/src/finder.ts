import { type Browser, Bonjour, type Service } from 'bonjour-service';
import { every, systemClock } from './foundation.ts';

/** A daemon as it announces itself by mDNS. */
export interface FoundDaemon {
  /** Stable name of the installation. */
  readonly instance: string;
  readonly name: string;
  readonly version: string;
  /** `http://192.0.2.1:8484` */
  readonly url: string;
}

export interface Finder extends Disposable {
  readonly found: ReadonlyMap<string, FoundDaemon>;
}

/**
 * How often it is asked anew, milliseconds: the first question may be lost, and the browser does not tell when a machine it knows
 * gets another address.
 */
const pause = 60_000;

/** Looks for daemons until disposed; `changed` is called for each that appears or moves. */
export function openFinder(changed: (daemon: FoundDaemon) => void): Finder {
  const found = new Map<string, FoundDaemon>();
  // Without a bind address of its own it would hear no queries on machines with one interface given.
  const bonjour = new Bonjour({ bind: '0.0.0.0' } as ConstructorParameters<typeof Bonjour>[0], () => undefined);
  const take = (service: Service) => {
    const daemon = readService(service);
    if (!daemon) return;
    found.set(daemon.instance, daemon);
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

/** Null for what is no daemon we can speak to. */
export function readService({ name, port, addresses = [], txt }: Pick<Service, 'name' | 'port' | 'addresses' | 'txt'>): FoundDaemon | null {
  const fields = (typeof txt === 'object' && txt !== null ? txt : {}) as Readonly<Record<string, unknown>>;
  const text = (key: string) => (typeof fields[key] === 'string' ? fields[key] : '');
  const instance = text('id');
  // A link-local IPv6 address leads nowhere without the name of an interface.
  const address = addresses.find((one) => one.includes('.')) ?? addresses.find((one) => one.includes(':') && !one.toLowerCase().startsWith('fe80'));
  if (instance === '' || address === undefined || port <= 0) return null;
  return { instance, name: text('name') || name, version: text('version'), url: `http://${address.includes(':') ? `[${address}]` : address}:${port}` };
}
