import { abortable, hex, TonearmError, withTimeout, type Clock, type Log } from '#foundation';
import { encodeMercury, MercuryAssembler, mercurySequence, Packet, type MercuryMessage } from '#spotify/wire';

const answerTime = 15_000;
const commands: readonly number[] = [Packet.mercuryRequest, Packet.mercurySubscribe, Packet.mercuryUnsubscribe, Packet.mercuryEvent];

interface MercuryOptions {
  readonly send: (command: number, payload: Uint8Array) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The access point's older request layer (`connect-session.md §5.9`), as little of it as is still of use: requests with
 * answers. Events are dropped: the dealer carries what matters.
 */
export class Mercury {
  readonly #options: MercuryOptions;
  readonly #waiting = new Map<string, { readonly resolve: (message: MercuryMessage) => void; readonly reject: (error: Error) => void }>();
  #assembler = new MercuryAssembler();
  #counter = 0;

  constructor(options: MercuryOptions) {
    this.#options = options;
  }

  /** The answer, if its status is below 300; fails at once while disconnected (`spotify/mercury-unavailable`). */
  async request(uri: string, signal: AbortSignal, method: 'GET' | 'SEND' = 'GET', parts: readonly Uint8Array[] = []): Promise<MercuryMessage> {
    const sequence = mercurySequence(this.#counter++);
    const key = hex(sequence);
    const what = { code: 'spotify/mercury-timeout', message: 'The access point did not answer a request in time.' };
    try {
      const answer = await withTimeout(this.#options.clock, answerTime, what, signal, (both) => {
        const promise = new Promise<MercuryMessage>((resolve, reject) => this.#waiting.set(key, { resolve, reject }));
        const sent = encodeMercury({ sequence, uri, method, parts }).every((payload) => this.#options.send(Packet.mercuryRequest, payload));
        if (!sent) this.#waiting.get(key)?.reject(unavailable());
        return abortable(promise, both);
      });
      const status = answer.status ?? 200;
      if (status >= 200 && status < 300) return answer;
      throw new TonearmError({
        kind: status === 404 ? 'not-found' : status >= 500 ? 'unavailable' : 'invalid',
        code: 'spotify/mercury-refused',
        message: `The access point answered a request with ${status}.`,
      });
    } finally {
      this.#waiting.delete(key);
    }
  }

  /** Takes a packet if it is of this layer. */
  accept(command: number, payload: Buffer): boolean {
    if (!commands.includes(command)) return false;
    try {
      const message = this.#assembler.push(payload);
      if (message && command !== Packet.mercuryEvent) this.#waiting.get(hex(message.sequence))?.resolve(message);
    } catch (error) {
      this.#options.log.debug('The access point sent a message that cannot be read; it was dropped.', { error });
    }
    return true;
  }

  /** The connection is gone: whoever waits is told at once, nothing is replayed. */
  lost(): void {
    this.#assembler = new MercuryAssembler();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(unavailable());
  }
}

function unavailable(): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'spotify/mercury-unavailable', message: 'The access point is out of reach; it is connected again by itself.' });
}
