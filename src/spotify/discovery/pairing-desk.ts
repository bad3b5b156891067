import { maskUser, Secret, sleep, TonearmError, toTonearmError, type Clock, type Log } from '#foundation';
import { AuthType, decryptPairingBlob, encodeGetInfo, encodeStatus, parseAddUser, type DhKeyPair, type StatusDetails, type ZeroconfStatusName } from '#spotify/wire';
import type { Credentials, Identity } from '../ports.ts';
import { AttemptLimit } from './attempt-limit.ts';

/** Who stands in front of the speaker. */
export interface Visitor {
  /**
   * Whose login it is if it is one: stored credentials work for the name they come with and for no other. Null for tokens,
   * where the name beside them proves nothing.
   */
  readonly user: string | null;
  /** Name of the phone. */
  readonly phone: string | null;
}

export interface DeskOptions {
  readonly identity: Identity;
  /** Shown to people; the identity's name unless it was changed. */
  readonly name: string;
  readonly keyPair: DhKeyPair;
  readonly clock: Clock;
  readonly log: Log;
  /** Logs somebody in. Called once per pairing; the signal fires when somebody else pairs meanwhile. */
  onUser(credentials: Credentials, signal: AbortSignal, visitor: Visitor): Promise<'ok' | 'refused'>;
  /** Asked first: a visitor who is turned down here disturbs no login that is under way. */
  readonly mayPair?: ((visitor: Visitor) => boolean) | undefined;
  activeUser(): string | null;
  /** Asked before a reset: whoever is in the network can send one. */
  readonly mayReset?: (() => boolean) | undefined;
  onReset(): void | Promise<void>;
}

export interface Question {
  readonly method: string;
  /** Query and body merged. */
  readonly fields: ReadonlyMap<string, string>;
  /** Who asks, for the limit of failed attempts. */
  readonly address: string;
}

export interface Answer {
  readonly http: number;
  readonly body: string;
}

/** How long a phone waits for the outcome of its login before it is told that it is on its way. */
const loginTime = 5000;

interface Login {
  readonly username: string;
  readonly abort: AbortController;
  readonly outcome: Promise<'ok' | 'refused'>;
}

