import type { IncomingHttpHeaders } from 'node:http';
import { isOwnHost, TonearmError } from '#foundation';
import type { ApiKeys, KeyView } from '../api-keys.ts';
import { By, type Scope } from './wire/words.ts';

/** Who asks: a key's holder, and what they call themselves. */
export interface Caller {
  readonly key: KeyView;
  readonly by: By;
}

export interface GateRules {
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
}

/**
 * Turns away what a web page elsewhere may have sent: names that are not ours (DNS rebinding), pages that are not among `origins`,
 * and requests that a browser marks as coming from another site. Throws `forbidden`.
 */
export function checkOrigin({ host, origin, 'sec-fetch-site': site }: IncomingHttpHeaders, rules: GateRules): void {
  if (!isOwnHost(host, rules.hosts)) {
    throw forbidden('http/unknown-host', 'This name is not known as one of Tonearm’s. Use its address, or add the name to the setting http.hosts.');
  }
  const isOurs = origin === `http://${host ?? ''}`;
  if (origin !== undefined && !isOurs && !rules.origins.includes(origin)) {
    throw forbidden('http/foreign-origin', 'A web page of another site may not use this API. If it is yours, add its address to the setting http.origins.');
  }
  // Browsers leave out the origin of pictures, links and scripts; this they always say.
  if (origin === undefined && (site === 'cross-site' || site === 'same-site')) {
    throw forbidden('http/foreign-origin', 'A web page of another site may not use this API.');
  }
}

/** What a browser, which cannot send `Authorization` with a WebSocket, offers as a subprotocol beside `tonearm`: `tonearm-key.KEY`. */
const keyProtocol = /(?:^|,) *tonearm-key\.([^\s,]+) *(?:,|$)/;

/** Whose request it is. Throws `unauthorized`. */
export function identify({ authorization, 'sec-websocket-protocol': protocols = '' }: IncomingHttpHeaders, query: URLSearchParams, keys: Pick<ApiKeys, 'check'>): Caller {
  const given = authorization === undefined ? keyProtocol.exec(protocols)?.[1] : (/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '');
  if (given === undefined) {
    throw new TonearmError({ kind: 'unauthorized', code: 'http/no-key', message: 'A key is needed. Make one with "tonearm keys add NAME --scope control" and send it as "Authorization: Bearer KEY".' });
  }
  const key = keys.check(given);
  if (!key) throw badKey();
  return { key, by: whoIs(query) };
}

/** Who they say they are. Throws `invalid`. */
export function whoIs(query: URLSearchParams): By {
  const by = By.safeParse(query.get('by') ?? 'http');
  if (!by.success) throw new TonearmError({ kind: 'invalid', code: 'http/bad-request', message: `"by" is one of ${By.options.join(', ')}.` });
  return by.data;
}

export function badKey(): TonearmError {
  return new TonearmError({ kind: 'unauthorized', code: 'http/bad-key', message: 'This key is not valid, or not any more. "tonearm keys" lists those that are.' });
}

/** Throws `forbidden` when the key does not reach that far. */
export function demand({ key }: Caller, scope: Scope): void {
  if (scope === 'read' || key.scope === 'control') return;
  throw forbidden('http/scope', `The key “${key.name}” may only look. Make one that may act with "tonearm keys add NAME --scope control".`);
}

function forbidden(code: string, message: string): TonearmError {
  return new TonearmError({ kind: 'forbidden', code, message });
}
