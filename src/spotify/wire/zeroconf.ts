import { WireError } from './wire-error.ts';

/** What a phone and a speaker say to each other over HTTP to pair: `connect-session.md §10.2-10.7`. */

/** What a speaker tells about itself. Optional fields have the usual values when left out. */
export interface DeviceInfo {
  readonly deviceId: string;
  /** `null` on devices that answer for several (`aliases`). */
  readonly name: string | null;
  /** Base64 of the speaker's public key. */
  readonly publicKey: string;
  readonly brand: string;
  readonly model: string;
  readonly libraryVersion: string;
  /** Canonical name of who is logged in; empty for nobody. */
  readonly activeUser: string;
  readonly deviceType?: string;
  /** Of the pairing protocol. */
  readonly version?: string;
  readonly tokenType?: string;
  readonly scope?: string;
  readonly clientId?: string;
  /** Empty when ready; `UNAVAILABLE`, `NOT-LOADED`. */
  readonly availability?: string;
  readonly groupStatus?: string;
  readonly resolverVersion?: string;
  readonly accountRequirement?: string;
}

/** Values an open speaker gives; anything but `default` tokens would make phones fail (§10.7). */
const usual = {
  deviceType: 'Speaker',
  version: '2.9.0',
  tokenType: 'default',
  scope: 'streaming',
  clientId: '65b708073fc0480ea92a077233ca87bd',
  availability: '',
  groupStatus: 'NONE',
  resolverVersion: '1',
  accountRequirement: 'PREMIUM',
} as const;

/** The longest text of each key in bytes (§10.3). */
const limits = {
  version: 30, deviceID: 64, deviceType: 15, remoteName: 64, publicKey: 149, brandDisplayName: 32, modelDisplayName: 30, libraryVersion: 30,
  groupStatus: 15, tokenType: 30, clientID: 32, scope: 64, availability: 15, activeUser: 64, responseSource: 20,
} as const;

/** The JSON answer to `getInfo`. Names that are too long are cut at a character. */
export function encodeGetInfo(info: DeviceInfo): string {
  const full = { ...usual, ...info };
  return JSON.stringify({
    status: ZeroconfStatus.ok.status,
    statusString: ZeroconfStatus.ok.text,
    spotifyError: 0,
    version: full.version,
    deviceID: full.deviceId,
    deviceType: full.deviceType,
    remoteName: full.name === null ? null : clip(full.name, limits.remoteName),
    publicKey: full.publicKey,
    brandDisplayName: clip(full.brand, limits.brandDisplayName),
    modelDisplayName: clip(full.model, limits.modelDisplayName),
    libraryVersion: clip(full.libraryVersion, limits.libraryVersion),
    resolverVersion: full.resolverVersion,
    groupStatus: full.groupStatus,
    tokenType: full.tokenType,
    clientID: full.clientId,
    productID: 0,
    scope: full.scope,
    availability: full.availability,
    supported_drm_media_formats: [],
    supported_capabilities: 1,
    accountReq: full.accountRequirement,
    activeUser: full.activeUser,
    voiceSupport: 'NO',
    aliases: [],
  });
}

/** Reads an answer to `getInfo` as a phone must: whatever is missing or of another type counts as empty. */
export function parseGetInfo(text: string): Required<DeviceInfo> & { readonly status: number } {
  const json = objectOf(text, 'The answer of a speaker about itself');
  const string = (key: string): string => stringOf(json, key) ?? '';
  return {
    status: numberOf(json, 'status') ?? 0,
    deviceId: string('deviceID'),
    name: stringOf(json, 'remoteName'),
    publicKey: string('publicKey'),
    brand: string('brandDisplayName'),
    model: string('modelDisplayName'),
    libraryVersion: string('libraryVersion'),
    activeUser: string('activeUser'),
    deviceType: string('deviceType'),
    version: string('version'),
    tokenType: stringOf(json, 'tokenType') ?? usual.tokenType,
    scope: string('scope'),
    clientId: string('clientID'),
    availability: string('availability'),
    groupStatus: string('groupStatus'),
    resolverVersion: string('resolverVersion'),
    accountRequirement: string('accountReq'),
  };
}

/** What a strict phone would find wrong with an answer to `getInfo`: types, limits, missing keys. For the simulator. */
export function judgeGetInfo(text: string): string[] {
  const json = objectOf(text, 'The answer of a speaker about itself');
  const faults: string[] = [];
  const numbers = ['status', 'spotifyError', 'productID', 'supported_capabilities'];
  const arrays = ['supported_drm_media_formats', 'aliases'];
  for (const key of ['status', 'statusString', 'spotifyError', 'version', 'deviceID', 'deviceType', 'publicKey', 'brandDisplayName', 'modelDisplayName', 'libraryVersion', 'tokenType', 'accountReq', 'activeUser']) {
    if (!Object.hasOwn(json, key)) faults.push(`${key} is missing (§10.3)`);
  }
  for (const [key, value] of Object.entries(json)) {
    if (numbers.includes(key) && !Number.isInteger(value)) faults.push(`${key} is not an integer (§10.3)`);
    if (arrays.includes(key) && (!Array.isArray(value) || value.length > 8)) faults.push(`${key} is not a list of at most 8 (§10.3)`);
    if (!Object.hasOwn(limits, key)) continue;
    const limit = limits[key as keyof typeof limits];
    if (typeof value !== 'string') {
      if (!(key === 'remoteName' && value === null)) faults.push(`${key} is not text (§10.3)`);
    } else if (Buffer.byteLength(value) > limit) faults.push(`${key} is longer than ${limit} bytes (§10.3)`);
  }
  return faults;
}

