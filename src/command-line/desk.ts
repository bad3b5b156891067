import net from 'node:net';
import { join } from 'node:path';
import type { Config } from '#config';
import { answerAccountRequest, isAccountRequest } from '#core';
import { Scope, sleep, systemClock, TonearmError, toTonearmError } from '#foundation';
import { deviceIdentity, openHost, type OpenHost } from '#host';
import { loginSeat, openAccounts } from '#sources';
import { productionEndpoints } from '#spotify';
import { encodeLine, Lines, LocalAnswer, longestAnswer, socketName } from '#surfaces/local/wire';
import { handOver } from './hand-over.ts';

type Data = Readonly<Record<string, unknown>>;

/** Whoever does what a command asks: the running daemon, or this process in its place. */
export interface Desk extends AsyncDisposable {
  readonly isRunning: boolean;
  ask(name: string, fields?: unknown): Promise<Data>;
}

/**
 * The daemon when it runs; otherwise the store itself, under the lock a daemon would hold. `write` gets what the log says
 * meanwhile.
 */
export async function openDesk(config: Config, { version, write }: { readonly version: string; readonly write: (line: string) => void }): Promise<Desk> {
  for (let tries = 0; ; tries++) {
    const socket = await connect(join(config.data, socketName));
    if (socket) return new RemoteDesk(socket);
    try {
      return await openOwnDesk(config, version, write);
    } catch (error) {
      // Somebody has the folder and does not listen: a daemon that is just starting, or one command beside another.
      if (toTonearmError(error).code !== 'host/already-running' || tries >= 20) throw error;
    }
    await sleep(systemClock, 500);
  }
}

class RemoteDesk implements Desk {
  readonly isRunning = true;
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, { readonly resolve: (data: Data) => void; readonly reject: (error: Error) => void }>();
  #next = 0;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    const lines = new Lines(longestAnswer);
    socket.on('data', (chunk) => {
      try {
        for (const value of lines.push(chunk)) this.#answered(LocalAnswer.parse(value));
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(daemonGone());
      this.#waiting.clear();
    });
  }

  ask(name: string, fields: unknown = {}): Promise<Data> {
    const id = ++this.#next;
    if (this.#socket.destroyed) return Promise.reject(daemonGone());
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(encodeLine({ id, do: name, with: fields }));
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }

  #answered(answer: LocalAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('ok' in answer) waiting?.resolve(answer.ok);
    else waiting?.reject(new TonearmError(answer.error));
  }
}

function daemonGone(): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'command/daemon-gone', message: 'The daemon has stopped meanwhile. Start it and try again.' });
}

/** Null when no daemon listens. */
function connect(path: string): Promise<net.Socket | null> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}

async function openOwnDesk(config: Config, version: string, write: (line: string) => void): Promise<Desk> {
  const scope = new Scope();
  scope.defer(() => handOver(config.data));
  try {
    const host = scope.use(await openHost({ ...config, log: { ...config.log, level: 'warn' } }, { version, write }));
    const endpoints = config.cloud ?? productionEndpoints;
    const accounts = scope.use(await openAccounts({ settings: config.accounts, zones: config.zones, endpoints, network: config.network, host }));
    for (const zone of config.zones) {
      const deviceId = await deviceIdentity(host.store, zone.id);
      const reception = accounts.reception(zone.id);
      scope.use(reception.attach(loginSeat({ deviceId, name: zone.name, endpoints, network: config.network, host, reception })));
    }
    return {
      isRunning: false,
      ask: (name, fields = {}) => askHere(name, fields),
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };

    async function askHere(name: string, fields: unknown): Promise<Data> {
      const [, asked = ''] = name.split('/');
      if (name.startsWith('account/') && isAccountRequest(asked)) return answerAccountRequest(accounts, asked, fields, (user) => user);
      if (name.startsWith('api-key/')) {
        const { answerKeyRequest, openApiKeys } = await import('#surfaces');
        return answerKeyRequest(await openApiKeys({ host, configured: config.http.keys }), asked, fields);
      }
      if (name !== 'key/rotate') throw new TonearmError({ kind: 'not-found', code: 'local/unknown-request', message: `Nothing is known of "${name}".` });
      return { values: await (host satisfies OpenHost).rotateKey() };
    }
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}
