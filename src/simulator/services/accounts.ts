import { createHash, randomBytes } from 'node:crypto';
import { keymaster, type Account } from '../accounts.ts';
import { formBody } from '../http/body.ts';
import { answerJson, type Answer, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { fetchBytes } from '../phone/http.ts';
import { Refused } from '../refused.ts';

const lifetime = 3_600_000;
const codeLifetime = 600_000;
/** A refresh token ends this long after the consent, however often it is renewed: six months of 30 days and a bit. */
const consentLifetime = 184 * 86_400_000;

/** connect-session §9.3. */
const knownScopes: ReadonlySet<string> = new Set(
  (
    'app-remote-control playlist-modify playlist-modify-private playlist-modify-public playlist-read playlist-read-collaborative playlist-read-private streaming ' +
    'ugc-image-upload user-follow-modify user-follow-read user-library-modify user-library-read user-modify user-modify-playback-state user-modify-private ' +
    'user-personalized user-read-birthdate user-read-currently-playing user-read-email user-read-play-history user-read-playback-position ' +
    'user-read-playback-state user-read-private user-read-recently-played user-top-read'
  ).split(' '),
);

interface Refresh {
  readonly account: Account;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly consent: number;
}

interface AuthorizationCode {
  readonly account: Account;
  readonly redirect: string;
  readonly challenge: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly expires: number;
}

interface DeviceCode {
  readonly userCode: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly expires: number;
  account: Account | null;
  isDenied: boolean;
  askedAt: number | null;
  /** Seconds between polls; longer after each `slow_down`. */
  interval: number;
}

/** OAuth for users: in the browser with PKCE, and with a code on another device (connect-session §9). */
export class Authorizations {
  readonly #parts: Parts;
  readonly #codes = new Map<string, AuthorizationCode>();
  readonly #devices = new Map<string, DeviceCode>();
  readonly #refresh = new Map<string, Refresh>();
  /** Applications people have made themselves: client id → the redirect addresses registered for it. */
  readonly #apps = new Map<string, readonly string[]>();
  /** Whoever sits in front of the browser. */
  browserUser: string | null = null;
  /** Seconds a device is told to wait between polls. */
  deviceInterval = 1;
  /** Whether codes come with an address that holds them. */
  hasCompleteAddress = true;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The user types the code in and says yes. False when there is no such code. */
  approve(userCode: string, user: string): boolean {
    const entry = this.#byUserCode(userCode);
    if (entry) entry.account = this.#parts.accounts.get(user);
    return entry !== undefined;
  }

  /** The user says no. */
  deny(userCode: string): boolean {
    const entry = this.#byUserCode(userCode);
    if (entry) entry.isDenied = true;
    return entry !== undefined;
  }

  /** Registers an application; its tokens are not taken for playing (connect-session §9.1, issue reports of August 2026). */
  addApp(clientId: string, redirects: readonly string[]): void {
    this.#apps.set(clientId, redirects);
  }

  /** The user withdraws what was agreed to: refresh tokens get `invalid_grant`. */
  withdraw(user: string): void {
    for (const [token, { account }] of this.#refresh) if (account.name === user) this.#refresh.delete(token);
  }

  /** A code nobody typed in time. */
  expire(userCode: string): void {
    for (const [code, entry] of this.#devices) if (entry.userCode === userCode) this.#devices.set(code, { ...entry, expires: 0 });
  }

  /** What a browser does with the address of the login page: follows it as this user, who agrees or not. Gives where it ends. */
  async browse(address: string, user: string, answer: 'agree' | 'deny' = 'agree'): Promise<string> {
    this.browserUser = user;
    if (answer === 'deny') this.#parts.faults.set('accounts/deny', { count: 1 });
    const { status, headers, body } = await fetchBytes(address);
    if (headers.location === undefined) throw new Error(`The login page answered ${status}: ${body.toString('utf8')}`);
    return headers.location;
  }

  /** Every secret that exists, as the texts in which it could leak. */
  get secrets(): readonly string[] {
    return [...this.#codes.keys(), ...this.#devices.keys(), ...this.#refresh.keys()];
  }

  /** Codes that wait for a user. */
  get waiting(): readonly string[] {
    return [...this.#devices.values()].filter(({ account, isDenied }) => !account && !isDenied).map(({ userCode }) => userCode);
  }

  routes(): Route[] {
    const common = { service: 'accounts', authorisation: 'none' } as const;
    return [
      { ...common, name: 'accounts/authorize', method: 'GET', path: '/authorize', clause: 'connect-session §9.2', handle: ({ query }) => this.#authorize(query) },
      {
        ...common,
        name: 'accounts/token',
        method: 'POST',
        path: '/api/token',
        clause: 'connect-session §9.2',
        handle: (exchange) => this.#token(formBody(exchange, 'connect-session §9.2')),
      },
      {
        ...common,
        name: 'accounts/device',
        method: 'POST',
        path: '/oauth2/device/authorize',
        clause: 'connect-session §9.4',
        handle: (exchange) => this.#startDevice(formBody(exchange, 'connect-session §9.4')),
      },
    ];
  }

  #authorize(query: URLSearchParams): Answer {
    const bad = (what: string) => new Refused(400, 'connect-session §9.2', what);
    const redirect = query.get('redirect_uri') ?? '';
    const clientId = query.get('client_id') ?? '';
    const registered = this.#apps.get(clientId);
    if (clientId !== keymaster && !registered) throw bad(`client_id ${clientId} is not known`);
    if (registered ? !registered.includes(redirect) : !/^http:\/\/127\.0\.0\.1(:\d+)?\/login$/.test(redirect)) {
      throw bad(`redirect_uri "${redirect}" is not ${registered ? 'registered for this application' : 'http://127.0.0.1:<port>/login'}`);
    }
    if (query.get('response_type') !== 'code') throw bad('response_type is not "code"');
    if (query.get('code_challenge_method') !== 'S256') throw bad('code_challenge_method is not "S256"');
    const challenge = query.get('code_challenge') ?? '';
    if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) throw bad('code_challenge is not an unpadded base64url SHA-256');
    const state = query.get('state');
    const back = new URL(redirect);
    if (state === null) this.#parts.journal.refuse({ service: 'accounts', clause: 'connect-session §9.2', what: 'no state: anybody could answer', refused: false });
    else back.searchParams.set('state', state);
    if (this.#parts.faults.take('accounts/deny')) back.searchParams.set('error', 'access_denied');
    else back.searchParams.set('code', this.#makeCode(redirect, challenge, clientId, scopesOf(query)));
    return { status: 302, headers: { Location: back.href } };
  }

  #makeCode(redirect: string, challenge: string, clientId: string, scopes: readonly string[]): string {
    const { accounts, time } = this.#parts;
    const account = this.browserUser === null ? accounts.all[0] : accounts.get(this.browserUser);
    if (!account) throw new Refused(400, 'connect-session §9.2', 'the simulated cloud has no user');
    const code = randomBytes(32).toString('base64url');
    this.#codes.set(code, { account, redirect, challenge, clientId, scopes, expires: time.now() + codeLifetime });
    return code;
  }

  #token(form: URLSearchParams): Answer {
    const grant = form.get('grant_type');
    if (form.get('client_id') === null) throw new Refused(400, 'connect-session §9.2', 'no client_id', oauthError('invalid_client'));
    if (grant === 'authorization_code') return this.#redeem(form);
    if (grant === 'refresh_token') return this.#renew(form);
    if (grant === 'urn:ietf:params:oauth:grant-type:device_code') return this.#poll(form);
    throw new Refused(400, 'connect-session §9.2', `grant_type "${grant ?? ''}" is not known`, oauthError('unsupported_grant_type'));
  }

  #redeem(form: URLSearchParams): Answer {
    const code = form.get('code') ?? '';
    const entry = this.#codes.get(code);
    // A code works once, whatever comes of it.
    this.#codes.delete(code);
    const bad = (what: string) => new Refused(400, 'connect-session §9.2', what, oauthError('invalid_grant'));
    if (!entry || entry.expires < this.#parts.time.now()) throw bad('the code is unknown, too old or was used before');
    if (form.get('redirect_uri') !== entry.redirect) throw bad('redirect_uri is not the one of the first step');
    if (form.get('client_id') !== entry.clientId) throw bad('client_id is not the one of the first step');
    const verifier = form.get('code_verifier') ?? '';
    if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)) throw bad('code_verifier is not 43 to 128 unreserved characters');
    if (createHash('sha256').update(verifier).digest('base64url') !== entry.challenge) throw bad('code_verifier does not fit the challenge');
    return this.#grant(entry, { username: entry.account.name });
  }

  #renew(form: URLSearchParams): Answer {
    const token = form.get('refresh_token') ?? '';
    const entry = this.#refresh.get(token);
    if (!entry || entry.clientId !== form.get('client_id')) throw new Refused(400, 'connect-session §9.2', 'the refresh token is not valid', oauthError('invalid_grant'));
    this.#refresh.delete(token);
    if (this.#parts.time.now() - entry.consent > consentLifetime) throw new Refused(400, 'connect-session §9.2', 'the consent has ended', oauthError('invalid_grant'));
    return this.#grant(entry, {}, entry.consent);
  }

  #startDevice(form: URLSearchParams): Answer {
    const clientId = form.get('client_id') ?? '';
    if (clientId !== keymaster) throw new Refused(400, 'connect-session §9.4', `client_id ${clientId} may not use the device flow`, oauthError('unauthorized_client'));
    const deviceCode = randomBytes(32).toString('base64url');
    const userCode = randomBytes(4).toString('hex').toUpperCase();
    const expires = this.#parts.time.now() + codeLifetime;
    this.#devices.set(deviceCode, { userCode, clientId, scopes: scopesOf(form), expires, account: null, isDenied: false, askedAt: null, interval: this.deviceInterval });
    return answerJson({
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: 'https://spotify.com/pair',
      ...(this.hasCompleteAddress && { verification_uri_complete: `https://spotify.com/pair?code=${userCode}` }),
      expires_in: codeLifetime / 1000,
      interval: this.deviceInterval,
    });
  }

  #poll(form: URLSearchParams): Answer {
    const { clock, faults, journal, time } = this.#parts;
    const entry = this.#devices.get(form.get('device_code') ?? '');
    if (!entry || entry.clientId !== form.get('client_id')) throw new Refused(400, 'connect-session §9.4', 'the device code is not valid', oauthError('invalid_grant'));
    const now = clock.monotonic();
    const isEarly = entry.askedAt !== null && now - entry.askedAt < 900 * entry.interval;
    if (isEarly) {
      journal.refuse({ service: 'accounts', clause: 'connect-session §9.4', what: `polled again after ${Math.round(now - (entry.askedAt ?? now))} ms, the interval is ${entry.interval} s`, refused: true });
    }
    entry.askedAt = now;
    if (entry.expires < time.now()) return { status: 400, json: { error: 'expired_token' } };
    if (entry.isDenied) return { status: 400, json: { error: 'access_denied' } };
    if (isEarly || faults.take('accounts/slow-down')) {
      // RFC 8628 §3.5: five seconds more, from now on.
      entry.interval += 5;
      return { status: 400, json: { error: 'slow_down' } };
    }
    if (!entry.account) return { status: 400, json: { error: 'authorization_pending' } };
    // A code is for one login.
    this.#devices.delete(form.get('device_code') ?? '');
    return this.#grant({ ...entry, account: entry.account }, {});
  }

  #grant({ account, clientId, scopes }: Omit<Refresh, 'consent'>, extra: object, consent = this.#parts.time.now()): Answer {
    const token = this.#parts.accounts.issueAccessToken(account, lifetime, scopes, clientId);
    const refresh = `sim-refresh-${randomBytes(24).toString('base64url')}`;
    this.#refresh.set(refresh, { account, clientId, scopes, consent });
    return answerJson({ access_token: token.value, token_type: 'Bearer', expires_in: lifetime / 1000, refresh_token: refresh, scope: scopes.join(' '), ...extra });
  }

  #byUserCode(userCode: string): DeviceCode | undefined {
    return [...this.#devices.values()].find((entry) => entry.userCode === userCode);
  }
}

function scopesOf(parameters: URLSearchParams): string[] {
  const scopes = (parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  const unknown = scopes.find((scope) => !knownScopes.has(scope));
  if (unknown !== undefined) throw new Refused(400, 'connect-session §9.3', `scope "${unknown}" is not known`, oauthError('invalid_scope'));
  return scopes;
}

function oauthError(error: string) {
  return { body: JSON.stringify({ error }), headers: { 'Content-Type': 'application/json' } };
}
