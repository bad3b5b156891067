import { createHash, createHmac, randomBytes } from 'node:crypto';
import { TonearmError, hex, sameBytes } from '#foundation';

/** The client id of desktop clients and of every open receiver (connect-session §9.1). */
export const keymaster = '65b708073fc0480ea92a077233ca87bd';

export interface AccountOptions {
  /** Canonical user name. */
  readonly name: string;
  /** Product type: `premium`, `free`, `open`. */
  readonly product?: string;
  /** Two letters. */
  readonly country?: string;
  /** Further product attributes, or other values for the usual ones. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A long-lived secret that logs a user in; bound to the client id it was made under. */
export interface StoredCredential {
  readonly data: Buffer;
  readonly clientId: string;
  readonly deviceId: string | null;
}

export interface AccessToken {
  readonly value: string;
  readonly account: Account;
  /** Unix ms of the cloud's clock. */
  readonly expires: number;
  readonly scopes: readonly string[];
  /** The application it was made for. */
  readonly clientId: string;
}

/** One user of the cloud. */
export class Account {
  readonly name: string;
  country: string;
  readonly attributes: Map<string, string>;
  /** Counts withdrawals of credentials. */
  revision = 0;
  readonly stored: StoredCredential[] = [];
  /** Logins at the access point, oldest first. */
  readonly logins: { readonly at: number; readonly deviceId: string; readonly type: number; readonly named: boolean }[] = [];

  constructor({ name, product = 'premium', country = 'SE', attributes = {} }: AccountOptions) {
    this.name = name;
    this.country = country;
    this.attributes = new Map(
      Object.entries({
        type: product,
        catalogue: product === 'premium' ? 'premium' : 'free',
        'filter-explicit-content': '0',
        autoplay: '1',
        'image-url': 'https://i.scdn.co/image/{file_id}',
        'head-files-url': 'https://heads-fa.scdn.co/head/{file_id}',
        'audio-preview-url-template': 'https://p.scdn.co/mp3-preview/{id}',
        ads: '0',
        'high-bitrate': '1',
        'player-license': product,
        'on-demand': '1',
        ...attributes,
      }),
    );
  }

  get isPremium(): boolean {
    return this.attributes.get('type') === 'premium';
  }
}

/** Users, their credentials and the tokens that were handed out. */
export class Accounts {
  readonly #time: { now(): number };
  readonly #seed: string;
  readonly #imageUrl: () => string;
  readonly #byName = new Map<string, Account>();
  readonly #accessTokens = new Map<string, AccessToken>();
  readonly #clientTokens = new Map<string, { readonly deviceId: string; readonly clientId: string; readonly expires: number }>();
  readonly #past = new Set<string>();
  #issued = 0;

  /** `time`: the cloud's clock. `imageUrl`: where pictures are, with `{file_id}` in it. */
  constructor(time: { now(): number }, seed: string, imageUrl: () => string) {
    this.#time = time;
    this.#seed = seed;
    this.#imageUrl = imageUrl;
  }

