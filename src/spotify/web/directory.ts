import { abortable, sleep, TonearmError, type Clock, type Log } from '#foundation';
import { productionEndpoints } from '../ports.ts';
import type { HttpClient } from './http-client.ts';
import type { ServerClock } from './server-clock.ts';

export type Service = 'accesspoint' | 'dealer' | 'spclient';

const services: readonly Service[] = ['accesspoint', 'dealer', 'spclient'];
const freshFor = 3_600_000;
/** Between two questions while old answers are at hand. */
const askAgain = 5000;
/** How long a directory may take before addresses of an earlier day serve. */
const patience = 2000;
const storeName = 'directory';

/** Only when the real directory fails and nothing better is remembered (`connect-session.md §2.4`). */
const fallbacks: Readonly<Record<Service, string>> = {
  accesspoint: 'ap.spotify.com:443',
  dealer: 'dealer.spotify.com:443',
  spclient: 'spclient.wg.spotify.com:443',
};

interface DirectoryOptions {
  readonly url: string;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly serverClock: ServerClock;
  /** Ports that firewalls let through come first (`connect-session.md §2.3`). */
  readonly friendlyPorts?: boolean | undefined;
  /** Keeps the answers over restarts. */
  readonly store?: { read(name: string): Promise<unknown>; write(name: string, value: unknown): Promise<void> } | undefined;
}

/**
 * Where the services are (`connect-session.md §2`). One request asks for all three; lists are kept for an hour and a last
 * good list for ever, over restarts too, so a broken directory never stops a reconnect.
 */
