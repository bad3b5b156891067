import { existsSync } from 'node:fs';
import { Emitter, TonearmError, type Events, type Log } from '#foundation';
import type { DbusMessage } from './dbus-message.ts';
import { SystemBus, systemBusAddress, systemBusFile } from './system-bus.ts';
import type { Link } from '../links.ts';
import { typeName, type Service } from '../mdns/service-records.ts';

export interface AvahiEvents {
  /** It came, or went: what was published is gone then. */
  changed: { readonly isRunning: boolean };
  /** Somebody else on the network has one of the names of this entry. */
  collision: { readonly key: string };
  /** Avahi will not have an entry. */
  failed: { readonly key: string };
}

/** What one entry says on one link: a service, or the addresses of our host name. */
export type AvahiEntry = { readonly service: Service; readonly host: string } | { readonly addresses: readonly string[]; readonly host: string };

const name = 'org.freedesktop.Avahi';
const server = { destination: name, path: '/', interface: `${name}.Server` };
const serverRunning = 2;
const groupStates = { established: 2, collision: 3, failure: 4 } as const;
/** IPv4 and IPv6. */
const anyProtocol = -1;
/** No names for our addresses: those belong to the machine. */
const noReverse = 16;

/** Looks. */
const rest = 30;

interface Group {
  readonly path: string;
  readonly link: number;
  readonly content: string;
}

/**
 * The machine's own mDNS responder, when there is one. While it runs, it publishes for us and no second responder is needed.
 * Our host name is ours here too, so that nothing changes for phones when Avahi comes or goes.
 */
export class Avahi implements Disposable {
  readonly #log: Log;
  readonly #emitter: Emitter<AvahiEvents>;
  readonly #groups = new Map<string, Group>();
  #bus: SystemBus | null = null;
  #isOpening = false;
  /** Looks to pass over, after a bus did not let us in. */
  #resting = 0;
  #isRunning = false;
  #isClosed = false;
  #working: Promise<void> = Promise.resolve();

  constructor(log: Log) {
    this.#log = log;
    this.#emitter = new Emitter((error) => log.error('A listener failed', { error }));
  }