  get all(): readonly Account[] {
    return [...this.#byName.values()];
  }

  add(options: AccountOptions): Account {
    const account = new Account({ ...options, attributes: { 'image-url': this.#imageUrl(), ...options.attributes } });
    this.#byName.set(account.name, account);
    return account;
  }

  find(name: string): Account | null {
    return this.#byName.get(name) ?? null;
  }

  get(name: string): Account {
    const account = this.#byName.get(name);
    if (account) return account;
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-such-user', message: `The simulated cloud has no user "${name}"; add one first.` });
  }

  /** What a phone puts into its pairing blob: 86 bytes, the same each time the cloud is opened with one seed. */
  pairingCredential(account: Account): StoredCredential {
    const bytes = Buffer.concat([1, 2].map((part) => this.#derive(account, `pairing ${part}`)));
    return { data: bytes.subarray(0, 86), clientId: keymaster, deviceId: null };
  }

  /** Reusable credentials as APWelcome hands them out: 64 bytes, the same for a user, a device and a client id. */
  reusableCredential(account: Account, deviceId: string, clientId: string = keymaster): StoredCredential {
    const credential = { data: this.#derive(account, `reusable ${deviceId} ${clientId}`), clientId, deviceId };
    if (!account.stored.some(({ data }) => sameBytes(data, credential.data))) account.stored.push(credential);
    return credential;
  }

  #derive(account: Account, purpose: string, revision = account.revision): Buffer {
    return createHmac('sha512', this.#seed).update(`${purpose}/${account.name}/${revision}`).digest();
  }

  /** Whether `data` was a credential of this user before it was withdrawn: using it is no breach, the client cannot know. */
  wasStored(account: Account, data: Uint8Array, deviceId: string): boolean {
    for (let revision = 0; revision < account.revision; revision++) {
      const pairing = Buffer.concat([1, 2].map((part) => this.#derive(account, `pairing ${part}`, revision))).subarray(0, 86);
      if (sameBytes(pairing, data) || sameBytes(this.#derive(account, `reusable ${deviceId} ${keymaster}`, revision), data)) return true;
    }
    return false;
  }

  /** The credential of this user that equals `data`; `deviceId` helps to recognise one of an earlier run. */
  checkStored(account: Account, data: Uint8Array, deviceId: string): StoredCredential | null {
    const known = [this.pairingCredential(account), this.reusableCredential(account, deviceId), ...account.stored];
    return known.find((stored) => sameBytes(stored.data, data)) ?? null;
  }

  /** Withdraws every stored credential of a user: the next login with one is refused, a new pairing works. */
  revoke(account: Account): void {
    account.stored.length = 0;
    account.revision += 1;
  }

  issueAccessToken(account: Account, lifetime: number, scopes: readonly string[] = ['streaming'], clientId: string = keymaster): AccessToken {
    this.#issued += 1;
    const token = { value: `sim-token-${this.#issued}-${randomBytes(12).toString('base64url')}`, account, expires: this.#time.now() + lifetime, scopes, clientId };
    this.#accessTokens.set(token.value, token);
    return token;
  }

  /** The token behind this text while it is valid. */
  accessToken(value: string): AccessToken | null {
    const token = this.#accessTokens.get(value);
    return token && token.expires > this.#time.now() ? token : null;
  }

  /** Whether this text was an access token once. */
  wasAccessToken(value: string): boolean {
    return this.#past.has(value) || this.#accessTokens.has(value);
  }

  /** Whether this text was a client token once. */
  wasClientToken(value: string): boolean {
    return this.#past.has(value) || this.#clientTokens.has(value);
  }

  /** Ends every access token now (or those of one user): the next use gets 401. */
  expireAccessTokens(account?: Account): void {
    for (const [value, token] of this.#accessTokens) {
      if (account && token.account !== account) continue;
      this.#past.add(value);
      this.#accessTokens.delete(value);
    }
  }

  issueClientToken(clientId: string, deviceId: string, lifetime: number): string {
    this.#issued += 1;
    const value = `sim-client-token-${this.#issued}-${randomBytes(12).toString('base64url')}`;
    this.#clientTokens.set(value, { clientId, deviceId, expires: this.#time.now() + lifetime });
    return value;
  }

  clientToken(value: string): { readonly deviceId: string; readonly clientId: string } | null {
    const token = this.#clientTokens.get(value);
    return token && token.expires > this.#time.now() ? token : null;
  }

  expireClientTokens(): void {
    for (const value of this.#clientTokens.keys()) this.#past.add(value);
    this.#clientTokens.clear();
  }

  /** Every secret that exists, as the texts in which it could leak. */
  get secrets(): readonly string[] {
    const stored = this.all.flatMap((account) =>
      [this.pairingCredential(account), ...account.stored].flatMap(({ data }) => [data.toString('base64'), hex(data)]),
    );
    return [...stored, ...this.#accessTokens.keys(), ...this.#clientTokens.keys()];
  }
}

/** Names a user in a way that needs no escaping, the way new accounts look: 28 characters. */
export function opaqueUserName(name: string): string {
  return `31${createHash('sha256').update(name).digest('hex').slice(0, 26)}`;
}
