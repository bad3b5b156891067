import nodeHttp from 'node:http';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import type { Automations, AutomationsPicture, Control, Preset, Presets, RunView, TagRead, Tags, TagsPicture, TagWish } from '#core';
import { Emitter, FakeClock, Scope, TonearmError } from '#foundation';
import { FakeAccounts } from '../../../test/contract/fake-accounts.ts';
import { fakeHost, fakeZone, keptLog, playing } from '../../../test/contract/surface-fake-player.ts';
import { openApiKeys } from '../api-keys.ts';
import { http } from './index.ts';
import { answers, SocketMessage, type RequestName } from './wire/index.ts';

export const alarm = { id: 'wake', name: 'Wake up', kind: 'alarm', enabled: true, next: 7000, skipsNext: false, last: null, zones: ['kitchen'], alarm: { time: '07:15', days: ['mon'], state: 'idle', snoozedUntil: null } } as const;
const run: RunView = { automation: 'wake', at: 1, ended: null, trigger: 'by hand (http)', result: 'running', why: 'It was asked for.', steps: [] };

export const readTag = { tag: '04A2197B', reader: null, zone: 'kitchen', at: 3, outcome: 'played', name: 'Jazz', why: null } as const;

export class FakeTags implements Tags {
  readonly emitter = new Emitter<{ changed: TagsPicture; read: TagRead }>();
  readonly events = this.emitter.events;
  readonly #asked: unknown[][];
  picture: TagsPicture = { readers: [{ id: 'box', zone: 'kitchen' }], tags: [{ tag: '04A2197B', wish: { play: 'jazz' }, name: 'Jazz', isFixed: true }], learning: null, last: null };

  constructor(asked: unknown[][]) {
    this.#asked = asked;
  }

  learn(wish: TagWish | null) {
    this.#asked.push(['tags learn', wish]);
    return { until: 60_000 };
  }

  forget(tag: string) {
    this.#asked.push(['tags forget', tag]);
    return Promise.resolve();
  }

  scan(...what: unknown[]) {
    this.#asked.push(['tags scan', ...what]);
    return Promise.resolve(readTag);
  }
}

/** Remembers what it was asked. */
export class FakeAutomations implements Automations {
  readonly emitter = new Emitter<{ changed: AutomationsPicture; ran: RunView }>();
  readonly events = this.emitter.events;
  readonly asked: unknown[][] = [];
  readonly tags = new FakeTags(this.asked);
  picture: AutomationsPicture = { automations: [alarm], enabled: true, guestMode: false, quiet: false, people: [{ id: 'ann', name: 'Ann', presence: 'present', room: null }], rooms: [] };

  enable = (...what: unknown[]) => this.#did('enable', what);
  setGuestMode = (...what: unknown[]) => this.#did('guest', what);
  run = (...what: unknown[]) => this.#did('run', what);
  forget = (...what: unknown[]) => this.#did('forget', what);
  skipNext = (...what: unknown[]) => this.#did('skip', what);
  setTime = (...what: unknown[]) => this.#did('time', what);
  snooze = (...what: unknown[]) => this.#did('snooze', what);
  stop = (...what: unknown[]) => this.#did('stop', what);

  forecast(id: string, count: number) {
    this.asked.push(['forecast', id, count]);
    return Promise.resolve({ automation: id, firings: [{ at: 1, runs: false, why: 'skipped' }] });
  }

  history(id: string | null, count: number) {
    this.asked.push(['history', id, count]);
    return [run];
  }

  show(picture: Partial<AutomationsPicture>): void {
    this.picture = { ...this.picture, ...picture };
    this.emitter.emit('changed', this.picture);
    this.emitter.emit('ran', run);
  }

  #did(what: string, more: unknown[]): Promise<void> {
    this.asked.push([what, ...more]);
    return Promise.resolve();
  }
}

/** Remembers what it was to write into the configuration. */
function fakeControl() {
  const asked: unknown[][] = [];
  const did = (...what: unknown[]) => Promise.resolve(void asked.push(what));
  return {
    asked,
    events: new Emitter<{ changed: undefined }>().events,
    restart: () => did('restart'),
    restartRequired: false,
    logLevel: 'info',
    setLogLevel: () => undefined,
    addZone: () => Promise.resolve('zone'),
    removeZone: () => did('remove-zone'),
    changeZone: () => did('change-zone'),
    setAutomation: (...what: Parameters<Control['setAutomation']>) => did(...what).then(() => 'id'),
    removeAutomation: (id: string) => did('remove', id),
    changeOptions: (options: object) => did('options', options).then(() => ({ restarts: true })),
    backup: () => Promise.resolve({ zip: Buffer.from('zip'), leftOut: ['mqtt.password'] }),
  } satisfies Control & { readonly asked: unknown[][] };
}

export class FakePresets implements Presets {
  readonly emitter = new Emitter<{ changed: readonly Preset[] }>();
  readonly events = this.emitter.events;
  list: readonly Preset[] = [{ id: 'jazz', name: 'Jazz', uri: 'spotify:playlist:jazz', level: 0.3 }];
  find = () => null;

