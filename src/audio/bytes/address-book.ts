import type { Clock } from '#foundation';

/** How long a host that failed is passed over. */
const quarantine = 15 * 60_000;

/** Which hosts have failed lately; shared by all tracks of a thread. */
export class HostHealth {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();
  readonly #pauses = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(host: string): void {
    this.#until.set(host, this.#clock.monotonic() + quarantine);
  }

  worked(host: string): void {
    this.#until.delete(host);
  }

  /** The host asked for a pause. */
  paused(host: string, delay: number): void {
    this.#pauses.set(host, this.#clock.monotonic() + delay);
  }

  /** What is left of a pause, in milliseconds. */
  pauseOf(host: string): number {
    const left = (this.#pauses.get(host) ?? 0) - this.#clock.monotonic();
    if (left <= 0) this.#pauses.delete(host);
    return Math.max(0, left);
  }

  isTrusted(host: string): boolean {
    const until = this.#until.get(host);
    if (until === undefined) return true;
    if (until > this.#clock.monotonic()) return false;
    this.#until.delete(host);
    return true;
  }
}

/**
 * The addresses of one file (connect-session.md §12.7): used in the given order, passing over hosts in quarantine as long as another
 * is left, and never again over one that was refused as expired.
 */
export class AddressBook {
  readonly #health: HostHealth;
  #addresses: readonly URL[];
  readonly #refused = new Set<string>();

  constructor(urls: readonly string[], health: HostHealth) {
    this.#health = health;
    this.#addresses = parse(urls);
  }

  replace(urls: readonly string[]): void {
    this.#addresses = parse(urls);
    this.#refused.clear();
  }

  /** The best address not in `tried`; null when every one was tried, refused or wants a pause. */
  pick(tried: ReadonlySet<string> = new Set()): URL | null {
    const left = this.#addresses.filter(({ href, host }) => !this.#refused.has(href) && !tried.has(href) && this.#health.pauseOf(host) === 0);
    return left.find(({ host }) => this.#health.isTrusted(host)) ?? left[0] ?? null;
  }

  /** How long all hosts that are left want to be left alone, in milliseconds; 0 when one of them does not. */
  get pause(): number {
    const left = this.#addresses.filter(({ href }) => !this.#refused.has(href));
    return left.length === 0 ? 0 : Math.min(...left.map(({ host }) => this.#health.pauseOf(host)));
  }

  paused(url: URL, delay: number): void {
    this.#health.paused(url.host, delay);
  }

  failed(url: URL): void {
    this.#health.failed(url.host);
  }

  /** The server says that this address is no longer, or not, good. Says nothing about its host. */
  refused(url: URL): void {
    this.#refused.add(url.href);
  }

  worked(url: URL): void {
    this.#health.worked(url.host);
  }
}

function parse(urls: readonly string[]): URL[] {
  return urls.flatMap((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    return url?.protocol === 'https:' || url?.protocol === 'http:' ? [url] : [];
  });
}
