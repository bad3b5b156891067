import { TonearmError, type Clock } from '#foundation';

/** Without a header that says how long (`connect-control.md §0.5`). */
export const usualThrottle = 10_000;
const longestThrottle = 600_000;

/**
 * Where the cloud asked for a pause (429), for everybody who asks the same host. A pause holds for the service that asked, the
 * first part of the path, because one host stands before many services with limits of their own; when two services of a host
 * ask at once, it holds for the whole host.
 */
export class Throttles {
  readonly #clock: Clock;
  /** Monotonic end of the pause, by host and service. */
  readonly #hosts = new Map<string, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(host: string, path: string, delay: number): void {
    const services = this.#hosts.get(host) ?? new Map<string, number>();
    this.#hosts.set(host, services);
    const now = this.#clock.monotonic();
    for (const [service, until] of services) if (until <= now) services.delete(service);
    const service = serviceOf(path);
    services.set(service, Math.max(services.get(service) ?? 0, now + Math.min(delay, longestThrottle)));
  }

  /** How long nothing may be asked there, in milliseconds; 0 when it may. */
  wait(host: string, path: string): number {
    const services = this.#hosts.get(host);
    if (!services) return 0;
    const now = this.#clock.monotonic();
    const [, second = 0] = [...services.values()].sort((a, b) => b - a);
    return Math.max(0, (services.get(serviceOf(path)) ?? 0) - now, second - now);
  }
}

export function rateLimited(retryAfter: number): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'spotify/rate-limited',
    message: `Spotify has seen too many requests from this account and asks for a pause of ${Math.ceil(retryAfter / 1000)} s.`,
    retryAfter,
  });
}

function serviceOf(path: string): string {
  return /^\/([^/?#]*)/.exec(path)?.[1] ?? '';
}
