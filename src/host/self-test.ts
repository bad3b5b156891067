import { Scope, type Clock, type Log } from '#foundation';
import type { HealthBoard } from './health.ts';
import type { Link } from './links.ts';
import { askForServices, type SeenService } from './mdns/ask.ts';
import { sameName } from './mdns/dns-message.ts';
import { fullName } from './mdns/service-records.ts';
import type { NetworkView, Place } from './presence.ts';

export interface SelfTestOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly health: HealthBoard;
  /** What should be found, where. */
  readonly places: () => readonly Place[];
  readonly view: () => NetworkView;
  /** Who answers on a link. */
  readonly responder: (link: Link) => string;
  /** Nobody answered on that link. */
  readonly onDeaf: (link: Link) => void;
}

interface Duplicate {
  readonly name: string;
  readonly url: string;
}

const part = 'discovery';
/** Milliseconds: after something changed, regularly, and after a failure that may have been chance. */
const first = 5000;
const regular = 60_000;
const again = 10_000;
const greetingLimit = 3000;
/** Somebody else is asked who it is this seldom. */
const greetAgain = 3_600_000;
const mostGreeted = 256;

/**
 * Looks for our own services as a phone would: asks each link from a socket of its own, then the pairing port. Also asks the others
 * that it finds whether they claim to be one of ours. What it finds out is reported as the condition `discovery`.
 */
export class SelfTest implements Disposable {
  readonly #options: SelfTestOptions;
  readonly #scope = new Scope();
  readonly #greeted = new Map<string, number>();
  readonly #duplicates = new Map<string, Duplicate>();
  #timer: Disposable | null = null;
  #isRunning = false;
  #failures = 0;
  #expected = '';
  /** By link: whether we were found there; absent: not tried yet. */
  #heard = new Map<string, boolean>();
  #unanswered: string | null = null;
  /** Somebody else was seen: multicast gets through. */
  #hasNeighbours = false;

  constructor(options: SelfTestOptions) {
    this.#options = options;
  }