  add(preset: Omit<Preset, 'id'> & { readonly id?: string | undefined }): Promise<Preset> {
    const added = { ...preset, id: preset.id ?? 'new' };
    this.#set([...this.list, added]);
    return Promise.resolve(added);
  }

  remove(id: string): Promise<void> {
    if (!this.list.some((one) => one.id === id)) return Promise.reject(new TonearmError({ kind: 'not-found', code: 'zones/no-such-preset', message: 'No such preset.' }));
    this.#set(this.list.filter((one) => one.id !== id));
    return Promise.resolve();
  }

  #set(list: readonly Preset[]): void {
    this.list = list;
    this.emitter.emit('changed', list);
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: nodeHttp.IncomingHttpHeaders;
  readonly json: { readonly [name: string]: unknown; readonly error?: { readonly code: string; readonly message: string } };
}

export interface Ask {
  readonly method?: string;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** As it stands, instead of `body` as JSON. */
  readonly raw?: string | Buffer;
}

/** The API of a house of fakes. */
export async function openHouse(settings: object = {}) {
  const scope = new Scope();
  const clock = new FakeClock();
  const log = keptLog();
  const host = fakeHost(clock, log);
  const [kitchen, bath] = [fakeZone(clock, 'kitchen', playing(clock)), fakeZone(clock, 'bath')];
  const [accounts, automations, presets] = [new FakeAccounts(), new FakeAutomations(), new FakePresets()];
  const daemon = fakeControl();
  const keys = await openApiKeys({ host });
  const announced: unknown[] = [];
  const announce = (announcement: unknown) => {
    announced.push(announcement);
    return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve(void announced.pop()) });
  };
  const control = await keys.add('Control', 'control');
  const read = await keys.add('Reader', 'read');
  const surface = scope.use(await http.open({ port: 0, ...settings }, { zones: [kitchen, bath], host, accounts, automations, presets, control: daemon, apiKeys: keys, announce, instance: '7f3a' }));
  const port = Number(/:(\d+)\//.exec(JSON.stringify(log.lines))?.[1]);
  const base = `http://127.0.0.1:${port}`;
  const key = control.key.reveal();

  const ask = (path: string, { method = 'GET', key: own = key, headers = {}, body, raw }: Ask = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const bytes = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const request = nodeHttp.request(`${base}/api/v1${path}`, {
        method,
        agent: false,
        headers: { ...(own !== null && { authorization: `Bearer ${own}` }), ...(bytes !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }), ...headers },
      }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part)).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, json: JSON.parse(text || '{}') as Reply['json'] }));
      });
      request.on('error', reject);
      request.end(bytes);
    });

  const connect = async (more: { readonly key?: string | null; readonly query?: string; readonly headers?: Readonly<Record<string, string>>; readonly protocols?: readonly string[] } = {}) => {
    const client = scope.use(new Client(`ws://127.0.0.1:${port}/api/v1/events${more.query ?? ''}`, { ...(more.key !== null && { authorization: `Bearer ${more.key ?? key}` }), ...more.headers }, more.protocols));
    await client.opened;
    return client;
  };
  return { scope, clock, log, host, kitchen, bath, accounts, automations, presets, daemon, keys, announced, surface, base, port, key, control: control.view, readKey: read.key.reveal(), reader: read.view, ask, connect, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

export type TestHouse = Awaited<ReturnType<typeof openHouse>>;

/** What is said has to be what the schemas say, to the last field. */
export function expectDocumented(name: RequestName, answer: unknown): void {
  expect(answers[name].parse(answer)).toEqual(answer);
}

/** A program on the socket. Each message it hears is held against the schemas. */
export class Client implements Disposable {
  readonly heard: SocketMessage[] = [];
  readonly opened: Promise<void>;
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
  #arrived: (() => void)[] = [];

  constructor(url: string, headers: Readonly<Record<string, string>>, protocols: readonly string[] = []) {
    this.socket = new WebSocket(url, [...protocols], { headers, perMessageDeflate: false });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('unexpected-response', (request, response) => {
        request.destroy();
        reject(new Error(String(response.statusCode)));
      });
      this.socket.once('error', reject);
    });
    this.opened.catch(() => undefined);
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => {
      const said: unknown = JSON.parse((data as Buffer).toString('utf8'));
      const message = SocketMessage.parse(said);
      expect(message).toEqual(said);
      this.heard.push(message);
      for (const arrived of this.#arrived.splice(0)) arrived();
    });
  }

  /** The first message that fits, also of those that came before. */
  async message<Kind extends SocketMessage['kind']>(kind: Kind, test: (message: Extract<SocketMessage, { kind: Kind }>) => boolean = () => true): Promise<Extract<SocketMessage, { kind: Kind }>> {
    for (let at = 0; ; at++) {
      while (at >= this.heard.length) await new Promise<void>((resolve) => this.#arrived.push(resolve));
      const message = this.heard[at] as Extract<SocketMessage, { kind: Kind }>;
      if (message.kind === kind && test(message)) return message;
    }
  }

  /** Asks, and resolves with the answer. */
  async ask(id: string | number, name: string, fields?: unknown) {
    this.socket.send(JSON.stringify({ id, do: name, ...(fields !== undefined && { with: fields }) }));
    return await this.message('answer', (answer) => answer.id === id);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}
