import { randomBytes, type KeyObject } from 'node:crypto';
import type { Socket } from 'node:net';
import { TonearmError, type Clock } from '#foundation';
import { HandshakeFrames, Packet, PacketReader, encodeApRefusal, encodeLoginFailure, encodeProductInfo, encodeWelcome, decodeLogin } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { Parts } from '../parts.ts';
import { Refused } from '../refused.ts';
import { answerKeyRequest } from './audio-keys.ts';
import { Code, answerHello, checkResponse, type SessionSecrets } from './handshake.ts';
import { accountFor } from './login.ts';
import type { MercuryScripts } from './mercury.ts';
import { Sender } from './sender.ts';

export interface SessionContext {
  readonly parts: Parts;
  readonly keys: { readonly own: KeyObject; readonly wrong: () => KeyObject };
  readonly mercury: MercuryScripts;
  /** Milliseconds from ping to ping. */
  readonly pingPeriod: number;
}

/** One client at the access point: handshake, login, then packets both ways (connect-session §3 to §6). */
export class AccessPointSession {
  readonly #socket: Socket;
  readonly #context: SessionContext;
  readonly #sender: Sender;
  readonly #frames = new HandshakeFrames('server');
  readonly #timers = new Set<Disposable>();
  #secrets: SessionSecrets | null = null;
  #reader: PacketReader | null = null;
  #account: Account | null = null;
  #device = '';
  #framesSeen = 0;
  #pinged = false;
  #granted = 0;
  #lastKey: number | null = null;
  #keyHeld: (() => void) | null = null;
  #silent = false;

  constructor(socket: Socket, context: SessionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#sender = new Sender(socket, context.parts);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.once('close', () => this.#closed());
    if (this.#faults.take('access-point/unreachable')) this.#sender.reset();
    this.#reach('connect');
  }

  /** Device id of whoever logged in; empty before. */
  get device(): string {
    return this.#device;
  }

  get account(): Account | null {
    return this.#account;
  }

  /** Resets the connection. */
  cut(): void {
    this.#sender.reset();
  }

  /** Sends any packet. */
  send(command: number, payload: Uint8Array): void {
    this.#sender.packet(command, payload, this.#device);
  }

  /** Tells country and attributes (again): the subscription changed. */
  pushAccount(): void {
    const account = this.#account;
    if (!account) return;
    if (!this.#faults.take('access-point/no-country')) this.send(Packet.countryCode, Buffer.from(account.country, 'latin1'));
    if (!this.#faults.take('access-point/no-product')) this.send(Packet.productInfo, encodeProductInfo(account.attributes));
  }

  get #faults() {
    return this.#context.parts.faults;
  }

  get #clock(): Clock {
    return this.#context.parts.clock;
  }

  /** A moment at which faults may silence or end the connection. */
  #reach(moment: 'connect' | 'hello' | 'challenge' | 'response' | 'login'): boolean {
    if (this.#faults.peek('access-point/silence')?.from === moment) {
      this.#faults.take('access-point/silence');
      this.#silent = true;
    }
    if (this.#faults.peek('access-point/close')?.after === moment) {
      this.#faults.take('access-point/close');
      this.#sender.end();
      this.#silent = true;
    }
    return !this.#silent;
  }

