import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, TonearmError } from '#foundation';
import type { ApiKeys, KeyView } from '../api-keys.ts';
import { badKey } from './gate.ts';
import { encodeChallenge, encodeDaemonProof, holdsKey, type Login } from './wire/login.ts';

/** So long a challenge can be answered. Milliseconds. */
const lifetime = 10_000;

/** Gives challenges and judges what comes back. Nothing is kept for strangers: a challenge is known again by its seal. */
export class Logins {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #keys: Pick<ApiKeys, 'recognise'>;
  readonly #secret = randomBytes(32);
  /** Challenges that were answered well, with when: nobody can send the same again. */
  readonly #answered = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, keys: Pick<ApiKeys, 'recognise'>) {
    this.#clock = clock;
    this.#keys = keys;
  }

  /** The value of `WWW-Authenticate`. */
  invite(): string {
    const text = `${Math.floor(this.#clock.monotonic())}.${randomBytes(16).toString('base64url')}`;
    return encodeChallenge(`${text}.${this.#seal(text)}`);
  }

  /** Whose login it is, and our own proof. Throws `http/late-login`, `http/bad-key`. */
  admit(login: Login): { readonly key: KeyView; readonly proof: string } {
    const now = this.#clock.monotonic();
    for (const [challenge, at] of this.#answered) if (now - at > lifetime) this.#answered.delete(challenge);
    if (!this.#isOpen(login.challenge, now)) throw new TonearmError({ kind: 'unavailable', code: 'http/late-login', message: 'This challenge is too old, or was answered before. Ask for another one.' });
    let proof = '';
    const key = this.#keys.recognise((hash) => {
      if (!holdsKey(login, hash)) return false;
      proof = encodeDaemonProof(login, hash);
      return true;
    });
    if (!key) throw badKey();
    this.#answered.set(login.challenge, now);
    return { key, proof };
  }

  #isOpen(challenge: string, now: number): boolean {
    const [at = '', random = '', seal = ''] = challenge.split('.');
    const right = this.#seal(`${at}.${random}`);
    if (seal.length !== right.length || !timingSafeEqual(Buffer.from(seal), Buffer.from(right))) return false;
    return now - Number(at) <= lifetime && !this.#answered.has(challenge);
  }

  #seal(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64url');
  }
}