/** Every answer there is (§10.6): its number, the HTTP status it travels with and its text. */
export const ZeroconfStatus = {
  ok: { status: 101, http: 200, text: 'OK' },
  bad: { status: 102, http: 400, text: 'ERROR-BAD-REQUEST' },
  unknown: { status: 103, http: 500, text: 'ERROR-UNKNOWN' },
  notImplemented: { status: 104, http: 501, text: 'ERROR-NOT-IMPLEMENTED' },
  loginFailed: { status: 202, http: 200, text: 'ERROR-LOGIN-FAILED' },
  invalidPublicKey: { status: 203, http: 200, text: 'ERROR-INVALID-PUBLICKEY' },
  missingAction: { status: 301, http: 400, text: 'ERROR-MISSING-ACTION' },
  invalidAction: { status: 302, http: 400, text: 'ERROR-INVALID-ACTION' },
  invalidArguments: { status: 303, http: 400, text: 'ERROR-INVALID-ARGUMENTS' },
  spotifyError: { status: 402, http: 200, text: 'ERROR-SPOTIFY-ERROR' },
} as const;

export type ZeroconfStatusName = keyof typeof ZeroconfStatus;

export interface StatusDetails {
  readonly spotifyError?: number;
  /** With `invalidPublicKey`: what the phone needs for a second try. */
  readonly version?: string;
  readonly deviceId?: string;
  readonly publicKey?: string;
}

/** The answer to anything but a successful `getInfo`: HTTP status and JSON body. */
export function encodeStatus(name: ZeroconfStatusName, { spotifyError = 0, version, deviceId, publicKey }: StatusDetails = {}): { readonly http: number; readonly body: string } {
  const { status, http, text } = ZeroconfStatus[name];
  return { http, body: JSON.stringify({ status, statusString: text, spotifyError, version, deviceID: deviceId, publicKey }) };
}

export interface StatusAnswer {
  readonly status: number;
  /** `null` for numbers that are not in the table. */
  readonly name: ZeroconfStatusName | null;
  readonly text: string;
  readonly spotifyError: number;
  readonly deviceId: string | null;
  readonly publicKey: string | null;
}

/** Reads such an answer. Some vendors send the numbers as texts. */
export function parseStatus(text: string): StatusAnswer {
  const json = objectOf(text, 'The answer of a speaker');
  const status = numberOf(json, 'status') ?? 0;
  const names = Object.keys(ZeroconfStatus) as ZeroconfStatusName[];
  return {
    status,
    name: names.find((name) => ZeroconfStatus[name].status === status) ?? null,
    text: stringOf(json, 'statusString') ?? '',
    spotifyError: numberOf(json, 'spotifyError') ?? 0,
    deviceId: stringOf(json, 'deviceID'),
    publicKey: stringOf(json, 'publicKey'),
  };
}

const longestForm = 16 * 1024;

/** The fields of a form body or of a query string, decoded; of repeated ones the first counts. At most 16 KiB. */
export function parseForm(body: string | Uint8Array): Map<string, string> {
  if (body.length > longestForm) throw new WireError('wire/form-too-long', 'A pairing request is longer than any phone sends: it was refused.');
  const text = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) if (!fields.has(name)) fields.set(name, value);
  return fields;
}

export function encodeForm(fields: Iterable<readonly [string, string]>): string {
  return new URLSearchParams([...fields].map(([name, value]): [string, string] => [name, value])).toString();
}

/** The fields of `addUser` (§10.4), empty where missing: phones differ in what they send. */
export interface AddUser {
  readonly username: string;
  readonly blob: string;
  readonly clientKey: string;
  /** `default` where missing. */
  readonly tokenType: string;
  readonly loginId: string;
  /** Of the phone. */
  readonly deviceName: string;
  /** Of the phone. */
  readonly deviceId: string;
  readonly version: string;
}

export function parseAddUser(fields: ReadonlyMap<string, string>): AddUser {
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    username: field('userName'),
    blob: field('blob').replace(/ /g, '+'),
    clientKey: field('clientKey').replace(/ /g, '+'),
    tokenType: field('tokenType') || usual.tokenType,
    loginId: field('loginId'),
    deviceName: field('deviceName'),
    deviceId: field('deviceId'),
    version: field('version'),
  };
}

/** The body of an `addUser` request, as a phone writes it. */
export function encodeAddUser(request: AddUser): string {
  return encodeForm([
    ['action', 'addUser'],
    ['userName', request.username],
    ['blob', request.blob],
    ['clientKey', request.clientKey],
    ['tokenType', request.tokenType],
    ['loginId', request.loginId],
    ['deviceName', request.deviceName],
    ['deviceId', request.deviceId],
    ['version', request.version],
  ]);
}

function objectOf(text: string, what: string): Record<string, unknown> {
  const fail = (cause?: unknown): WireError => new WireError('wire/bad-json', `${what} is not a JSON object: it cannot be used.`, cause);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw fail(error);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw fail();
  return json as Record<string, unknown>;
}

function stringOf(json: Record<string, unknown>, key: string): string | null {
  const value = Object.hasOwn(json, key) ? json[key] : undefined;
  return typeof value === 'string' ? value : null;
}

function numberOf(json: Record<string, unknown>, key: string): number | null {
  const value = Object.hasOwn(json, key) ? json[key] : undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : null;
}

/** The longest beginning of a text that fits `bytes` bytes of UTF-8, whole characters only. */
function clip(text: string, bytes: number): string {
  let used = 0;
  let end = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}
