import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import {
  HandshakeFrames,
  Packet,
  PacketReader,
  PacketWriter,
  createDhKeyPair,
  decodeApResponse,
  decodeClientTokenAnswer,
  decodeDealerFrame,
  decodeLogin5Answer,
  deriveSessionKeys,
  encodeClientHello,
  encodeClientResponse,
  encodeClientTokenAnswers,
  encodeClientTokenRequest,
  encodeDealerReply,
  encodeLogin,
  encodeLogin5Request,
  encodePutState,
  solveHashcash,
  verifyServerSignature,
  type AccessPointPacket,
  type ApResponse,
  type DealerFrame,
  type Input,
  type Login5Solution,
  type PutStateRequest,
} from '#spotify/wire';
import { keymaster } from './accounts.ts';
import type { Cloud, SimulatedEndpoints } from './cloud-contract.ts';

/** A receiver in the raw: each step of the protocol by itself, so that tests can do any of them wrongly. */

export const testDevice = 'd'.repeat(40);

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Leave Content-Length out. */
  readonly unsized?: boolean;
  readonly ca?: string;
  /** Another name than the one in the address, as a hosts file would have it. */
  readonly serverName?: string;
}

export function ask(url: string, { method = 'GET', headers = {}, body, unsized = false, ca, serverName }: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const sized = unsized || (body === undefined && method === 'GET') ? {} : { 'Content-Length': String(Buffer.byteLength(body ?? '')) };
    const options = {
      method,
      agent: false as const,
      headers: { 'User-Agent': 'raw', ...(serverName ? { Host: serverName } : {}), ...sized, ...headers },
      ...(ca ? { ca } : {}),
      ...(serverName ? { servername: serverName } : {}),
    };
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(target, options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('end', () => (incoming.complete ? resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }) : reject(new Error('cut short'))));
      incoming.once('error', reject);
    });
    if (unsized) outgoing.removeHeader('Transfer-Encoding');
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

export async function getClientToken(endpoints: SimulatedEndpoints, deviceId = testDevice): Promise<string> {
  const platform = { systemName: 'Linux', release: '6.1', version: '#1', hardware: 'x86_64' };
  const post = async (body: Buffer) => decodeClientTokenAnswer((await ask(`${endpoints.clientToken}/v1/clienttoken`, { method: 'POST', body })).body);
  let answer = await post(encodeClientTokenRequest({ clientId: keymaster, deviceId, version: '1.2.52.442', platform }));
  if (answer.kind === 'challenges') {
    const suffixes = answer.challenges.map((challenge) => {
      if (challenge.kind !== 'hashcash') throw new Error('unsolvable');
      const solved = solveHashcash({ context: Buffer.alloc(0), prefix: Buffer.from(challenge.prefix, 'hex'), length: challenge.length });
      return Buffer.from(solved?.suffix ?? []).toString('hex').toUpperCase();
    });
    answer = await post(encodeClientTokenAnswers({ state: answer.state, suffixes }));
  }
  if (answer.kind !== 'granted') throw new Error('no token');
  return answer.token;
}

export async function logIn5(endpoints: SimulatedEndpoints, clientToken: string, username: string, data: Uint8Array, deviceId = testDevice): Promise<string> {
  const post = async (loginContext?: Uint8Array, solutions?: readonly Login5Solution[]) => {
    const body = encodeLogin5Request({ clientId: keymaster, deviceId, username, data, ...(loginContext ? { loginContext } : {}), ...(solutions ? { solutions } : {}) });
    return decodeLogin5Answer((await ask(`${endpoints.login5}/v3/login`, { method: 'POST', headers: { 'client-token': clientToken }, body })).body);
  };
  let answer = await post();
  for (let round = 0; round < 3 && answer.kind === 'challenges'; round++) {
    const { loginContext, challenges } = answer;
    const solutions = challenges.map((challenge) => {
      if (challenge.kind !== 'hashcash') throw new Error('unsolvable');
      return { suffix: solveHashcash({ context: loginContext, prefix: challenge.prefix, length: challenge.length })?.suffix ?? Buffer.alloc(0), duration: 1 };
    });
    answer = await post(loginContext, solutions);
  }
  if (answer.kind !== 'ok') throw new Error(answer.kind === 'error' ? answer.name : answer.kind);
  return answer.accessToken;
}

