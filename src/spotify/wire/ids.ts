import { createHash } from 'node:crypto';
import { fromHex, hex } from '#foundation';
import { WireError } from './wire-error.ts';

/** Ids and addresses of things in the catalogue: `connect-session.md §1`. */

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const digitOf = new Map(Array.from(alphabet, (character, value) => [character, value]));
const base62Length = 22;
const gidLength = 16;
const longestUri = 4096;

/** The 22-digit spelling of a 16-byte id. */
export function gidToBase62(gid: Uint8Array): string {
  let rest = BigInt(`0x${gidToHex(gid)}`);
  let text = '';
  for (let digit = 0; digit < base62Length; digit++) {
    text = alphabet.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}

/** The 16 bytes of a base62 id. Strict: exactly 22 known digits, below 2^128. */
export function base62ToGid(text: string): Buffer {
  if (text.length !== base62Length) throw badId();
  let value = 0n;
  for (const character of text) {
    const digit = digitOf.get(character);
    if (digit === undefined) throw badId();
    value = value * 62n + BigInt(digit);
  }
  if (value >> 128n !== 0n) throw badId();
  return Buffer.from(value.toString(16).padStart(gidLength * 2, '0'), 'hex');
}

/** The 32-digit lower-case spelling of a 16-byte id. */
export function gidToHex(gid: Uint8Array): string {
  if (gid.length !== gidLength) throw new WireError('wire/bad-gid', `An id of ${gid.length} bytes arrived where 16 belong: the item cannot be named. Skip it.`);
  return hex(gid);
}

/** The 16 bytes of 32 hexadecimal digits, either case. */
export function hexToGid(text: string): Buffer {
  const bytes = text.length === gidLength * 2 ? fromHex(text) : null;
  if (!bytes) throw badId();
  return bytes;
}

/** A parsed `spotify:…` address. */
export interface SpotifyUri {
  /** `track`, `album`, `collection`, …; of user-scoped addresses the inner kind. */
  readonly kind: string;
  /** Base62, where the address names one thing by id. */
  readonly id: string | null;
  readonly gid: Buffer | null;
  /** As spelled in the address: percent-encoding is left alone. */
  readonly user: string | null;
  readonly text: string;
}

/** Kinds that cannot do without an id; for all others the rest of the address is opaque. */
const namedById = new Set(['track', 'episode', 'album', 'artist', 'playlist', 'show']);

/** Parses any address beginning with `spotify:` (§1.3). Unknown kinds pass; known kinds need a valid id. */
export function parseSpotifyUri(text: string): SpotifyUri {
  if (text.length > longestUri) throw badUri();
  const parts = text.split(':');
  const [scheme, first] = parts;
  if (scheme !== 'spotify' || !first) throw badUri();
  const scoped = first === 'user' && parts.length >= 4;
  const kind = (scoped ? parts[3] : first) ?? '';
  const user = first === 'user' ? (parts[2] ?? '') : null;
  if (kind === '' || user === '') throw badUri();
  if (parts.length < 3 && kind !== 'collection') throw badUri();
  const candidate = parts[scoped ? 4 : 2];
  if (namedById.has(kind)) {
    if (candidate === undefined) throw badUri();
    return { kind, id: candidate, gid: base62ToGid(candidate), user, text };
  }
  const gid = candidate !== undefined && kind !== 'user' && kind !== 'local' ? gidOrNull(candidate) : null;
  return { kind, id: gid && candidate !== undefined ? candidate : null, gid, user, text };
}

/** True for what a receiver can play itself: tracks and episodes. */
export function isPlayableUri(text: string): boolean {
  const uri = uriOrNull(text);
  return uri !== null && (uri.kind === 'track' || uri.kind === 'episode');
}

export function formatUri(kind: string, gid: Uint8Array): string {
  return `spotify:${kind}:${gidToBase62(gid)}`;
}

const kindsOfEpisodes = new Set(['episode', 'show', 'chapter', 'audiobook']);
const kindsOfTracks = new Set([
  'album', 'artist', 'playlist', 'track', 'station', 'dailymix', 'collection', 'top', 'trackset',
  'list', 'local', 'concept', 'running', 'genre', 'radio', 'folder',
]);

/** What a context holds when its tracks carry only a gid (§1.3); `null` where guessing would be wrong. */
export function itemKindOfContext(text: string): 'track' | 'episode' | null {
  const parts = text.split(':', 5);
  if (parts[0] !== 'spotify') return null;
  if (text.endsWith(':collection:your-episodes')) return 'episode';
  const kind = (parts[1] === 'user' && parts.length >= 4 ? parts[3] : parts[1]) ?? '';
  if (kindsOfEpisodes.has(kind)) return 'episode';
  return kindsOfTracks.has(kind) ? 'track' : null;
}

const fileIdLength = 20;

/**
 * The spelling of a file id in addresses: 40 digits. Ids that are too short are filled up with zeros on the right (§1.4),
 * which is good for naming them in a log only: ask `isUsableFileId` first.
 */
export function fileIdToHex(id: Uint8Array): string {
  return hex(id).padEnd(fileIdLength * 2, '0');
}

/** The 20 bytes of a file id in an address. */
export function hexToFileId(text: string): Buffer {
  const bytes = text.length === fileIdLength * 2 ? fromHex(text) : null;
  if (!bytes) throw new WireError('wire/bad-file-id', 'A file id is not 40 hexadecimal digits: the file cannot be fetched. Skip it.');
  return bytes;
}

/** Some files come with ids of 16 bytes and cannot be fetched (§1.4). */
export function isUsableFileId(id: Uint8Array): boolean {
  return id.length === fileIdLength;
}

/** `https://open.spotify.com/[intl-xx/]track/ID?si=…` → `spotify:track:ID`; `null` for anything else. */
export function parseShareLink(text: string): string | null {
  const match = /^(?:https?:\/\/)?open\.spotify\.com\/(?:intl-[a-z]{2,3}\/)?(?:embed\/)?([a-z]{1,20})\/([0-9A-Za-z]{22})\/?(?:[?#]|$)/.exec(text.slice(0, longestUri).trim());
  if (!match) return null;
  const [, kind = '', id = ''] = match;
  return namedById.has(kind) && gidOrNull(id) ? `spotify:${kind}:${id}` : null;
}

/** Our own device ids: 40 lower-case hexadecimal digits (§1.1). */
export function isDeviceId(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** How some receivers derive theirs from their name (§1.1). Ours are random: this is for recognising and playing others. */
export function deviceIdFromName(name: string): string {
  return createHash('sha1').update(name, 'utf8').digest('hex');
}

function gidOrNull(text: string): Buffer | null {
  try {
    return base62ToGid(text);
  } catch {
    return null;
  }
}

function uriOrNull(text: string): SpotifyUri | null {
  try {
    return parseSpotifyUri(text);
  } catch {
    return null;
  }
}

function badId(): WireError {
  return new WireError('wire/bad-id', 'An id is not a valid Spotify id: it names nothing. Check the address that was given.');
}

function badUri(): WireError {
  return new WireError('wire/bad-uri', 'An address does not have the form spotify:kind:id: it names nothing that can be played. Check the address that was given.');
}