  #received(chunk: Buffer): void {
    if (this.#silent || this.#sender.isLost()) return;
    try {
      if (this.#reader) this.#packets(chunk);
      else this.#handshake(chunk);
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof TonearmError)) throw error;
      this.#refuse(error);
    }
  }

  /** Ends the connection for a breach of the protocol: in the clear while nothing is encrypted yet. */
  #refuse(error: Refused | TonearmError): void {
    const clause = error instanceof Refused ? error.clause : this.#reader ? 'connect-session §4.5' : 'connect-session §3.1';
    this.#context.parts.journal.refuse({ service: 'access-point', clause, what: error.message, refused: true });
    if (!this.#reader) this.#sender.raw(encodeApRefusal({ code: error instanceof Refused ? error.status : Code.protocol }));
    this.#silent = true;
    this.#sender.end();
  }

  #handshake(chunk: Buffer): void {
    const { parts, keys } = this.#context;
    for (const frame of this.#frames.push(chunk)) {
      this.#framesSeen += 1;
      if (this.#framesSeen === 1) {
        parts.counters.connected('access-point');
        const trip = parts.counters.begin('access-point', 'access-point/handshake', 1);
        parts.journal.record('access-point', 'hello', { frame });
        if (!this.#reach('hello')) return;
        const notice = (clause: string, what: string) => parts.journal.refuse({ service: 'access-point', clause, what, refused: false });
        const reply = answerHello(frame, keys, parts.faults, notice);
        this.#sender.raw(reply.frame, () => trip.end());
        if (reply.kind === 'refusal') {
          this.#silent = true;
          this.#sender.end();
          return;
        }
        this.#secrets = reply.secrets;
        if (!this.#reach('challenge')) return;
      } else {
        this.#respond(frame);
        if (this.#silent) return;
      }
    }
    const rest = this.#reader ? this.#frames.rest() : Buffer.alloc(0);
    if (rest.length > 0) this.#packets(rest);
  }

  #respond(frame: Buffer): void {
    const secrets = this.#secrets;
    if (!secrets) throw new Refused(Code.protocol, 'connect-session §3.1', 'message 3 came before message 2');
    this.#context.parts.journal.record('access-point', 'response', { frame });
    if (!this.#reach('response')) return;
    const refusal = this.#faults.take('access-point/refuse-after');
    if (refusal) {
      this.#sender.raw(encodeApRefusal(refusal));
      this.#silent = true;
      this.#sender.end();
      return;
    }
    checkResponse(frame, secrets);
    this.#reader = new PacketReader(secrets.clientToServer);
    this.#sender.encryptWith(secrets.serverToClient);
  }

  #packets(chunk: Buffer): void {
    for (const { command, payload } of this.#reader?.push(chunk) ?? []) {
      if (this.#account) this.#packet(command, payload, this.#account);
      else this.#login(command, payload);
      if (this.#silent) return;
    }
  }

  #login(command: number, payload: Buffer): void {
    const { parts } = this.#context;
    if (command !== Packet.login) throw new Refused(Code.protocol, 'connect-session §5.2', `packet 0x${command.toString(16)} before the login`);
    const trip = parts.counters.begin('access-point', 'access-point/login');
    const login = decodeLogin(payload);
    parts.journal.record('access-point', 'login', { ...login });
    if (!this.#reach('login')) return;
    if (login.deviceId === '') parts.journal.refuse({ service: 'access-point', clause: 'connect-session §5.3', what: 'the login names no device', refused: false });
    this.#device = login.deviceId;
    const failure = this.#faults.take('access-point/login-failure', { device: login.deviceId });
    const account = failure ? null : accountFor(parts, login);
    if (!account) {
      this.#sender.packet(Packet.loginFailure, encodeLoginFailure(failure ?? { code: Code.badCredentials }), this.#device, () => trip.end());
      this.#silent = true;
      this.#sender.end();
      return;
    }
    this.#account = account;
    account.logins.push({ at: parts.time.now(), deviceId: login.deviceId, type: login.type, named: login.username !== null });
    const reusable = parts.accounts.reusableCredential(account, login.deviceId);
    if (this.#faults.take('access-point/coalesce', { device: this.#device })) this.#sender.hold();
    this.#sender.packet(Packet.welcome, encodeWelcome({ username: account.name, type: 1, data: reusable.data }), this.#device, () => trip.end());
    this.#welcomed();
  }

  /** What follows a welcome without being asked for (connect-session §5.2). */
  #welcomed(): void {
    this.#ping();
    this.send(Packet.secretBlock, randomBytes(336));
    this.send(Packet.licenseVersion, Buffer.alloc(2));
    this.send(Packet.zeros, Buffer.alloc(10));
    this.send(0x4f, randomBytes(4));
    const late = this.#faults.take('access-point/push-delay', { device: this.#device });
    if (late) this.#later(late.by, () => this.pushAccount());
    else this.pushAccount();
    this.send(Packet.legacyWelcome, Buffer.alloc(0));
    this.#sender.release();
  }

  #ping(): void {
    const { parts, pingPeriod } = this.#context;
    if (this.#pinged) {
      parts.journal.refuse({ service: 'access-point', clause: 'connect-session §5.6', what: 'no pong until the next ping was due', refused: true });
      this.#sender.end();
      return;
    }
    if (!this.#faults.take('access-point/no-ping', { device: this.#device })) {
      const seconds = Buffer.alloc(4);
      seconds.writeUInt32BE(Math.floor(parts.time.now() / 1000) >>> 0);
      this.#pinged = true;
      this.send(Packet.ping, seconds);
    }
    this.#later(pingPeriod, () => this.#ping());
  }

  #packet(command: number, payload: Buffer, account: Account): void {
    const { parts, mercury } = this.#context;
    parts.journal.record('access-point', `packet 0x${command.toString(16).padStart(2, '0')}`, { device: this.#device, payload });
    switch (command) {
      case Packet.pong:
        this.#pong(payload);
        return;
      case Packet.requestKey:
        this.#key(payload, account);
        return;
      case Packet.mercuryRequest:
      case Packet.mercurySubscribe:
      case Packet.mercuryUnsubscribe: {
        const trip = parts.counters.begin('access-point', 'access-point/mercury');
        for (const answer of mercury.answer(payload)) this.#sender.packet(command, answer, this.#device, () => trip.end());
        return;
      }
      case Packet.login:
        throw new Refused(Code.protocol, 'connect-session §5.2', 'a second login on one connection');
      case Packet.preferredLocale:
        return;
      default:
        parts.journal.refuse({ service: 'access-point', clause: 'connect-session §5.1', what: `packet 0x${command.toString(16)} is not for clients to send today`, refused: false });
    }
  }

  #pong(payload: Buffer): void {
    const { journal } = this.#context.parts;
    if (payload.length !== 4) throw new Refused(Code.protocol, 'connect-session §5.1', `a pong of ${payload.length} bytes`);
    if (!this.#pinged) journal.refuse({ service: 'access-point', clause: 'connect-session §5.6', what: 'a pong that no ping asked for', refused: false });
    this.#pinged = false;
    if (!this.#faults.take('access-point/no-pong-ack', { device: this.#device })) this.send(Packet.pongAck, payload);
  }

  #key(payload: Buffer, account: Account): void {
    const { parts } = this.#context;
    const trip = parts.counters.begin('access-point', 'access-point/key');
    const sequence = payload.length >= 40 ? payload.readUInt32BE(36) : 0;
    if (this.#lastKey !== null && sequence !== this.#lastKey + 1) {
      parts.journal.refuse({ service: 'access-point', clause: 'connect-session §6.1', what: `key request ${sequence} after ${this.#lastKey}`, refused: false });
    }
    this.#lastKey = sequence;
    const answer = answerKeyRequest(parts, payload, account, this.#device, this.#granted);
    if (answer.kind === 'silence') return;
    if (answer.kind === 'key') this.#granted += 1;
    const send = () => {
      this.#sender.packet(answer.kind === 'key' ? Packet.aesKey : Packet.aesKeyError, answer.payload, this.#device, () => trip.end());
      const held = this.#keyHeld;
      this.#keyHeld = null;
      held?.();
    };
    if (answer.hold) this.#keyHeld = send;
    else if (answer.delay > 0) this.#later(answer.delay, send);
    else send();
  }

  #later(delay: number, run: () => void): void {
    const timer = this.#clock.timer(delay, () => {
      this.#timers.delete(timer);
      if (!this.#socket.destroyed) run();
    });
    this.#timers.add(timer);
  }

  #closed(): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    this.#sender.clear();
  }
}
