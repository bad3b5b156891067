import { Secret, TonearmError } from '#foundation';
import type { HttpClient, HttpResponse } from '../web/http-client.ts';

/** What an application asks for at Spotify's accounts service (`connect-session.md §9`). */
export interface OAuthOptions {
  readonly http: HttpClient;
  /** Base address of the accounts service. */
  readonly url: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export interface Grant {
  readonly accessToken: Secret<string>;
  /** Milliseconds. */
  readonly life: number;
  /** Null when none was given: with a renewal the old one stays. */
  readonly refreshToken: Secret<string> | null;
  /** Only some flows tell (§9.4). */
  readonly username: string | null;
  readonly scopes: readonly string[];
}

export interface DeviceStart {
  readonly deviceCode: Secret<string>;
  readonly userCode: string;
  /** Where the code is typed. */
  readonly address: string;
  /** The same with the code in it. */
  readonly completeAddress: string | null;
  /** Milliseconds. */
  readonly life: number;
  readonly interval: number;
}

export type DevicePoll = { readonly kind: 'granted'; readonly grant: Grant } | { readonly kind: 'pending' } | { readonly kind: 'slower' } | { readonly kind: 'denied' } | { readonly kind: 'expired' };

/** Seconds a device waits between polls when not told (RFC 8628 §3.5). */
const usualInterval = 5;

/**
 * The OAuth grants a speaker needs, one request each and no repetition: whoever calls decides about that. Codes:
 * `accounts/grant-refused` (unauthorized, `invalid_grant`: never send the same again), `accounts/not-for-this-app`
 * (forbidden), `accounts/refused`, `accounts/answer-unreadable`, and those of the HTTP client.
 */
export class OAuth implements Disposable {
  readonly #options: OAuthOptions;

  constructor(options: OAuthOptions) {
    this.#options = options;
  }

  get clientId(): string {
    return this.#options.clientId;
  }

  /** Where a person agrees in a browser (§9.2). */
  authorizeAddress({ redirect, challenge, state }: { readonly redirect: string; readonly challenge: string; readonly state: string }): string {
    const { url, clientId, scopes } = this.#options;
    const address = new URL('/authorize', url);
    const parameters = { response_type: 'code', client_id: clientId, redirect_uri: redirect, scope: scopes.join(' '), code_challenge_method: 'S256', code_challenge: challenge, state };
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
    return address.href;
  }

  /** Trades the code the browser brought back. */
  async redeem({ code, redirect, verifier }: { readonly code: string; readonly redirect: string; readonly verifier: Secret<string> }, signal: AbortSignal): Promise<Grant> {
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirect, client_id: this.clientId, code_verifier: verifier.reveal() };
    return grantOf(await this.#ask('/api/token', form, signal));
  }

  /** A new access token for a refresh token. */
  async renew(refreshToken: Secret<string>, signal: AbortSignal): Promise<Grant> {
    return grantOf(await this.#ask('/api/token', { grant_type: 'refresh_token', refresh_token: refreshToken.reveal(), client_id: this.clientId }, signal));
  }

  /** Asks for a code to be typed on another screen (§9.4). */
  async startDevice(signal: AbortSignal): Promise<DeviceStart> {
    const { clientId, scopes } = this.#options;
    const json = await this.#ask('/oauth2/device/authorize', { client_id: clientId, scope: scopes.join(' ') }, signal);
    const deviceCode = text(json, 'device_code');
    const userCode = text(json, 'user_code');
    const address = web(text(json, 'verification_uri'));
    // The code is shown as it is, so it must not be able to move a terminal's cursor.
    if (deviceCode === null || userCode === null || !/^[\x21-\x7e]{1,64}$/.test(userCode) || address === null) throw unreadable();
    return {
      deviceCode: new Secret(deviceCode),
      userCode,
      address,
      completeAddress: web(text(json, 'verification_uri_complete')),
      life: (number(json, 'expires_in') ?? 600) * 1000,
      interval: Math.max(number(json, 'interval') ?? usualInterval, 0.01) * 1000,
    };
  }

  /** Whether the person has agreed yet. */
  async pollDevice(deviceCode: Secret<string>, signal: AbortSignal): Promise<DevicePoll> {
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode.reveal(), client_id: this.clientId };
    const answer = await this.#post('/api/token', form, signal);
    if (isFine(answer)) return { kind: 'granted', grant: grantOf(parse(answer)) };
    switch (errorOf(answer)) {
      case 'authorization_pending':
        return { kind: 'pending' };
      case 'slow_down':
        return { kind: 'slower' };
      case 'access_denied':
        return { kind: 'denied' };
      case 'expired_token':
        return { kind: 'expired' };
      default:
        throw judge(answer);
    }
  }

