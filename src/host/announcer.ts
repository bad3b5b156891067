import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Announcement } from '#core';
import { every, toTonearmError, type Clock, type Log } from '#foundation';
import { Avahi, type AvahiEntry } from './avahi/avahi.ts';
import type { HealthBoard } from './health.ts';
import { narrowed, type Link } from './links.ts';
import { sameName, type DnsMessage } from './mdns/dns-message.ts';
import { NameClaim } from './mdns/name-claim.ts';
import type { Service } from './mdns/service-records.ts';
import { OwnResponders } from './own-responders.ts';
import type { NetworkView, Place, Presence } from './presence.ts';
import { SelfTest } from './self-test.ts';

export interface AnnouncerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly health: HealthBoard;
  /** Makes names unique: 8 hex digits. */
  readonly instance: string;
  readonly look: () => NetworkView;
  /** `auto`: through Avahi while it runs. */
  readonly responder: 'auto' | 'own';
}

/** How often the network is looked at, in milliseconds: a phone must see the speaker within 10 s after anything changed. */
const lookAgain = 2000;
/** When a look comes this much late, or the wall clock has run ahead by this much, the machine was asleep. */
const asleep = 5000;
/** After so many tests without an answer a link is not left to Avahi any more: its settings may leave it out. */
const patience = 2;
/** Avahi is asked for at the start, but not waited for longer than this. */
const avahiLimit = 300;
const rememberedAddresses = 256;

