import { cdnNames, realNames } from './http/host-names.ts';
import type { Addresses } from './parts.ts';

export interface OpenPorts {
  readonly plain: number;
  /** Null when there is none. */
  readonly tls: number | null;
  readonly accessPoint: readonly number[];
}

/** What answers call the hosts. `ports` is read when asked, because answers name ports that are opened later. */
export function makeAddresses(ports: OpenPorts, { secure, names }: { readonly secure: boolean; readonly names: 'loopback' | 'real' }): Addresses {
  const scheme = secure ? 'https' : 'http';
  const web = () => (secure ? (ports.tls ?? 0) : ports.plain);
  const usual = secure ? 443 : 80;
  const origin = (host: string) => (web() === usual ? `${scheme}://${host}` : `${scheme}://${host}:${web()}`);
  if (names === 'real') {
    return {
      get accessPoints() {
        return ports.accessPoint.map((port) => `${realNames.accessPoint}:${port}`);
      },
      get dealers() {
        return [`${realNames.dealer}:${web()}`];
      },
      get web() {
        return [`${realNames.web}:${web()}`];
      },
      cdn: (style) => origin(cdnNames[style]),
      get images() {
        return `${origin(realNames.images)}/image/{file_id}`;
      },
    };
  }
  return {
    get accessPoints() {
      return ports.accessPoint.map((port) => `127.0.0.1:${port}`);
    },
    get dealers() {
      return [`127.0.0.1:${web()}`];
    },
    get web() {
      return [`127.0.0.1:${web()}`];
    },
    // Two names for one machine, so that there is something to fail over to.
    cdn: (style) => origin(style === 'token' || style === 'expires' ? 'localhost' : '127.0.0.1'),
    get images() {
      return `${origin('127.0.0.1')}/image/{file_id}`;
    },
  };
}
