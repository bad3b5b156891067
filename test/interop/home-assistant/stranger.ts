import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { encodeChallenge, encodeDaemonProof, keyHash, parseLogin, holdsKey } from '../../../src/surfaces/http/wire/login.ts';

/** What answers in a daemon's place: `everybody` asks for no key, `false` does not know it, `odd` does and then says what it is told to. */
export type Manner = 'everybody' | 'false' | 'odd';

/** A daemon that is not as it should be, on a port of loopback. */
export class Stranger implements AsyncDisposable {
  readonly #key: string;
  readonly #server = createServer((_, response) => response.writeHead(404).end());
  readonly #sockets = new WebSocketServer({ noServer: true });
  #login: ReturnType<typeof parseLogin> = null;
  #current: WebSocket | null = null;
  manner: Manner = 'odd';
  /** Headers of all that have asked. */
  readonly asked: IncomingMessage['headers'][] = [];
  hellos = 0;

  private constructor(key: string) {
    this.#key = key;
    this.#sockets.on('headers', (headers) => {
      if (this.manner === 'odd' && this.#login) headers.push(`Authentication-Info: ${encodeDaemonProof(this.#login, keyHash(this.#key))}`);
      if (this.manner === 'false') headers.push('Authentication-Info: proof="AAAA"');
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.asked.push(request.headers);
      this.#login = parseLogin(request.headers.authorization);
      const isIn = this.manner === 'everybody' || (this.#login !== null && (this.manner === 'false' || holdsKey(this.#login, keyHash(this.#key))));
      if (!isIn) {
        socket.end(`HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${encodeChallenge('abc.def')}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (one) => {
        this.#current = one;
        this.hellos += 1;
        one.send(JSON.stringify(hello));
      });
    });
  }

  static async open(key: string, port: number): Promise<Stranger> {
    const stranger = new Stranger(key);
    await new Promise<void>((resolve) => stranger.#server.listen(port, '127.0.0.1', resolve));
    return stranger;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  say(frame: string | Buffer): void {
    this.#current?.send(frame);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#sockets.clients) one.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const state = {
  revision: 1, source: null, status: 'stopped', track: null, position: { at: 0, measured: 0 }, volume: { level: 0.4, muted: false, limit: 1, fading: null }, order: { shuffle: false, repeat: 'off' },
  queue: { context: null, next: [] }, account: { name: null, connected: false }, notice: null, output: { name: null, choices: [] }, sleep: null, preset: null, announcing: false, by: { started: null, changed: 'tonearm' }, accepts: [],
};
const hello = { kind: 'hello', daemon: { api: 1, id: 'stranger', name: 'Stranger', version: '9.9.9', now: Date.now() }, scope: 'control', beat: 10_000, zones: [{ id: 'odd', name: 'Odd', state }], presets: [], automations: null, tags: null };
