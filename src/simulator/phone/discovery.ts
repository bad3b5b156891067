import { isIPv4 } from 'node:net';
import { Bonjour, type Service } from 'bonjour-service';
import { TonearmError } from '#foundation';

/** A speaker that announced itself (connect-session §10.1). */
export interface FoundSpeaker {
  readonly name: string;
  /** Where getInfo and addUser are answered. */
  readonly url: string;
  readonly txt: Readonly<Record<string, string>>;
}

export interface DiscoveryOptions {
  /** The first one with this name; else the first of all. */
  readonly name?: string;
  /** Ends the search. */
  readonly signal: AbortSignal;
}

/** Looks for speakers by mDNS. */
export async function discoverSpeaker({ name, signal }: DiscoveryOptions): Promise<FoundSpeaker> {
  return new Promise((resolve, reject) => {
    // Bound to every address: on one address alone no answers come in. The types lack the option.
    const bonjour = new Bonjour({ bind: '0.0.0.0' } as ConstructorParameters<typeof Bonjour>[0], () => undefined);
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', aborted);
      browser.stop();
      bonjour.destroy();
      settle();
    };
    const aborted = () => end(() => reject(notFound(name, signal.reason)));
    const browser = bonjour.find({ type: 'spotify-connect', protocol: 'tcp' }, (service) => {
      if (name === undefined || service.name === name) end(() => resolve(speakerOf(service)));
    });
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

function speakerOf(service: Service): FoundSpeaker {
  const txt = Object.fromEntries(Object.entries((service.txt ?? {}) as Record<string, unknown>).map(([key, value]) => [key, String(value)]));
  const path = Object.entries(txt).find(([key]) => key.toLowerCase() === 'cpath')?.[1] ?? '/';
  return { name: service.name, url: `http://${addressOf(service)}:${service.port}${path}`, txt };
}

/** As it was announced: IPv4 first, as phones prefer it. */
function addressOf({ addresses = [], referer }: Service): string {
  const address = addresses.find(isIPv4) ?? addresses.find((one) => !one.startsWith('fe80:')) ?? referer?.address ?? '127.0.0.1';
  return isIPv4(address) ? address : `[${address}]`;
}

function notFound(name: string | undefined, cause: unknown): TonearmError {
  const what = name === undefined ? 'No speaker announced itself' : `No speaker called "${name}" announced itself`;
  return new TonearmError({ kind: 'not-found', code: 'simulator/no-speaker', message: `${what} by mDNS. Is it running on this machine, and may it use multicast?`, cause });
}
