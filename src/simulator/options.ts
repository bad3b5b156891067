import type { Clock, Log } from '#foundation';
import type { AccountOptions } from './accounts.ts';
import type { CatalogueEntry } from './catalogue/entry.ts';
import type { Latency } from './latency.ts';

export interface CloudOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** All ids, keys and credentials follow from it. Default `tonearm`. */
  readonly seed?: string;
  readonly ports?: {
    /** HTTPS and WSS for all host names. Absent: not opened, unless `secure`. */
    readonly tls?: number;
    /** HTTP and WS. Default: any free one. */
    readonly plain?: number;
    /** Default: one free port. */
    readonly accessPoint?: readonly number[];
    /** Control API. Absent: not opened. */
    readonly control?: number;
  };
  /** Endpoints are https and wss. Default: when `ports.tls` is given. */
  readonly secure?: boolean;
  /** What answers call the hosts: `127.0.0.1:port`, or the real names (for programs with a hosts file). Default loopback. */
  readonly names?: 'loopback' | 'real';
  /** Listen on `::1` as well. */
  readonly ipv6?: boolean;
  /** Where keys and certificates are kept. Absent: made anew, nothing is written. */
  readonly state?: string;
  /** A folder of Ogg Vorbis, MP3 and FLAC files to play. */
  readonly folder?: string;
  /** A JSON file that lists more of it: like `catalogue`, files as `{format, path}`. */
  readonly entries?: string;
  readonly catalogue?: readonly CatalogueEntry[];
  /** Default: one premium user called `listener`. */
  readonly users?: readonly AccountOptions[];
  /** Round-trip times in ms. */
  readonly latency?: Partial<Latency>;
  /** Push frames to be ignored to new dealer connections. Default true. */
  readonly noise?: boolean;
  /** Milliseconds from ping to ping of the access point. Default 120 000. */
  readonly pingPeriod?: number;
  /** Milliseconds from a change to the cluster push. Default 20. */
  readonly pushDelay?: number;
  /** Milliseconds a device stays listed after its socket closed. Default 30 000. */
  readonly linger?: number;
  /** Answer 429 to more than 20 state PUTs in 5 s. Default true. */
  readonly rateLimit?: boolean;
}