export class Directory {
  readonly #options: DirectoryOptions;
  readonly #lists = new Map<Service, readonly string[]>();
  readonly #cursors = new Map<Service, number>();
  #fetched = Number.NEGATIVE_INFINITY;
  #asked = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  #recalling: Promise<void> | undefined;
  /** The lists are of an earlier day: a new answer is worth a moment. */
  #isOld = false;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** The address to use now, `host:port`. The same until it is reported as failed. */
  async current(service: Service, signal?: AbortSignal): Promise<string> {
    const list = await this.list(service, signal);
    return list[(this.#cursors.get(service) ?? 0) % list.length] ?? fallbacks[service];
  }

  /** Moves on from an address that did not work. Ignored when somebody else has moved on already. */
  failed(service: Service, address: string): void {
    const list = this.#lists.get(service) ?? [];
    const cursor = this.#cursors.get(service) ?? 0;
    if (list[cursor % list.length] !== address) return;
    if (cursor + 1 >= list.length) this.#fetched = Number.NEGATIVE_INFINITY;
    this.#cursors.set(service, (cursor + 1) % list.length);
  }

  /** All addresses of a service in order of preference; never empty. */
  async list(service: Service, signal?: AbortSignal): Promise<readonly string[]> {
    if (this.#lists.size === 0 && this.#options.store) await (this.#recalling ??= this.#recall());
    const kept = this.#lists.get(service);
    const { clock, log, url } = this.#options;
    const now = clock.monotonic();
    if (kept && (now - this.#fetched < freshFor || now - this.#asked < askAgain)) return kept;
    this.#asked = now;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    // A known list serves while a new one is on its way: reconnecting never waits for the directory.
    if (kept) {
      const asked = this.#fetching.catch((error: unknown) => log.warn('The service directory does not answer; the last known addresses are used.', { error }));
      if (this.#isOld) await this.#atMost(patience, asked, signal);
      this.#isOld = false;
      return this.#lists.get(service) ?? kept;
    }
    try {
      await abortable(this.#fetching, signal);
    } catch (error) {
      if (signal?.aborted || url !== productionEndpoints.directory) throw error;
      log.warn('The service directory does not answer; the usual addresses are tried.', { service, error });
    }
    return this.#lists.get(service) ?? [fallbacks[service]];
  }

  async #atMost(limit: number, work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    const over = new AbortController();
    const timer = sleep(this.#options.clock, limit, over.signal).catch(() => undefined);
    try {
      await abortable(Promise.race([work, timer]), signal);
    } finally {
      over.abort();
    }
  }

  /** What the last run learned. */
  async #recall(): Promise<void> {
    const { store, url, clock } = this.#options;
    const value: unknown = await store?.read(storeName).catch(() => null);
    if (typeof value !== 'object' || value === null) return;
    const { url: of, at, lists } = value as Record<string, unknown>;
    if (of !== url || typeof at !== 'number') return;
    try {
      for (const [service, list] of this.#sorted(readLists(lists))) this.#lists.set(service, list);
    } catch {
      return;
    }
    const age = clock.now() - at;
    this.#isOld = !(age >= 0 && age < freshFor);
    if (!this.#isOld) this.#fetched = clock.monotonic() - age;
  }

  async #keep(lists: ReadonlyMap<Service, readonly string[]>): Promise<void> {
    const { store, url, clock, log } = this.#options;
    try {
      await store?.write(storeName, { url, at: clock.now(), lists: Object.fromEntries(lists) });
    } catch (error) {
      log.debug('The addresses of Spotify\'s services could not be kept; the next start asks for them again.', { error });
    }
  }

  /** 443, then 80, then the rest, each as they came (`connect-session.md §2.3`). Only access points have a choice. */
  #sorted(lists: Map<Service, readonly string[]>): Map<Service, readonly string[]> {
    const list = lists.get('accesspoint');
    if (this.#options.friendlyPorts !== true || !list) return lists;
    const rank = (address: string) => (address.endsWith(':443') ? 0 : address.endsWith(':80') ? 1 : 2);
    return lists.set('accesspoint', [...list].sort((a, b) => rank(a) - rank(b)));
  }

  async #fetch(): Promise<void> {
    const { url, http, clock, serverClock } = this.#options;
    const query = services.map((service) => `type=${service}`).join('&');
    const answer = await http.send({ method: 'GET', origin: new URL(url).origin, path: `/?${query}`, headers: { Accept: 'application/json' }, time: 10_000, limit: 65_536 });
    serverClock.sampleDate(answer.headers.date);
    if (answer.status !== 200) throw broken(`it answered ${answer.status}`);
    const lists = parseLists(answer.body.toString());
    void this.#keep(lists);
    for (const [service, list] of this.#sorted(new Map(lists))) {
      if (sameList(list, this.#lists.get(service))) continue;
      this.#lists.set(service, list);
      this.#cursors.set(service, 0);
    }
    this.#fetched = clock.monotonic();
    this.#isOld = false;
  }
}

function parseLists(text: string): Map<Service, readonly string[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw broken('its answer is not JSON');
  }
  return readLists(json);
}

function readLists(json: unknown): Map<Service, readonly string[]> {
  const lists = new Map<Service, readonly string[]>();
  for (const service of services) {
    const list = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[service] : undefined;
    const usable = Array.isArray(list) ? list.filter((entry): entry is string => typeof entry === 'string' && splitAddress(entry) !== null) : [];
    if (usable.length === 0) throw broken(`its answer names no ${service}`);
    lists.set(service, usable);
  }
  return lists;
}

function broken(why: string): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'spotify/directory-broken',
    message: `Spotify's service directory is of no use right now: ${why}. It is asked again by itself.`,
  });
}

function sameList(a: readonly string[], b: readonly string[] | undefined): boolean {
  return b?.length === a.length && a.every((entry, index) => entry === b[index]);
}

/** Host and port of `host:port`, split on the last colon; `null` when it is none. IPv6 literals lose their brackets. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } | null {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, Math.max(at, 0)).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(at + 1));
  return /^[\w.:-]+$/.test(host) && Number.isInteger(port) && port > 0 && port < 65_536 ? { host, port } : null;
}