/**
 * mDNS for the whole process. Announcements follow the network: links that come are announced on, those that go are dropped, and
 * whatever changes on a link has everything announced anew there. Avahi speaks for us while it runs; otherwise we do.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #presences = new Set<Presence>();
  readonly #own: OwnResponders;
  readonly #skipped = new Set<string>();
  readonly #addresses = new Set<string>();
  #host: string;
  /** Counts what makes everything be announced anew. */
  #epoch = 0;
  #ids = 0;
  #view: NetworkView;
  #avahi: Avahi | null = null;
  #isAvahiRefused = false;
  /** How often nobody answered on a link that is Avahi's. */
  readonly #deaf = new Map<string, number>();
  #beginning: Promise<void> | null = null;
  #looking: Disposable | null = null;
  #looked = { wall: 0, monotonic: 0 };
  #selfTest: SelfTest | null = null;
  #applying: Promise<void> = Promise.resolve();

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#host = `tonearm-${options.instance}.local`;
    this.#view = options.look();
    this.#own = new OwnResponders({ ...options, onMessage: (message, services, defend) => this.#hear(message, services, defend) });
  }

  /** Announces on all links; resolves when the first packets are out. Without any network it resolves too, and follows when there is one. */
  async announce(announcement: Announcement): Promise<AsyncDisposable> {
    const { instance, clock } = this.#options;
    const claim = new NameClaim({ name: announcement.name, type: announcement.type, instance, now: () => clock.monotonic() });
    // Two of ours with one name would be each other's rivals.
    while ([...this.#presences].some((other) => other.announcement.type === announcement.type && sameName(other.claim.label, claim.label))) claim.next();
    const presence: Presence = { id: ++this.#ids, announcement, claim, service: serviceOf(announcement, claim), told: '' };
    this.#presences.add(presence);
    this.#selfTest ??= this.#newSelfTest();
    await (this.#beginning ??= this.#begin());
    claim.begin();
    await this.#apply();
    return {
      [Symbol.asyncDispose]: async () => {
        if (!this.#presences.delete(presence)) return;
        // That nothing is announced any more is no trouble now.
        if (this.#presences.size === 0) this.#endSelfTest();
        await this.#apply();
        if (this.#presences.size === 0) await this.#end();
      },
    };
  }

  async #begin(): Promise<void> {
    const { clock, responder, log } = this.#options;
    this.#looked = { wall: clock.now(), monotonic: clock.monotonic() };
    this.#looking = every(clock, lookAgain, () => this.#look());
    if (responder === 'own') return;
    const avahi = (this.#avahi = new Avahi(log));
    avahi.events.on('changed', ({ isRunning }) => {
      this.#isAvahiRefused = false;
      this.#deaf.clear();
      log.info(isRunning ? 'Avahi runs on this machine and announces for Tonearm from now on.' : 'Avahi does not run any more; Tonearm announces by itself.');
      void this.#apply();
    });
    avahi.events.on('collision', ({ key }) => this.#collided(key));
    avahi.events.on('failed', ({ key }) => this.#avahiRefuses(new Error(`The entry ${key} failed.`)));
    const abort = new AbortController();
    await Promise.race([avahi.look(), pause(avahiLimit, undefined, { signal: abort.signal }).catch(() => undefined)]);
    abort.abort();
  }

  async #end(): Promise<void> {
    this.#beginning = null;
    this.#looking?.[Symbol.dispose]();
    this.#looking = null;
    this.#endSelfTest();
    this.#avahi?.[Symbol.dispose]();
    this.#avahi = null;
    await this.#applying;
  }

  #newSelfTest(): SelfTest {
    const { clock, log, health } = this.#options;
    return new SelfTest({ clock, log, health, places: () => this.#places(), view: () => this.#view, responder: (link) => (this.#isAvahis(link) ? 'Avahi' : 'Tonearm'), onDeaf: (link) => this.#renew(link) });
  }

  #endSelfTest(): void {
    this.#selfTest?.[Symbol.dispose]();
    this.#selfTest = null;
  }

  #look(): void {
    const { clock, look, log } = this.#options;
    const before = this.#looked;
    const monotonic = clock.monotonic() - before.monotonic;
    const ahead = clock.now() - before.wall - monotonic;
    this.#looked = { wall: clock.now(), monotonic: clock.monotonic() };
    if (monotonic > lookAgain + asleep || ahead > asleep) {
      log.debug('The machine was asleep, or its clock was set; announcing anew');
      this.#epoch += 1;
    }
    this.#view = look();
    void this.#avahi?.look();
    void this.#apply();
  }

  /** Everything that is announced, where. */
  #places(): Place[] {
    return [...this.#presences].flatMap((presence) =>
      this.#view.links.flatMap((link) => {
        const seen = narrowed(link, presence.announcement.address);
        return seen ? [{ presence, link: seen }] : [];
      }),
    );
  }

  #isAvahis(link: Link): boolean {
    return this.#avahi?.isRunning === true && !this.#isAvahiRefused && !link.isLoopback && link.index !== null && (this.#deaf.get(link.name) ?? 0) < patience;
  }

  /** Makes what is announced agree with what should be. One at a time. */
  #apply(): Promise<void> {
    return (this.#applying = this.#applying.then(() => this.#applyNow()).catch((error: unknown) => {
      this.#options.log.error('Announcing on the network went wrong; it is tried again by itself', { error });
    }));
  }

  async #applyNow(): Promise<void> {
    for (const address of this.#view.addresses) {
      if (this.#addresses.size >= rememberedAddresses) this.#addresses.clear();
      this.#addresses.add(address);
    }
    const places = this.#places();
    const isAnnounced = (presence: Presence) => this.#presences.has(presence);
    const { links, skipped, gateways } = this.#view;
    await this.#own.apply(places.filter(({ link }) => !this.#isAvahis(link)), { host: this.#host, all: [...links, ...skipped], state: [gateways, this.#epoch], isAnnounced });
    await this.#applyAvahi(places.filter(({ link }) => this.#isAvahis(link)));
    this.#tell(places);
    this.#selfTest?.changed();
  }

  /** Nobody hears us on that link: a new socket, and everything said again. */
  #renew(link: Link): void {
    if (this.#isAvahis(link)) {
      this.#deaf.set(link.name, (this.#deaf.get(link.name) ?? 0) + 1);
      if (this.#isAvahis(link)) return;
      this.#options.log.info(`Avahi does not answer on ${link.name} (allow-interfaces and deny-interfaces of its settings decide), so Tonearm does it there by itself.`);
      void this.#apply();
      return;
    }
    this.#own.renew(link.name);
  }

  async #applyAvahi(places: readonly Place[]): Promise<void> {
    const entries = new Map<string, { readonly link: Link; readonly entry: AvahiEntry }>();
    for (const { link, presence } of places) {
      entries.set(`${presence.id}/${link.name}`, { link, entry: { service: presence.service, host: this.#host } });
      entries.set(`host/${link.name}`, { link, entry: { addresses: [...link.ipv4, ...link.ipv6], host: this.#host } });
    }
    try {
      await this.#avahi?.publish(entries);
    } catch (error) {
      this.#avahiRefuses(error);
    }
  }

  #avahiRefuses(error: unknown): void {
    if (this.#isAvahiRefused || !this.#avahi?.isRunning) return;
    this.#isAvahiRefused = true;
    this.#options.log.info(`Avahi does not announce for Tonearm (${toTonearmError(error).message}), so Tonearm does it by itself.`);
    void this.#apply();
  }

  /** False: the query is not to be answered. */
  #hear(message: DnsMessage, services: ReadonlyMap<Presence, Service>, defend: (service: Service) => void): boolean {
    if (message.isResponse) this.#checkHost(message);
    let answers = true;
    for (const [presence, service] of services) {
      if (presence.service !== service) continue;
      const judgement = presence.claim.judge(message, { host: this.#host, port: service.port });
      if (judgement === 'quiet' || judgement === 'yield') answers = false;
      if (judgement === 'defend') defend(service);
      if (judgement === 'yield') this.#rename(presence);
    }
    return answers;
  }

  /** Somebody else says addresses for our host name: its data folder is a copy of ours. The self-test finds out; meanwhile both need to be reachable. */
  #checkHost({ answers, additionals }: DnsMessage): void {
    const isForeign = [...answers, ...additionals].some((record) => (record.type === 'A' || record.type === 'AAAA') && record.ttl > 0 && sameName(record.name, this.#host) && !this.#addresses.has(record.data));
    if (isForeign) this.#renameHost();
  }

  #renameHost(): void {
    this.#host = `tonearm-${this.#options.instance}-${randomBytes(2).toString('hex')}.local`;
    this.#options.log.debug('Another device on the network has our host name; taking a longer one', { now: this.#host });
    this.#selfTest?.soon();
    void this.#apply();
  }

  #rename(presence: Presence): void {
    if (!this.#presences.has(presence)) return;
    const before = presence.claim.label;
    presence.claim.next();
    presence.service = serviceOf(presence.announcement, presence.claim);
    this.#options.log.warn('Another device on the network has the same name; announcing with a longer one', { name: before, now: presence.claim.label });
    void this.#apply();
  }

  #collided(key: string): void {
    const [id = ''] = key.split('/');
    if (id === 'host') this.#renameHost();
    for (const presence of this.#presences) if (String(presence.id) === id) this.#rename(presence);
  }

  /** Says where each can be found, when that is news. */
  #tell(places: readonly Place[]): void {
    const { log } = this.#options;
    for (const presence of this.#presences) {
      const own = places.filter((place) => place.presence === presence).map(({ link }) => link);
      const where = own.map((link) => `${link.name} (${[...link.ipv4, ...link.ipv6].join(', ')})${this.#isAvahis(link) ? ' through Avahi' : ''}`);
      const told = where.join(' and ');
      if (told !== presence.told && told !== '') log.info(`${own.every(({ isLoopback }) => isLoopback) ? 'Only programs of this machine' : 'Phones'} can find “${presence.announcement.name}” on ${told}.`, { port: presence.announcement.port });
      presence.told = told;
    }
    const news = this.#view.skipped.filter(({ name, why }) => why !== 'is loopback' && !this.#skipped.has(`${name} ${why}`));
    // Those of containers come and go all day.
    if (news.length > 0) {
      const message = `Not announced on ${news.map(({ name, why }) => `${name}, which ${why}`).join('; ')}. The settings discovery.interfaces and discovery.exclude decide.`;
      if (this.#skipped.size === 0) log.info(message);
      else log.debug(message);
    }
    if (this.#skipped.size > rememberedAddresses) this.#skipped.clear();
    for (const { name, why } of news) this.#skipped.add(`${name} ${why}`);
  }
}

function serviceOf({ type, port, txt }: Announcement, { label }: NameClaim): Service {
  return { label, type, port, txt };
}