  [Symbol.dispose](): void {
    this.#options.http[Symbol.dispose]();
  }

  async #ask(path: string, form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Json> {
    const answer = await this.#post(path, form, signal);
    if (!isFine(answer)) throw judge(answer);
    return parse(answer);
  }

  #post(path: string, form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpResponse> {
    const { http, url } = this.#options;
    const headers = { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' };
    return http.send({ method: 'POST', origin: new URL(url).origin, path, headers, body: Buffer.from(new URLSearchParams(form).toString()), time: 15_000, limit: 65_536 }, signal);
  }
}

type Json = Readonly<Record<string, unknown>>;

function isFine({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300;
}

function parse({ body }: HttpResponse): Json {
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch {
    // Said below; the text may hold a token and is not quoted.
  }
  throw unreadable();
}

function grantOf(json: Json): Grant {
  const accessToken = text(json, 'access_token');
  if (accessToken === null) throw unreadable();
  const refreshToken = text(json, 'refresh_token');
  return {
    accessToken: new Secret(accessToken),
    life: (number(json, 'expires_in') ?? 3600) * 1000,
    refreshToken: refreshToken === null ? null : new Secret(refreshToken),
    username: text(json, 'username'),
    scopes: (text(json, 'scope') ?? '').split(' ').filter((scope) => scope !== ''),
  };
}

/** The `error` of RFC 6749 §5.2, if the answer has one. */
function errorOf(answer: HttpResponse): string | null {
  try {
    return text(parse(answer), 'error');
  } catch {
    return null;
  }
}

function judge(answer: HttpResponse): TonearmError {
  const error = errorOf(answer);
  const { status } = answer;
  if (error === 'invalid_grant') {
    return new TonearmError({ kind: 'unauthorized', code: 'accounts/grant-refused', message: 'Spotify no longer accepts this login: it was used before, has ended, or was withdrawn. Log in again.' });
  }
  if (error === 'unauthorized_client' || error === 'invalid_client' || error === 'invalid_scope') {
    return new TonearmError({ kind: 'forbidden', code: 'accounts/not-for-this-app', message: `Spotify does not offer this way to log in to this application (${error}). Use another way; if a client id is configured, check it.` });
  }
  const retryAfter = Number(answer.headers['retry-after']);
  const isTemporary = status === 429 || status >= 500;
  return new TonearmError({
    kind: isTemporary ? 'unavailable' : 'invalid',
    code: 'accounts/refused',
    message: isTemporary ? `Spotify's accounts service has a problem or asks to wait (${status}). Try again in a moment.` : `Spotify's accounts service refused the request (${status}${error !== null && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''}).`,
    ...(isTemporary && Number.isFinite(retryAfter) && retryAfter > 0 && { retryAfter: retryAfter * 1000 }),
  });
}

function unreadable(): TonearmError {
  return new TonearmError({ kind: 'corrupt', code: 'accounts/answer-unreadable', message: 'Spotify\'s accounts service answered something that cannot be understood. Try again; if it stays so, update Tonearm.' });
}

function text(json: Json, key: string): string | null {
  const value = json[key];
  return typeof value === 'string' && value !== '' && value.length <= 8192 ? value : null;
}

function number(json: Json, key: string): number | null {
  const value = json[key];
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

/** An address people may be sent to: http or https, or nothing. Spotify leaves the scheme out at times (§9.4). */
function web(value: string | null): string | null {
  if (value === null) return null;
  const full = /^[a-z][a-z0-9+.-]*:/i.test(value) ? value : `https://${value}`;
  return /^https?:/i.test(full) && URL.canParse(full) ? new URL(full).href : null;
}
