import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type Log, TonearmError } from '#foundation';
import { carryOut, type House } from './carry-out.ts';
import type { Caller } from './gate.ts';
import type { Pace } from './pace.ts';
import { errorOf } from './say.ts';
import { closeCodes } from './wire/close-codes.ts';
import type { SocketMessage } from './wire/index.ts';
import { SocketRequest } from './wire/requests.ts';

/** Above so many unsent bytes pictures wait, and only the newest of each is kept. */
const full = 64 * 1024;
/** With so many unsent bytes of answers the far side is not reading at all. */
const hopeless = 1024 * 1024;
/** Requests that are being done at once. */
const mostAtOnce = 32;
/** Requests turned away within a minute before we hang up. */
const mostRefused = 500;
const minute = 60_000;

export interface EventLineParts {
  readonly socket: WebSocket;
  /** What the socket runs over. */
  readonly stream: Duplex;
  readonly caller: Caller;
  readonly house: House;
  readonly pace: Pace;
  readonly log: Log;
  readonly ended: () => void;
}

/** One client on the socket: pictures out, requests in. Who reads slowly gets the newest pictures and misses those in between. */
export class EventLine {
  readonly #parts: EventLineParts;
  readonly #waiting = new Map<string, string>();
  readonly #gone = new AbortController();
  #doing = 0;
  #refused = { count: 0, since: -Infinity };
  #hasAnswered = true;
  #isOver = false;

  constructor(parts: EventLineParts) {
    this.#parts = parts;
    const { socket, ended } = parts;
    socket.on('message', (data, isBinary) => {
      // A `Buffer`, because the kind of binary data is left at its default.
      if (!this.#isOver) this.#hear(data as Buffer, isBinary);
    });
    socket.on('pong', () => (this.#hasAnswered = true));
    // The end follows by itself.
    socket.on('error', (error) => parts.log.debug('A client of the API sent what cannot be read, or broke off', { reason: error.message }));
    socket.on('close', () => {
      this.#isOver = true;
      this.#waiting.clear();
      this.#gone.abort(new DOMException('The client has left.', 'AbortError'));
      ended();
    });
  }

  get keyId(): string {
    return this.#parts.caller.key.id;
  }

  /** Shows a picture; a later one with the same key takes its place if it has not been sent yet. */
  show(key: string, text: string): void {
    if (this.#isOver) return;
    if (this.#waiting.size === 0 && this.#parts.socket.bufferedAmount < full) {
      this.#send(text);
      return;
    }
    this.#waiting.delete(key);
    this.#waiting.set(key, text);
  }

  /** Asks whether somebody is there; false when the question before this one has found no answer. */
  beat(): boolean {
    if (!this.#hasAnswered) {
      this.#parts.socket.terminate();
      return false;
    }
    this.#hasAnswered = false;
    this.#parts.socket.ping();
    return true;
  }

  /** Says goodbye, if that gets out, and hangs up; nothing that still comes in is done. */
  close(code: number, reason: string): void {
    const { socket, stream } = this.#parts;
    if (this.#isOver) {
      socket.terminate();
      return;
    }
    this.#isOver = true;
    socket.close(code, reason);
    // Who asks too much is told so behind the answers that are on their way, and more that comes is passed over; the socket does not wait for ever.
    if (code === closeCodes.tooMany) return;
    if (socket.bufferedAmount > 0) socket.terminate();
    else stream.end(() => stream.destroy());
  }

  #send(text: string): void {
    this.#parts.socket.send(text, () => this.#drain());
  }

  #drain(): void {
    const { socket } = this.#parts;
    for (const [key, text] of this.#waiting) {
      if (this.#isOver || socket.bufferedAmount >= full) return;
      this.#waiting.delete(key);
      this.#send(text);
    }
  }

  #answer(message: Extract<SocketMessage, { kind: 'answer' }>): void {
    const { socket } = this.#parts;
    if (this.#isOver) return;
    if (socket.bufferedAmount > hopeless) socket.terminate();
    else this.#send(JSON.stringify(message));
  }

  #hear(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.close(closeCodes.notText, 'Requests are text.');
      return;
    }
    const parsed = SocketRequest.safeParse(parse(data));
    if (parsed.success) void this.#do(parsed.data);
    else {
      this.#refuse();
      this.#answer({ kind: 'answer', id: null, error: { kind: 'invalid', code: 'http/bad-request', message: 'A request is JSON with "id" (text or whole number), "do" (its name) and "with" (its fields), and nothing else.' } });
    }
  }

  async #do({ id, do: name, with: fields = {} }: SocketRequest): Promise<void> {
    const { house, caller, pace, log } = this.#parts;
    this.#doing += 1;
    try {
      pace.take(this.keyId);
      if (this.#doing > mostAtOnce) throw new TonearmError({ kind: 'unavailable', code: 'http/too-many-requests', message: `${mostAtOnce} requests of this connection are being done: wait for an answer before the next one.`, retryAfter: 1000 });
      const ok = await carryOut(house, caller, name, fields, this.#gone.signal);
      this.#answer({ kind: 'answer', id, ok: ok as Record<string, unknown> });
    } catch (thrown) {
      const error = errorOf(thrown);
      if (error.kind === 'internal') log.error('A request could not be answered', { error: thrown });
      if (error.code === 'http/too-many-requests') this.#refuse();
      this.#answer({ kind: 'answer', id, error });
    } finally {
      this.#doing -= 1;
    }
  }

  #refuse(): void {
    const now = this.#parts.house.clock.monotonic();
    if (now - this.#refused.since > minute) this.#refused = { count: 0, since: now };
    this.#refused.count += 1;
    if (this.#refused.count > mostRefused) this.close(closeCodes.tooMany, 'Too many requests.');
  }
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
