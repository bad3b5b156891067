import type { Account } from '../accounts.ts';
import type { ServiceName } from '../journal.ts';

/** One request, read completely and authorised as its route asks. */
export interface Exchange {
  readonly method: string;
  /** As it came, not decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** As it came, without the question mark. */
  readonly rawQuery: string;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  /** Host name without port, lower case. */
  readonly host: string;
  readonly body: Buffer;
  /** Decoded parts of the path, by the names in the route's pattern. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Name of the simulated phone that asks; null for everybody else. */
  readonly phone: string | null;
  /** Whose bearer token came along; null where the route needs none. */
  readonly account: Account | null;
}

/** What the cloud says. At most one of `body` and `json`. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly json?: unknown;
  /** Bytes per second of the body; as fast as it goes when absent. */
  readonly pace?: number;
  /** Sends only so many bytes of the body, then ends the connection cleanly or with a reset. */
  readonly cut?: { readonly bytes: number; readonly reset: boolean };
}

export type Handler = (exchange: Exchange) => Answer | Promise<Answer>;

/** Who may ask: anybody, whoever has an access token, or (`client`) has a client token as well. CDN hosts want neither. */
export type Authorisation = 'none' | 'bearer' | 'client' | 'forbidden';

export interface Route {
  /** `service/what`: under this name it is replaced, counted and made to fail. */
  readonly name: string;
  readonly service: ServiceName;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `/metadata/4/{kind}/{id}`; `{name…}` takes the rest of the path. */
  readonly path: string;
  readonly authorisation: Authorisation;
  /** Where the route is described, for refusals. */
  readonly clause: string;
  readonly handle: Handler;
}

export const protobuf = { 'Content-Type': 'application/x-protobuf' } as const;

/** A 200 with protobuf bytes. */
export function answerBytes(body: Uint8Array): Answer {
  return { status: 200, headers: protobuf, body };
}

/** A 200 with JSON. */
export function answerJson(json: unknown, status = 200): Answer {
  return { status, json };
}