/** What a speaker answers to phones that want to pair: `connect-session.md §10.6` "Ours". Never throws. */
export class PairingDesk {
  readonly #options: DeskOptions;
  readonly #limit = new AttemptLimit();
  readonly #publicKey: string;
  #login: Login | null = null;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#publicKey = options.keyPair.publicKey.toString('base64');
  }

  async answer(question: Question): Promise<Answer> {
    const { method, fields } = question;
    const action = fields.get('action') ?? '';
    try {
      if (action === '') return status('missingAction');
      if (action === 'getInfo' && method === 'GET') return { http: 200, body: this.#info() };
      if (action === 'addUser' && method === 'POST') return await this.#addUser(question);
      if (action === 'resetUsers' && method === 'POST') return await this.#reset();
      return status('invalidAction');
    } catch (thrown) {
      const error = toTonearmError(thrown);
      this.#options.log.error('A pairing request could not be answered.', { code: error.code, error });
      return status('unknown');
    }
  }

  /** Stops a login that is still running. */
  close(): void {
    this.#login?.abort.abort(replaced());
  }

  #info(): string {
    const { identity, name } = this.#options;
    return encodeGetInfo({
      deviceId: identity.deviceId,
      name,
      publicKey: this.#publicKey,
      brand: identity.brand,
      model: identity.model,
      libraryVersion: identity.version,
      activeUser: this.#options.activeUser() ?? '',
      clientId: identity.clientId,
    });
  }

  async #reset(): Promise<Answer> {
    if (this.#options.mayReset?.() === false) {
      this.#options.log.info('Somebody in the network asked to log the account out. With the rules for guests that are set this is declined: log out in the Spotify app with the account itself, or with "tonearm logout".');
      return status('bad');
    }
    this.#login?.abort.abort(replaced());
    this.#login = null;
    await this.#options.onReset();
    return status('ok');
  }

  async #addUser({ fields, address }: Question): Promise<Answer> {
    const { clock, log } = this.#options;
    if (!this.#limit.allows(address, clock.monotonic())) {
      log.debug('Too many failed pairings from one address; it has to wait.', { address });
      return { ...status('bad'), http: 429 };
    }
    const request = parseAddUser(fields);
    const credentials = this.#credentials(request, address);
    if (typeof credentials === 'string') return status(credentials, credentials === 'invalidPublicKey' ? this.#key() : {});
    // A token in the blob logs in whoever it was made for, whatever name stands beside it.
    const visitor = { user: credentials.type === AuthType.stored ? credentials.username : null, phone: textOf(request.deviceName) };
    if (visitor.user !== null && this.#options.activeUser() === visitor.user && !this.#login) return status('ok');
    if (this.#options.mayPair?.(visitor) === false) {
      this.#limit.failed(address, clock.monotonic());
      return status('loginFailed');
    }
    const outcome = await this.#outcome(this.#begin(visitor, credentials));
    if (outcome === 'refused') this.#limit.failed(address, clock.monotonic());
    return status(outcome === 'refused' ? 'loginFailed' : 'ok');
  }

  /** By token type (§10.7); in place of credentials, which status says why there are none. */
  #credentials(request: ReturnType<typeof parseAddUser>, address: string): Credentials | ZeroconfStatusName {
    switch (request.tokenType) {
      case 'default':
        return this.#decrypt(request, address);
      case 'accesstoken':
        return tokenCredentials(request.blob);
      default: {
        const isCode = request.tokenType === 'authorization_code';
        this.#options.log.warn(
          isCode
            ? 'A phone offered an authorization code. Only speakers of registered makers can redeem one, with a secret of their own, so it was declined. Phones that follow what the speaker says about itself never send this; update the app, or log in with "tonearm login".'
            : 'A phone wants to pair in a way this version does not know, so it was declined. Update Tonearm, or log in with "tonearm login".',
          { code: isCode ? 'spotify/pairing-code-unsupported' : 'spotify/pairing-type-unknown' },
        );
        return 'invalidArguments';
      }
    }
  }

  /** The credentials in the request, or which status says what is wrong with them. */
  #decrypt(request: ReturnType<typeof parseAddUser>, address: string): Credentials | ZeroconfStatusName {
    const { identity, keyPair, log, clock } = this.#options;
    const { username, blob, clientKey } = request;
    // Nobody's name moves a cursor or turns the text around it; it is shown to the owner before it is known to be real.
    if (username === '' || textOf(username) !== username || blob === '' || clientKey === '') return 'invalidArguments';
    try {
      const { type, data, oddities } = decryptPairingBlob({ blob, clientKey, keyPair, deviceId: identity.deviceId, username });
      for (const oddity of oddities) log.debug('A phone pairs in an unusual way.', { oddity });
      return { username, type, data: new Secret<Uint8Array>(data) };
    } catch (error) {
      this.#limit.failed(address, clock.monotonic());
      const code = toTonearmError(error).code;
      log.warn(toTonearmError(error).message, { code });
      // The usual cause is a phone that remembers our previous key; with the new one at hand it tries again (§10.6).
      if (code === 'wire/pairing-mac') return 'invalidPublicKey';
      return code === 'wire/pairing-encoding' || code === 'wire/pairing-short' || code === 'wire/bad-public-key' ? 'invalidArguments' : 'bad';
    }
  }

  /** One login per user; another user's takes its place. */
  #begin(visitor: Visitor, credentials: Credentials): Login {
    const username = visitor.user ?? '';
    if (this.#login && username !== '' && this.#login.username === username) return this.#login;
    this.#login?.abort.abort(replaced());
    const { log } = this.#options;
    log.info('A phone pairs with this speaker.', { user: maskUser(visitor.user ?? '') });
    const abort = new AbortController();
    const outcome = this.#options.onUser(credentials, abort.signal, visitor).catch((thrown: unknown) => {
      const error = toTonearmError(thrown);
      if (!abort.signal.aborted) log.warn(error.message, { code: error.code });
      return 'refused' as const;
    });
    const login: Login = { username, abort, outcome };
    this.#login = login;
    void outcome.finally(() => {
      if (this.#login === login) this.#login = null;
    });
    return login;
  }

  async #outcome(login: Login): Promise<'ok' | 'refused'> {
    const patience = new AbortController();
    const pending = sleep(this.#options.clock, loginTime, patience.signal).then(
      () => 'ok' as const,
      () => 'ok' as const,
    );
    try {
      return await Promise.race([login.outcome, pending]);
    } finally {
      patience.abort();
    }
  }

  #key(): StatusDetails {
    return { version: '2.9.0', deviceId: this.#options.identity.deviceId, publicKey: this.#publicKey };
  }
}

/** What a phone says of itself, fit to be shown: no control characters, not endless. */
function textOf(text: string): string | null {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '').slice(0, 256);
  return clean === '' ? null : clean;
}

/** The access point takes a token without a name (`connect-session.md §10.7`). */
function tokenCredentials(token: string): Credentials | ZeroconfStatusName {
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) return 'invalidArguments';
  return { username: null, type: AuthType.token, data: new Secret<Uint8Array>(Buffer.from(token)) };
}

function status(name: ZeroconfStatusName, details: StatusDetails = {}): Answer {
  return encodeStatus(name, details);
}

function replaced(): TonearmError {
  return new TonearmError({ kind: 'cancelled', code: 'spotify/pairing-replaced', message: 'Somebody else paired with this speaker meanwhile.' });
}
