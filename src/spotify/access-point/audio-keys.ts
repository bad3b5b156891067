import { abortable, hex, TonearmError, withTimeout, type Clock, type Log } from '#foundation';
import { decodeKey, decodeKeyError, encodeKeyRequest, KeyErrorCode, keySequence, Packet } from '#spotify/wire';

/** What the keys need of the access point. */
export interface KeyLink {
  send(command: number, payload: Uint8Array): boolean;
  whenOnline(signal: AbortSignal): Promise<void>;
}

/** `connect-session.md §6.1`. */
const answerTime = 5000;
const triesPerKey = 2;
/** How long a request waits for the access point to come back (`connect-control.md §10.3`). */
const reconnectTime = 30_000;
const firstPause = 30_000;
const longestPause = 600_000;
const mostLosses = 3;
const remembered = 16;

interface Waiting {
  readonly resolve: (key: Buffer) => void;
  readonly reject: (error: Error) => void;
}

class ConnectionLost extends Error {}

/**
 * Audio keys over the access point (`connect-session.md §6`): answers find their request by sequence number in any order;
 * a time-out is retried once, a refusal never; after a throttling answer nothing is asked until the pause is over.
 */
export class AudioKeys {
  readonly #link: KeyLink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #waiting = new Map<number, Waiting>();
  readonly #known = new Map<string, Buffer>();
  #sequence = 0;
  #pause = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor({ link, clock, log }: { readonly link: KeyLink; readonly clock: Clock; readonly log: Log }) {
    this.#link = link;
    this.#clock = clock;
    this.#log = log;
  }

  /** The 16-byte key of a file, or `spotify/key-refused`, `spotify/key-throttled`, `spotify/key-timeout`, `spotify/key-unavailable`. */
  async request(gid: Uint8Array, fileId: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    const name = `${hex(gid)}/${hex(fileId)}`;
    const known = this.#known.get(name);
    if (known) return Buffer.from(known);
    for (let timeouts = 0, losses = 0; ; ) {
      const wait = this.#pausedUntil - this.#clock.monotonic();
      if (wait > 0) throw throttled(wait);
      await withTimeout(this.#clock, reconnectTime, unreachable, signal, (both) => this.#link.whenOnline(both));
      try {
        const key = await this.#ask(gid, fileId, signal);
        this.#pause = 0;
        this.#remember(name, key);
        return Buffer.from(key);
      } catch (error) {
        if (error instanceof ConnectionLost && ++losses < mostLosses) continue;
        if (error instanceof ConnectionLost) throw new TonearmError({ kind: 'unavailable', ...unreachable });
        if (!(error instanceof TonearmError) || error.code !== 'spotify/key-timeout') throw error;
        timeouts += 1;
        if (timeouts >= triesPerKey) throw error;
      }
    }
  }

  /** Takes a packet if it is about keys. */
  accept(command: number, payload: Buffer): boolean {
    if (command !== Packet.aesKey && command !== Packet.aesKeyError) return false;
    try {
      if (command === Packet.aesKey) {
        const { sequence, key } = decodeKey(payload);
        this.#settle(sequence)?.resolve(key);
      } else {
        const { sequence, code } = decodeKeyError(payload);
        const waiting = this.#settle(sequence);
        waiting?.reject(this.#refusal(code));
      }
    } catch (cause) {
      const sequence = keySequence(payload);
      const message = 'Spotify sent an audio key that cannot be one; this track cannot be played.';
      if (sequence !== null) this.#settle(sequence)?.reject(new TonearmError({ kind: 'corrupt', code: 'spotify/key-malformed', message, cause }));
    }
    return true;
  }

  /** The connection is gone: whoever waits asks again on the next one. */
  lost(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new ConnectionLost());
  }

  async #ask(gid: Uint8Array, fileId: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    const sequence = this.#sequence;
    this.#sequence = (this.#sequence + 1) >>> 0;
    const payload = encodeKeyRequest({ fileId, gid, sequence });
    try {
      return await withTimeout(this.#clock, answerTime, unanswered, signal, (both) => {
        const answer = new Promise<Buffer>((resolve, reject) => this.#waiting.set(sequence, { resolve, reject }));
        if (!this.#link.send(Packet.requestKey, payload)) this.#settle(sequence)?.reject(new ConnectionLost());
        return abortable(answer, both);
      });
    } finally {
      this.#waiting.delete(sequence);
    }
  }

  #settle(sequence: number): Waiting | undefined {
    const waiting = this.#waiting.get(sequence);
    this.#waiting.delete(sequence);
    if (!waiting) this.#log.debug('An answer about an audio key came that nobody waits for.', { sequence });
    return waiting;
  }

  #refusal(code: number): TonearmError {
    if (code === KeyErrorCode.throttled) {
      this.#pause = this.#pause === 0 ? firstPause : Math.min(this.#pause * 2, longestPause);
      this.#pausedUntil = this.#clock.monotonic() + this.#pause;
      return throttled(this.#pause);
    }
    if (code !== KeyErrorCode.refused) this.#log.warn('Spotify refused an audio key for a reason unknown to this version.', { code });
    return new TonearmError({
      kind: 'forbidden',
      code: 'spotify/key-refused',
      message:
        'Spotify refuses the audio key of this track for this account. If it refuses every track, the account is one of those Spotify does not let play on open speakers; ' +
        'Spotify\'s own player "Soloist" works with any Premium account and can be chosen as the engine of the zone.',
    });
  }

  #remember(name: string, key: Buffer): void {
    this.#known.set(name, Buffer.from(key));
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= remembered) break;
      this.#known.delete(oldest);
    }
  }
}

const unanswered = { code: 'spotify/key-timeout', message: 'Spotify did not answer the request for an audio key. The track cannot be played now; try it again.' };
const unreachable = {
  code: 'spotify/key-unavailable',
  message: 'The audio key cannot be asked for because the access point is out of reach. Check the network connection; it is connected again by itself.',
};

function throttled(wait: number): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'spotify/key-throttled',
    message: 'Spotify has seen too many requests for audio keys in a short time and asks for a pause. Playback can go on when it is over.',
    retryAfter: Math.ceil(wait),
  });
}