/** The access point as a client sees it. */
export class RawAccessPoint {
  readonly socket: Socket;
  readonly packets: AccessPointPacket[] = [];
  response: ApResponse | null = null;
  #waiting: (() => void)[] = [];
  #reader: PacketReader | null = null;
  #writer: PacketWriter | null = null;
  #error: Error | null = null;
  #raw: Buffer[] = [];
  isClosed = false;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('data', (chunk: Buffer) => {
      try {
        if (this.#reader) this.packets.push(...this.#reader.push(chunk));
        else this.#raw.push(chunk);
      } catch (error) {
        this.#error = error as Error;
      }
      this.#wake();
    });
    this.socket.on('error', (error) => (this.#error = error));
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** Bytes that came before the keys. */
  get raw(): Buffer {
    return Buffer.concat(this.#raw);
  }

  /** Resolves as soon as `test` gives something; rejects when the connection ends or breaks before. */
  async until<T>(test: () => T | null | undefined | false): Promise<T> {
    for (;;) {
      const value = test();
      if (value) return value;
      if (this.#error) throw this.#error;
      if (this.isClosed) throw new Error('the access point closed the connection');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Messages 1 to 3. `spoil` changes message 3. */
  async handshake(modulus: string, { spoil = (frame: Buffer) => frame, hello: alter = (frame: Buffer) => frame } = {}): Promise<ApResponse> {
    const pair = createDhKeyPair();
    const hello = alter(encodeClientHello({ publicKey: pair.publicKey, nonce: randomBytes(16) }));
    this.socket.write(hello);
    const frames = new HandshakeFrames('client');
    let seen = 0;
    const answer = await this.until(() => {
      const found = this.#raw.slice(seen).flatMap((chunk) => frames.push(chunk));
      seen = this.#raw.length;
      return found[0];
    });
    const response = decodeApResponse(answer);
    this.response = response;
    if (response.kind !== 'challenge') return response;
    if (!verifyServerSignature(response.publicKey, response.signature, Buffer.from(modulus, 'hex'))) throw new Error('bad signature');
    const keys = deriveSessionKeys(pair.secretWith(response.publicKey), Buffer.concat([hello, answer]));
    this.#raw = [];
    this.#reader = new PacketReader(keys.serverToClient);
    this.#writer = new PacketWriter(keys.clientToServer);
    const last = spoil(encodeClientResponse(keys.reply));
    if (last.equals(encodeClientResponse(keys.reply))) this.socket.write(last);
    else {
      // Refusals come in the clear.
      this.#reader = null;
      this.socket.write(last);
    }
    return response;
  }

  send(command: number, payload: Uint8Array): void {
    if (!this.#writer) throw new Error('no keys');
    this.socket.write(this.#writer.encode(command, payload));
  }

  packet(command: number): Promise<AccessPointPacket> {
    return this.until(() => {
      const at = this.packets.findIndex((packet) => packet.command === command);
      return at < 0 ? null : this.packets.splice(at, 1)[0];
    });
  }

  async logIn(username: string | null, type: number, data: Uint8Array, deviceId = testDevice): Promise<AccessPointPacket> {
    this.send(Packet.login, encodeLogin({ username, type, data, deviceId, systemInfo: 'raw' }));
    return this.until(() => this.packets.shift());
  }

  close(): void {
    this.socket.destroy();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** The dealer as a client sees it. */
export class RawDealer {
  readonly socket: WebSocket;
  readonly frames: DealerFrame[] = [];
  #waiting: (() => void)[] = [];
  code: number | null = null;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on('message', (data: Buffer, isBinary: boolean) => {
      try {
        if (!isBinary) this.frames.push(decodeDealerFrame(data.toString('utf8')));
      } catch {
        // Broken frames are part of the game.
      }
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', (code) => {
      this.code = code;
      this.#wake();
    });
  }

  async until<T>(test: (frame: DealerFrame) => T | null | undefined | false): Promise<T> {
    let at = 0;
    for (;;) {
      for (; at < this.frames.length; at++) {
        const frame = this.frames[at];
        const value = frame && test(frame);
        if (value) return value;
      }
      if (this.code !== null) throw new Error(`the dealer closed with ${this.code}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  connectionId(): Promise<string> {
    return this.until((frame) => frame.type === 'message' && frame.headers.get('spotify-connection-id'));
  }

  /** The next request nobody has answered, answered. */
  async answer(success = true): Promise<unknown> {
    const frame = await this.until((next) => next.type === 'request' && !this.#answered.has(next.key) && next);
    this.#answered.add(frame.key);
    this.socket.send(encodeDealerReply(frame.key, success));
    return frame.body;
  }

  readonly #answered = new Set<string>();

  close(): void {
    this.socket.terminate();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A speaker that has done everything up to the dealer, with the raw tools above. */
export interface Speaker {
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly dealer: RawDealer;
  readonly connectionId: string;
  readonly clientToken: string;
  readonly accessToken: string;
  /** PUT of a state. */
  put(state: Buffer, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  get(path: string): Promise<Reply>;
  post(path: string, body: Buffer): Promise<Reply>;
  close(): void;
}

export async function openSpeaker(cloud: Cloud, deviceId = testDevice, user = 'listener'): Promise<Speaker> {
  const { endpoints } = cloud;
  const account = cloud.accounts.get(user);
  const clientToken = await getClientToken(endpoints, deviceId);
  const accessToken = await logIn5(endpoints, clientToken, user, cloud.accounts.pairingCredential(account).data, deviceId);
  const base = `http://127.0.0.1:${cloud.ports.plain}`;
  const dealer = new RawDealer(`${base.replace('http', 'ws')}/?access_token=${accessToken}`);
  const connectionId = await dealer.connectionId();
  const headers = { Authorization: `Bearer ${accessToken}`, 'client-token': clientToken };
  const typed = { ...headers, 'Content-Type': 'application/x-protobuf' };
  return {
    base,
    headers,
    dealer,
    connectionId,
    clientToken,
    accessToken,
    put: (body, more = {}) => ask(`${base}/connect-state/v1/devices/${deviceId}`, { method: 'PUT', headers: { ...typed, 'X-Spotify-Connection-Id': connectionId, ...more }, body }),
    get: (path) => ask(`${base}${path}`, { headers }),
    post: (path, body) => ask(`${base}${path}`, { method: 'POST', headers: typed, body }),
    close: () => dealer.close(),
  };
}

/** A state a good speaker sends: idle unless changed. */
export function speakerState({ now, deviceId = testDevice, ...changes }: Input<PutStateRequest> & { readonly now: number; readonly deviceId?: string }): Buffer {
  return encodePutState({
    device: {
      deviceInfo: {
        canPlay: true,
        volume: 32_768,
        name: 'Kitchen',
        deviceId,
        deviceType: 4,
        spircVersion: '3.2.6',
        deviceSoftwareVersion: '0.1.0',
        capabilities: { canBePlayer: true, isObservable: true, isControllable: true, volumeSteps: 64, supportsTransferCommand: true, supportsCommandRequest: true, supportsGzipPushes: true, commandAcks: true },
      },
      playerState: { playbackSpeed: 1, isSystemInitiated: true, playOrigin: {}, options: {}, suppressions: {}, sessionId: 's1' },
    },
    memberType: 2,
    putStateReason: 3,
    clientSideTimestamp: now,
    ...changes,
  });
}