  get events(): Events<AvahiEvents> {
    return this.#emitter.events;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Looks whether there is a bus with Avahi on it; cheap when there is none. After that `changed` tells. */
  async look(): Promise<void> {
    if (this.#bus || this.#isOpening || this.#isClosed || this.#resting-- > 0) return;
    const file = systemBusFile();
    if (file !== null && !existsSync(file)) return;
    this.#isOpening = true;
    try {
      const bus = await SystemBus.open(systemBusAddress(), { onSignal: (signal) => this.#hear(signal), onClose: () => this.#lost() });
      if (this.#hasEnded()) {
        bus[Symbol.dispose]();
        return;
      }
      this.#bus = bus;
      await bus.listen(`type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${name}'`);
      await bus.listen(`type='signal',sender='${name}',interface='${name}.Server',member='StateChanged'`);
      if (await bus.has(name)) await this.#askState();
    } catch (error) {
      this.#log.debug('Avahi cannot be asked', { error });
      this.#resting = rest;
      this.#bus?.[Symbol.dispose]();
      this.#bus = null;
    } finally {
      this.#isOpening = false;
    }
  }

  /**
   * Makes Avahi publish exactly these, by key, each on its link; what is there already stays. Resolves when all have been handed
   * over; rejects with `host/bus-refused` when Avahi may not publish for programs.
   */
  publish(entries: ReadonlyMap<string, { readonly link: Link; readonly entry: AvahiEntry }>): Promise<void> {
    const work = this.#working.then(() => this.#publish(entries));
    this.#working = work.catch(() => undefined);
    return work;
  }

  /** Everything published is taken back with a farewell: Avahi does so when we hang up. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#isRunning = false;
    this.#bus?.[Symbol.dispose]();
    this.#bus = null;
  }

  async #publish(entries: ReadonlyMap<string, { readonly link: Link; readonly entry: AvahiEntry }>): Promise<void> {
    const bus = this.#bus;
    if (!bus || !this.#isRunning) return;
    for (const [key, { path, link, content }] of this.#groups) {
      const wanted = entries.get(key);
      if (wanted && wanted.link.index === link && JSON.stringify(wanted.entry) === content) continue;
      this.#groups.delete(key);
      await bus.call({ destination: name, path, interface: `${name}.EntryGroup`, member: 'Free' }).catch(() => undefined);
    }
    for (const [key, { link, entry }] of entries) {
      if (this.#groups.has(key) || link.index === null) continue;
      await this.#checkLink(bus, link, link.index);
      const [path] = await bus.call({ ...server, member: 'EntryGroupNew' });
      const group = { destination: name, path: String(path), interface: `${name}.EntryGroup` };
      this.#groups.set(key, { path: group.path, link: link.index, content: JSON.stringify(entry) });
      try {
        if ('service' in entry) {
          const { service, host } = entry;
          const txt = Object.entries(service.txt).map(([item, value]) => Buffer.from(`${item}=${value}`));
          const body = [link.index, anyProtocol, 0, service.label, typeName(service.type).replace(/\.local$/, ''), 'local', host, service.port, txt];
          await bus.call({ ...group, member: 'AddService', signature: 'iiussssqaay', body });
        } else {
          for (const address of entry.addresses) await bus.call({ ...group, member: 'AddAddress', signature: 'iiuss', body: [link.index, anyProtocol, noReverse, entry.host, address] });
        }
        await bus.call({ ...group, member: 'Commit' });
      } catch (error) {
        // Another program on this machine has the name.
        if ((error as Error).message.includes('CollisionError')) this.#emitter.emit('collision', { key });
        else throw error;
      }
    }
  }

  /** With the bus of another machine in a container, the numbers of interfaces mean something else. */
  async #checkLink(bus: SystemBus, link: Link, index: number): Promise<void> {
    const [found] = await bus.call({ ...server, member: 'GetNetworkInterfaceNameByIndex', signature: 'i', body: [index] });
    if (found === link.name) return;
    throw new TonearmError({ kind: 'conflict', code: 'host/avahi-elsewhere', message: `it is on another network: its interface ${index} is ${String(found)}, not ${link.name}` });
  }

  #hear({ interface: face, member, path, body, sender }: DbusMessage): void {
    if (member === 'NameOwnerChanged' && sender === 'org.freedesktop.DBus') {
      const [, , owner] = body;
      this.#groups.clear();
      this.#set(false);
      if (owner !== '') void this.#askState().catch((error: unknown) => this.#log.debug('Avahi does not say how it is', { error }));
    } else if (face === `${name}.Server` && member === 'StateChanged') {
      // While its own host name is being settled it goes on publishing ours.
      if (body[0] === serverRunning) this.#set(true);
    } else if (face === `${name}.EntryGroup` && member === 'StateChanged') {
      const key = [...this.#groups].find(([, group]) => group.path === path)?.[0];
      if (key === undefined) return;
      if (body[0] === groupStates.collision) this.#emitter.emit('collision', { key });
      if (body[0] === groupStates.failure) this.#emitter.emit('failed', { key });
    }
  }

  async #askState(): Promise<void> {
    const [state] = (await this.#bus?.call({ ...server, member: 'GetState' })) ?? [];
    if (state === serverRunning) this.#set(true);
  }

  /** Asked after waiting: it may have changed. */
  #hasEnded(): boolean {
    return this.#isClosed;
  }

  #lost(): void {
    this.#bus = null;
    this.#groups.clear();
    this.#set(false);
  }

  #set(isRunning: boolean): void {
    if (isRunning === this.#isRunning || this.#isClosed) return;
    this.#isRunning = isRunning;
    this.#emitter.emit('changed', { isRunning });
  }
}
