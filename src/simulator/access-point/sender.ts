import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { PacketWriter, Shannon } from '#spotify/wire';
import type { Clock } from '#foundation';
import type { Faults } from '../faults.ts';
import { Lane, type Network } from '../latency.ts';

/** Everything the access point says to one client: in order, late by the latency, and broken where a fault asks for it. */
export class Sender {
  readonly #socket: Socket;
  readonly #faults: Faults;
  readonly #network: Network;
  readonly #lane: Lane;
  #key: Buffer | null = null;
  #counter = 0;
  #held: Buffer[] | null = null;
  #isDead = false;
  /** Round trips of the connection set-up that the first answer still has to wait for. */
  #setUp = 1;

  constructor(socket: Socket, { faults, network, clock }: { readonly faults: Faults; readonly network: Network; readonly clock: Clock }) {
    this.#socket = socket;
    this.#faults = faults;
    this.#network = network;
    this.#lane = new Lane(clock);
  }

  /** From here on packets are encrypted. */
  encryptWith(key: Buffer): void {
    this.#key = key;
    this.#counter = 0;
  }

  /** Sends bytes as they are; `sent` runs when they leave. */
  raw(bytes: Buffer, sent?: () => void): void {
    const delay = this.#network.latency.accessPoint * (1 + this.#setUp);
    this.#setUp = 0;
    this.#lane.send(delay, () => {
      sent?.();
      this.#write(bytes);
    });
  }

  /** Sends one packet. False when a fault cut the connection instead. */
  packet(command: number, payload: Uint8Array, device: string, sent?: () => void): boolean {
    const bytes = this.#encode(command, payload, device);
    if (!bytes) return false;
    if (this.#held) {
      this.#held.push(bytes);
      sent?.();
    } else {
      this.raw(bytes, sent);
    }
    return true;
  }

  /** Packets until `release` leave in one write. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    if (this.#held) this.raw(Buffer.concat(this.#held));
    this.#held = null;
  }

  /** Whether the road is dead; a connection that lost something over it is reset when the road is open again. */
  isLost(): boolean {
    if (this.#faults.take('access-point/hang')) this.#isDead = true;
    else if (this.#isDead) this.reset();
    return this.#isDead;
  }

  /** Ends the connection after what is on its way. */
  end(): void {
    this.#lane.send(0, () => this.#socket.end());
  }

  /** Cuts the connection at once. */
  reset(): void {
    this.#lane.clear();
    this.#socket.resetAndDestroy();
  }

  clear(): void {
    this.#lane.clear();
  }

  #encode(command: number, payload: Uint8Array, device: string): Buffer | null {
    const key = this.#key;
    if (!key) throw new Error('a packet before the keys');
    const faults = this.#faults;
    const about = { device };
    if (faults.take('access-point/drop', about)) {
      this.reset();
      return null;
    }
    if (faults.take('access-point/oversize', about)) return endlessPacket(key, this.#counter++, command);
    if (faults.take('access-point/skip-nonce', about)) this.#counter += 1;
    const bytes = new PacketWriter(key, this.#counter++).encode(command, payload);
    if (faults.take('access-point/flip-mac', about)) flip(bytes, bytes.length - 1);
    if (faults.take('access-point/flip-ciphertext', about)) flip(bytes, Math.min(3, bytes.length - 5));
    return faults.take('access-point/repeat-packet', about) ? Buffer.concat([bytes, bytes]) : bytes;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.destroyed) return;
    if (this.isLost()) return;
    if (this.#faults.take('access-point/cut')) {
      this.#socket.write(bytes.subarray(0, bytes.length >> 1), () => this.reset());
      return;
    }
    if (this.#faults.take('access-point/garbage')) {
      this.#socket.write(randomBytes(bytes.length));
      return;
    }
    if (!this.#faults.take('access-point/one-byte')) {
      this.#socket.write(bytes);
      return;
    }
    for (const byte of bytes) this.#socket.write(Buffer.of(byte));
  }
}

/** The beginning of a packet that claims the largest length there is. */
function endlessPacket(key: Buffer, counter: number, command: number): Buffer {
  const cipher = new Shannon(key);
  cipher.nonce(counter);
  return Buffer.concat([cipher.encrypt(Buffer.of(command, 0xff, 0xff)), cipher.encrypt(randomBytes(1024))]);
}

function flip(bytes: Buffer, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}
