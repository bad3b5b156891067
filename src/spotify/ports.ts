import type { Clock, Log, Secret } from '#foundation';

/** Where the cloud is. The defaults are the real hosts; the simulator hands out its own (`connect-session.md §0.4`). */
export interface CloudEndpoints {
  /** Base address of the service directory. */
  readonly directory: string;
  readonly clientToken: string;
  readonly login5: string;
  readonly accounts: string;
  /** PEM of certificate authorities to trust in addition to the usual ones. */
  readonly certificates?: string | undefined;
  /** Hexadecimal modulus that replaces the access point's production key. */
  readonly serverKey?: string | undefined;
  /** Speak `ws` and `http` to the dealer and the web endpoints: for tests on loopback. */
  readonly insecure?: boolean | undefined;
}

/** How the cloud is reached. */
export interface NetworkOptions {
  /** `http[s]://[user:password@]host[:port]`: every connection to the cloud and the music servers goes through it. */
  readonly proxy?: Secret<string> | undefined;
  /** Access points on ports 443 and 80 are tried before others (`connect-session.md §2.3`); unless told, only with a proxy. */
  readonly friendlyPorts?: boolean | undefined;
}

/** The real cloud. */
export const productionEndpoints: CloudEndpoints = {
  directory: 'https://apresolve.spotify.com',
  clientToken: 'https://clienttoken.spotify.com',
  login5: 'https://login5.spotify.com',
  accounts: 'https://accounts.spotify.com',
};

/** The client id open receivers speak under (`connect-session.md §9.1`). */
export const defaultClientId = '65b708073fc0480ea92a077233ca87bd';

/** Who this speaker is, the same in every conversation (`connect-session.md §1.1`). */
export interface Identity {
  /** 40 lower-case hex digits. */
  readonly deviceId: string;
  readonly name: string;
  readonly brand: string;
  readonly model: string;
  readonly version: string;
  /** 32 hex digits. */
  readonly clientId: string;
}

/** What logs an account in at the access point (`connect-session.md §5.3`). */
export interface Credentials {
  /** `null` for a bare access token: the server derives it. */
  readonly username: string | null;
  readonly type: number;
  readonly data: Secret<Uint8Array>;
}

interface Values {
  read(name: string): Promise<unknown>;
  write(name: string, value: unknown): Promise<void>;
}

/** The part of the world a session needs; `Host` of `#core` fits. */
export interface SessionHost {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Values & { readonly sealed: Values };
  readonly programs: { readonly puzzleThread: URL };
}
