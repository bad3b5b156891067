import { createHash, randomBytes } from 'node:crypto';
import { sameBytes, Secret } from '#foundation';

/** What a browser login has to remember until the browser comes back (`connect-session.md §9.2`). */
export interface Proof {
  readonly verifier: Secret<string>;
  /** For the address: base64url of the verifier's SHA-256, without padding. */
  readonly challenge: string;
  readonly state: string;
}

export function makeProof(): Proof {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier: new Secret(verifier), challenge: challengeOf(verifier), state: randomBytes(16).toString('base64url') };
}

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

/** Equal in constant time. */
export function sameState(a: string, b: string): boolean {
  return sameBytes(Buffer.from(a), Buffer.from(b));
}
