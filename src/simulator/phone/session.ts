import { WebSocket } from 'ws';
import { Emitter, TonearmError, every, toTonearmError, type Clock, type Events } from '#foundation';
import {
  decodeClientTokenAnswer,
  decodeDealerFrame,
  decodeLogin5Answer,
  encodeClientTokenRequest,
  encodeDealerPing,
  encodeDealerReply,
  encodeLogin5Request,
  type DealerFrame,
} from '#spotify/wire';
import { keymaster } from '../accounts.ts';
import { phoneHeader } from '../http/dispatch.ts';
import { fetchBytes, type HttpAnswer, type HttpQuestion } from './http.ts';

export type DealerMessage = Extract<DealerFrame, { type: 'message' }>;
export type DealerRequest = Extract<DealerFrame, { type: 'request' }>;

export interface PhoneSessionEvents {
  message: DealerMessage;
  request: { readonly request: DealerRequest; readonly reply: (success: boolean) => void };
  closed: { readonly name: string };
}

export interface PhoneLogin {
  readonly name: string;
  readonly username: string;
  readonly credential: Uint8Array;
  readonly deviceId: string;
  /** `http://127.0.0.1:port`, where every service answers. */
  readonly base: string;
  readonly clock: Clock;
}

/** A phone's own login: tokens, then the dealer, the way every client does it. */
export class PhoneSession implements AsyncDisposable {
  readonly connectionId: string;
  readonly #login: PhoneLogin;
  #tokens: { readonly client: string; readonly access: string };
  readonly #socket: WebSocket;
  readonly #emitter: Emitter<PhoneSessionEvents>;
  readonly #pings: Disposable;

  private constructor(login: PhoneLogin, tokens: { readonly client: string; readonly access: string }, socket: WebSocket, emitter: Emitter<PhoneSessionEvents>, connectionId: string) {
    this.#login = login;
    this.#tokens = tokens;
    this.#socket = socket;
    this.#emitter = emitter;
    this.connectionId = connectionId;
    this.#pings = every(login.clock, 30_000, () => {
      if (socket.readyState === socket.OPEN) socket.send(encodeDealerPing());
    });
  }

  static async open(login: PhoneLogin): Promise<PhoneSession> {
    const client = await clientTokenFor(login);
    const access = await accessTokenFor(login, client);
    const emitter = new Emitter<PhoneSessionEvents>();
    const url = `${login.base.replace(/^http/, 'ws')}/?access_token=${encodeURIComponent(access)}`;
    const socket = new WebSocket(url, { headers: { [phoneHeader]: encodeURIComponent(login.name) }, perMessageDeflate: false });
    const connectionId = await new Promise<string>((resolve, reject) => {
      socket.on('error', (cause) => reject(new TonearmError({ kind: 'unavailable', code: 'simulator/phone-dealer', message: 'The simulated phone could not reach the dealer.', cause })));
      socket.on('message', (data: Buffer) => {
        const frame = decodeDealerFrame(data.toString('utf8'));
        if (frame.type === 'message') {
          const id = frame.uri.startsWith('hm://pusher/v1/connections/') ? frame.headers.get('spotify-connection-id') : undefined;
          if (id !== undefined) resolve(id);
          emitter.emit('message', frame);
        } else if (frame.type === 'request') {
          emitter.emit('request', { request: frame, reply: (success) => socket.send(encodeDealerReply(frame.key, success)) });
        }
      });
    });
    const session = new PhoneSession(login, { client, access }, socket, emitter, connectionId);
    socket.once('close', () => {
      session.#pings[Symbol.dispose]();
      emitter.emit('closed', { name: login.name });
    });
    return session;
  }

  get events(): Events<PhoneSessionEvents> {
    return this.#emitter.events;
  }

  /** A request to the web services, with everything it needs. Tokens that have expired are renewed, as every app does. */
  async ask(path: string, question: HttpQuestion = {}): Promise<HttpAnswer> {
    const used = this.#tokens;
    const answer = await this.#ask(path, question);
    if (answer.status !== 401) return answer;
    // Another request may have renewed them meanwhile.
    if (this.#tokens === used) {
      const client = await clientTokenFor(this.#login);
      this.#tokens = { client, access: await accessTokenFor(this.#login, client) };
    }
    return this.#ask(path, question);
  }

  #ask(path: string, question: HttpQuestion): Promise<HttpAnswer> {
    const headers = {
      ...phoneHeaders(this.#login.name),
      Authorization: `Bearer ${this.#tokens.access}`,
      'Client-Token': this.#tokens.client,
      'X-Spotify-Connection-Id': this.connectionId,
    };
    return fetchBytes(`${this.#login.base}${path}`, { ...question, headers: { ...headers, ...question.headers } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pings[Symbol.dispose]();
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    const closed = new Promise((done) => this.#socket.once('close', done));
    this.#socket.terminate();
    await closed;
  }
}

function phoneHeaders(name: string): Record<string, string> {
  return { [phoneHeader]: encodeURIComponent(name) };
}

async function clientTokenFor({ base, deviceId, name }: PhoneLogin): Promise<string> {
  const platform = { systemName: 'Linux', release: '6', version: '1', hardware: 'x86_64' };
  const body = encodeClientTokenRequest({ clientId: keymaster, deviceId, version: '1.2.52.442', platform });
  const answer = await fetchBytes(`${base}/v1/clienttoken`, { method: 'POST', headers: { ...phoneHeaders(name), 'Content-Type': 'application/x-protobuf' }, body });
  const decoded = decodeClientTokenAnswer(answer.body);
  if (decoded.kind === 'granted') return decoded.token;
  throw toTonearmError(new Error('the phone was asked to solve a puzzle'), 'simulator/phone-token');
}

async function accessTokenFor({ base, deviceId, name, username, credential }: PhoneLogin, clientToken: string): Promise<string> {
  const body = encodeLogin5Request({ clientId: keymaster, deviceId, username, data: credential });
  const headers = { ...phoneHeaders(name), 'Content-Type': 'application/x-protobuf', 'client-token': clientToken };
  const answer = decodeLogin5Answer((await fetchBytes(`${base}/v3/login`, { method: 'POST', headers, body })).body);
  if (answer.kind === 'ok') return answer.accessToken;
  throw new TonearmError({ kind: 'unauthorized', code: 'simulator/phone-login', message: `The simulated phone could not log in as ${username}: ${answer.kind === 'error' ? answer.name : answer.kind}.` });
}
