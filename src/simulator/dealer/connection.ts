import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Clock } from '#foundation';
import type { Account } from '../accounts.ts';
import type { Faults } from '../faults.ts';
import { Lane, type Network } from '../latency.ts';

/** One WebSocket of the dealer. */
export class DealerConnection {
  /** Opaque; valid as long as the socket is open (connect-control §1.4). */
  readonly id: string;
  readonly account: Account;
  /** Name of the simulated phone behind it; null for everybody else. */
  readonly phone: string | null;
  /** Device that registered with this connection id; null before. */
  device: string | null = null;
  /** Whether that device takes gzip. */
  gzip = false;
  readonly #socket: WebSocket;
  readonly #faults: Faults;
  readonly #network: Network;
  readonly #lane: Lane;
  #swapped: string | null = null;
  #isDead = false;

  constructor(
    socket: WebSocket,
    { id, account, phone }: { readonly id: string; readonly account: Account; readonly phone: string | null },
    { clock, faults, network }: { readonly clock: Clock; readonly faults: Faults; readonly network: Network },
  ) {
    this.#socket = socket;
    this.id = id;
    this.account = account;
    this.phone = phone;
    this.#faults = faults;
    this.#network = network;
    this.#lane = new Lane(clock);
    socket.once('close', () => this.#lane.clear());
  }

  /** Something was lost over it: it will be reset. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /** Pushes a frame, one way: late by half a round trip, and through whatever fault is switched on. */
  push(text: string): void {
    if (this.phone !== null) {
      this.#write(text);
      return;
    }
    const about = this.device === null ? {} : { device: this.device };
    const faults = this.#faults;
    if (faults.take('dealer/bad-json', about)) this.#later('{"type":"message","uri":');
    if (faults.take('dealer/binary', about)) this.#later(Buffer.from([0, 1, 2, 3]));
    if (faults.take('dealer/lose', about)) return;
    if (this.#swapped === null && faults.take('dealer/reorder', about)) {
      this.#swapped = text;
      return;
    }
    this.#later(text);
    if (faults.take('dealer/duplicate', about)) this.#later(text);
    if (this.#swapped !== null) this.#later(this.#swapped);
    this.#swapped = null;
  }

  /** Whether the road is dead; a socket that lost something over it is reset when the road is open again. */
  isLost(): boolean {
    if (this.phone !== null) return false;
    if (this.#faults.take('dealer/hang', this.#about)) this.#isDead = true;
    else if (this.#isDead) this.drop();
    return this.#isDead;
  }

  /** Answers a frame of the client: late by a whole round trip. */
  answer(run: (socket: WebSocket) => void): void {
    if (this.phone !== null) {
      run(this.#socket);
      return;
    }
    this.#lane.send(this.#network.latency.dealer, () => {
      if (!this.isLost()) run(this.#socket);
    });
  }

  /** Closes in order, with a code. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Cuts the connection at once. */
  drop(): void {
    this.#socket.terminate();
  }

  #later(data: string | Buffer): void {
    const about = this.device === null ? {} : { device: this.device };
    const delay = this.#network.latency.dealer / 2 + (this.#faults.take('dealer/delay', about)?.by ?? 0);
    this.#lane.send(delay, () => this.#write(data));
  }

  #write(data: string | Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.phone === null) {
      if (this.isLost()) return;
      if (this.#faults.take('dealer/cut', this.#about)) {
        // Text, unmasked, of 1000 bytes, of which a few come.
        this.#raw(Buffer.concat([Buffer.of(0x81, 126, 0x03, 0xe8), Buffer.from('{"type":"message"')]), () => this.drop());
        return;
      }
      if (this.#faults.take('dealer/garbage', this.#about)) {
        this.#raw(Buffer.alloc(64, 0xff), () => undefined);
        return;
      }
    }
    this.#socket.send(data);
  }

  get #about(): { readonly device?: string } {
    return this.device === null ? {} : { device: this.device };
  }

  #raw(bytes: Buffer, done: () => void): void {
    (this.#socket as unknown as { readonly _socket: Socket })._socket.write(bytes, done);
  }
}