  /** To be called whenever what is announced may have changed. */
  changed(): void {
    if (this.#scope.signal.aborted) return;
    const expected = JSON.stringify(this.#options.places().map(({ presence: { service }, link }) => [service.label, service.port, link, this.#options.responder(link)]));
    if (expected === this.#expected) return;
    this.#expected = expected;
    this.#heard = new Map();
    this.#failures = 0;
    this.#unanswered = null;
    this.soon();
    this.#report();
  }

  /** Tests before long, whatever was planned. */
  soon(): void {
    this.#plan(first);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    void this.#scope[Symbol.asyncDispose]();
  }

  #plan(delay: number): void {
    this.#timer?.[Symbol.dispose]();
    if (this.#scope.signal.aborted) return;
    this.#timer = this.#options.clock.timer(delay, () => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const expected = this.#expected;
    try {
      const places = this.#options.places();
      const links = [...new Map(places.map(({ link }) => [link.name, link])).values()];
      const found = new Map(await Promise.all(links.map(async (link) => [link.name, await this.#testLink(link, places.filter((place) => place.link.name === link.name))] as const)));
      const unanswered = await this.#greetOurselves(places);
      if (this.#scope.signal.aborted || expected !== this.#expected) return;
      this.#heard = found;
      this.#unanswered = unanswered;
      const isWell = [...found.values()].every(Boolean) && unanswered === null;
      this.#failures = isWell ? 0 : this.#failures + 1;
      for (const link of links) if (found.get(link.name) === false) this.#options.onDeaf(link);
      this.#report();
      this.#plan(isWell ? regular : again);
    } catch (error) {
      if (this.#scope.signal.aborted) return;
      this.#options.log.debug('The self-test of discovery could not be done', { error });
      this.#plan(regular);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Whether all services were found on the link, as they should be. */
  async #testLink(link: Link, places: readonly Place[]): Promise<boolean> {
    const { clock, view, log } = this.#options;
    const isFound = (seen: readonly SeenService[]) =>
      places.every(({ presence: { service } }) => seen.some(({ name, port, addresses }) => sameName(name, fullName(service)) && port === service.port && [...link.ipv4, ...link.ipv6].some((address) => addresses.includes(address))));
    const results = await Promise.all(
      [...new Set(places.map(({ presence }) => presence.announcement.type))].map(async (type) => {
        const own = places.filter(({ presence }) => presence.announcement.type === type);
        try {
          const seen = await askForServices({ link, all: [...view().links, ...view().skipped], type, clock, signal: this.#scope.signal, isEnough: isFound });
          await this.#greetOthers(seen, own);
          return isFound(seen);
        } catch (error) {
          if (!this.#scope.signal.aborted) log.debug(`The network could not be asked on ${link.name}`, { error });
          return false;
        }
      }),
    );
    return results.every(Boolean);
  }

  /** The address of ours that did not answer, or null. */
  async #greetOurselves(places: readonly Place[]): Promise<string | null> {
    for (const { presence, link } of places) {
      const { proof, port, txt } = presence.announcement;
      const [address] = [...link.ipv4, ...link.ipv6.filter((one) => !one.startsWith('fe80:')).map((one) => `[${one}]`)];
      if (!proof || address === undefined) continue;
      const url = `http://${address}:${port}${txt['CPath'] ?? '/'}`;
      if ((await this.#ask(proof, url)) !== proof.id) return url;
    }
    return null;
  }

  async #greetOthers(seen: readonly SeenService[], own: readonly Place[]): Promise<void> {
    const { clock, view } = this.#options;
    const [proof] = own.flatMap(({ presence }) => presence.announcement.proof ?? []);
    if (!proof) return;
    const ids = new Set(own.map(({ presence }) => presence.announcement.proof?.id));
    const ours = new Set(view().addresses);
    const urls = new Set<string>();
    for (const { name, port, addresses, path } of seen) {
      // A copy of ours has our host name at first: of the addresses under it, another's is meant.
      const others = addresses.filter((one) => !ours.has(one));
      const isOurs = own.some(({ presence: { service } }) => service.port === port && sameName(name, fullName(service)));
      const address = others.find((one) => !one.includes(':')) ?? others[0] ?? (isOurs ? undefined : addresses[0]);
      if (address === undefined) continue;
      if (others.length > 0) this.#hasNeighbours = true;
      if (isOurs && addresses.some((one) => ours.has(one))) continue;
      const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}${path.startsWith('/') ? path : `/${path}`}`;
      urls.add(url);
      if (!this.#duplicates.has(url) && clock.monotonic() - (this.#greeted.get(url) ?? -Infinity) < greetAgain) continue;
      if (this.#greeted.size >= mostGreeted) this.#greeted.clear();
      this.#greeted.set(url, clock.monotonic());
      const id = await this.#ask(proof, url);
      if (id !== null && ids.has(id)) this.#duplicates.set(url, { name: name.replace(/\._[^.]+\._tcp\.local$/, ''), url });
      else this.#duplicates.delete(url);
    }
    // One that is not seen any more is asked once more: it may only have been slow.
    for (const url of this.#duplicates.keys()) if (!urls.has(url) && !ids.has((await this.#ask(proof, url)) ?? '')) this.#duplicates.delete(url);
  }

  async #ask(proof: NonNullable<Place['presence']['announcement']['proof']>, url: string): Promise<string | null> {
    const limit = new AbortController();
    const timer = this.#options.clock.timer(greetingLimit, () => limit.abort());
    try {
      return await proof.ask(url, AbortSignal.any([limit.signal, this.#scope.signal]));
    } finally {
      timer[Symbol.dispose]();
    }
  }

  #report(): void {
    const { health, places, responder, view } = this.#options;
    const all = places();
    const links = [...new Map(all.map(({ link }) => [link.name, link])).values()];
    const details = {
      links: links.map((link) => ({ name: link.name, addresses: [...link.ipv4, ...link.ipv6], responder: responder(link), found: this.#heard.get(link.name) ?? null })),
      duplicates: [...this.#duplicates.values()],
    };
    const [duplicate] = this.#duplicates.values();
    // Once may be chance: a packet lost, a link that is just coming up.
    const deaf = this.#failures < 2 ? [] : links.filter(({ name }) => this.#heard.get(name) === false).map(({ name }) => name);
    const tell = (code: string | null, message: string) => health.report({ part, code, message, details });
    if (duplicate) {
      tell('host/duplicate-identity', `“${duplicate.name}” at ${duplicate.url} has the same device id as this speaker, so the Spotify app takes both for one and confuses them. One data folder is a copy of the other: stop Tonearm there, remove its data folder, and start it again.`);
    } else if (links.length === 0) {
      tell('host/no-network', 'There is no network to be found on, so phones cannot see the speaker yet. It is announced as soon as there is one. If there is one, look at discovery.interfaces, discovery.exclude and discovery.address.');
    } else if (view().isBehindContainerBridge && this.#heard.size > 0 && !this.#hasNeighbours) {
      tell('host/container-bridge', 'This container is behind a bridge of its machine, which multicast does not cross, so phones cannot see the speaker. Give it the network of the machine (Docker: --network host, in compose files network_mode: host) or an address of its own in it (macvlan).');
    } else if (deaf.length > 0) {
      tell('host/not-found', `The speaker does not find itself on ${deaf.join(' and ')}, so phones may not either. Usually a firewall on this machine is in the way: let UDP port 5353 in, and the pairing port (TCP).`);
    } else if (this.#unanswered !== null && this.#failures >= 2) {
      tell('host/pairing-silent', `The pairing port does not answer at ${this.#unanswered}, so phones see the speaker and cannot connect. Usually a firewall on this machine is in the way: let that TCP port in. zones[].discovery.port gives it a number that stays.`);
    } else tell(null, 'Phones can find the speaker.');
  }
}
