import { createSocket, type Socket } from 'node:dgram';
import type { Link } from '../links.ts';

export interface Sender {
  /** IPv6 with its scope: `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
}

export interface LinkSocketOptions {
  readonly link: Link;
  readonly family: 4 | 6;
  /** 5353 to answer, 0 to ask as a program of its own. */
  readonly port: number;
  readonly onMessage: (bytes: Buffer, sender: Sender) => void;
  /** Something could not be sent, or the socket broke. */
  readonly onError: (error: Error) => void;
}

export const mdnsPort = 5353;
const groups = { 4: '224.0.0.251', 6: 'ff02::fb' } as const;

/** A socket in the mDNS group of one link. */
export class LinkSocket implements Disposable {
  readonly family: 4 | 6;
  readonly #socket: Socket;
  readonly #group: string;
  /** How the system is told which link is meant. */
  readonly #way: string;
  readonly #onError: (error: Error) => void;
  readonly #patience: number;
  /** Sendings that failed, one after the other. */
  #failures = 0;
  #isClosed = false;

  private constructor({ link, family, onError }: LinkSocketOptions, socket: Socket) {
    this.family = family;
    this.#socket = socket;
    this.#group = groups[family];
    this.#way = family === 4 ? (link.entry ?? '0.0.0.0') : `::%${link.name}`;
    this.#onError = onError;
    // A new IPv6 address cannot be used for a second or two, while it is made sure that nobody else has it.
    this.#patience = family === 4 || link.entry === null ? 1 : 10;
  }

  /** Rejects with the system's error when the port or the group cannot be had. */
  static async open(options: LinkSocketOptions): Promise<LinkSocket> {
    const { family, port, onMessage, onError } = options;
    // Bound to all addresses: bound to one, it would hear nothing that is sent to the group.
    const socket = createSocket({ type: `udp${family}`, reuseAddr: true, ...(family === 6 && { ipv6Only: true }) });
    const link = new LinkSocket(options, socket);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ port, address: family === 4 ? '0.0.0.0' : '::' }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      socket.on('error', (error) => {
        if (!link.#isClosed) onError(error);
      });
      socket.on('message', (bytes, { address, port: from }) => onMessage(bytes, { address, port: from }));
      if (port === mdnsPort) socket.addMembership(link.#group, link.#way);
      socket.setMulticastInterface(link.#way);
      socket.setMulticastTTL(255);
      socket.setMulticastLoopback(true);
    } catch (error) {
      link[Symbol.dispose]();
      throw error;
    }
    return link;
  }

  /** To everybody on the link, or to one. */
  send(bytes: Buffer, to?: Sender): void {
    if (this.#isClosed) return;
    this.#socket.send(bytes, to?.port ?? mdnsPort, to?.address ?? this.#group, (error) => {
      if (this.#isClosed || to) return;
      this.#failures = error ? this.#failures + 1 : 0;
      if (error && this.#failures >= this.#patience) this.#onError(error);
    });
  }

  /** Resolves when it has left, or could not. */
  sent(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) resolve();
      else this.#socket.send(bytes, mdnsPort, this.#group, () => resolve());
    });
  }

  /**
   * Leaves the group and enters it again. Switches that follow who is in which group forget us when nobody asks them to
   * remember (no querier in the network); entering tells them.
   */
  rejoin(): void {
    if (this.#isClosed) return;
    try {
      this.#socket.dropMembership(this.#group, this.#way);
    } catch {
      // The link was away in between, and the membership with it.
    }
    try {
      this.#socket.addMembership(this.#group, this.#way);
    } catch (error) {
      this.#onError(error as Error);
    }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#socket.close();
    } catch {
      // It was never bound.
    }
  }
}
