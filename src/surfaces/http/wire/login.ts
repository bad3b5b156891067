/**
 * Coming in over the socket without sending the key. The daemon gives a challenge, the client proves that it has the key, and the
 * daemon proves that it knows it: it keeps only the key's hash, and the hash alone lets nobody in. Who reads along, or pretends to be
 * the daemon, sees random bytes. The way of SCRAM (RFC 5802), in the headers of HTTP authentication (RFC 7235, RFC 7615).
 */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Login {
  /** Of the daemon, as it was given. */
  readonly challenge: string;
  /** Of the client, so that no two logins are alike. */
  readonly nonce: string;
  /** The key, hidden under what only its hash can make. */
  readonly proof: Buffer;
}

/** What the daemon and the owner of a key have of it in common. */
export function keyHash(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** `Bearer, Tonearm challenge="…"`: the value of `WWW-Authenticate` where both ways are open. */
export function encodeChallenge(challenge: string): string {
  return `Bearer, Tonearm challenge="${challenge}"`;
}

/** Null where none is given. */
export function parseChallenge(header: string | undefined): string | null {
  return /(?:^|, *)Tonearm challenge="([\w.-]{1,200})"/.exec(header ?? '')?.[1] ?? null;
}

export function makeLogin(key: string, challenge: string): Login {
  const words = { challenge, nonce: randomBytes(16).toString('base64url') };
  return { ...words, proof: hidden(Buffer.from(key), keyHash(key), words) };
}

/** The value of `Authorization`. */
export function encodeLogin({ challenge, nonce, proof }: Login): string {
  return `Tonearm challenge="${challenge}", nonce="${nonce}", proof="${proof.toString('base64url')}"`;
}

/** Null for what is no login of this kind. */
export function parseLogin(header: string | undefined): Login | null {
  const [, challenge, nonce, proof] = /^Tonearm challenge="([\w.-]{1,200})", nonce="([\w-]{16,64})", proof="([\w-]{1,1400})"$/.exec(header ?? '') ?? [];
  return challenge === undefined || nonce === undefined || proof === undefined ? null : { challenge, nonce, proof: Buffer.from(proof, 'base64url') };
}

/** Whether who made the login has the key of this hash. */
export function holdsKey(login: Login, hash: Uint8Array): boolean {
  const key = hidden(login.proof, hash, login);
  return timingSafeEqual(createHash('sha256').update(key).digest(), hash);
}

/** The value of `Authentication-Info`: the daemon's own proof. */
export function encodeDaemonProof({ challenge, nonce }: Login, hash: Uint8Array): string {
  return `proof="${createHmac('sha256', hash).update(`Tonearm daemon ${challenge} ${nonce}`).digest('base64url')}"`;
}

/** Whether a daemon that knows the key has answered. */
export function isDaemonProof(header: string | undefined, login: Login, hash: Uint8Array): boolean {
  const [given, right] = [Buffer.from(header ?? ''), Buffer.from(encodeDaemonProof(login, hash))];
  return given.length === right.length && timingSafeEqual(given, right);
}

/** Hides the key, and shows it again. */
function hidden(text: Uint8Array, hash: Uint8Array, { challenge, nonce }: Pick<Login, 'challenge' | 'nonce'>): Buffer {
  const mask = new Uint8Array(hkdfSync('sha256', hash, `${challenge} ${nonce}`, 'Tonearm client', text.length));
  return Buffer.from(text.map((byte, at) => byte ^ (mask[at] ?? 0)));
}
