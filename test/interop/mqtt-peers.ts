import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { Emitter, systemClock, withTimeout } from '#foundation';

export const mosquitto = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto'].find((path) => existsSync(path));

/** A port nobody used a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The real broker with a configuration of its own, on loopback. */
export class Mosquitto implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | null = null;
  output = '';

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  static async open(extra = 'allow_anonymous true'): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort(), await mkdtemp(join(tmpdir(), 'tonearm-mosquitto-')));
    const lines = [`listener ${broker.port} 127.0.0.1`, 'persistence false', 'log_dest stderr', 'log_type all', extra];
    await writeFile(join(broker.#folder, 'broker.conf'), lines.join('\n'));
    await broker.start();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const child = spawn(mosquitto ?? 'mosquitto', ['-c', join(this.#folder, 'broker.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        this.output += chunk.toString();
        if (/mosquitto version .* running/.test(said)) resolve();
      });
      child.once('exit', () => reject(new Error(`mosquitto ended: ${said}`)));
      child.once('error', reject);
    });
  }

  /** The hard way unless told otherwise: a term signal right after its start is lost on mosquitto 2.0.11. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child?.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface Heard {
  readonly topic: string;
  readonly text: string;
  readonly retained: boolean;
  readonly at: number;
}

/** Another client that hears everything and remembers what topics hold. */
export class Listener implements AsyncDisposable {
  readonly heard: Heard[] = [];
  readonly held = new Map<string, string>();
  readonly #emitter = new Emitter<{ heard: Heard }>();
  readonly client: MqttClient;

  private constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload, { retain }) => {
      const heard = { topic, text: payload.toString(), retained: retain, at: systemClock.monotonic() };
      this.heard.push(heard);
      this.held.set(topic, heard.text);
      this.#emitter.emit('heard', heard);
    });
  }

  static async open(url: string, options: IClientOptions = {}): Promise<Listener> {
    const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
    const listener = new Listener(client);
    await client.subscribeAsync('#', { qos: 1 });
    return listener;
  }

  say(topic: string, payload: string | object = '', options: { retain?: boolean; qos?: 0 | 1 } = {}): Promise<unknown> {
    return this.client.publishAsync(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), { qos: 1, ...options });
  }

  /** What the topic holds, as JSON, once `test` accepts it. */
  async until<T = Record<string, unknown>>(topic: string, test: (value: T) => boolean, limit = 5000): Promise<T> {
    const fits = () => {
      const text = this.held.get(topic);
      if (text === undefined) return undefined;
      const value = (/^[{[]/.test(text) ? JSON.parse(text) : text) as T;
      return test(value) ? value : undefined;
    };
    return withTimeout(systemClock, limit, { code: 'test/not-heard', message: `${topic} never was as expected; it holds ${this.held.get(topic) ?? 'nothing'}` }, undefined, async (signal) => {
      for (;;) {
        const value = fits();
        if (value !== undefined) return value;
        await this.#emitter.once('heard', { signal });
      }
    });
  }

  /** Resolves with the next message that fits. */
  next(test: (heard: Heard) => boolean, limit = 5000): Promise<Heard> {
    return withTimeout(systemClock, limit, { code: 'test/not-heard', message: 'The message never came.' }, undefined, (signal) => this.#emitter.once('heard', { signal, test }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true);
  }
}

/** What a newcomer is told about a topic: the retained message and nothing else. */
export async function retainedAt(url: string, filter: string, options: IClientOptions = {}): Promise<Map<string, string>> {
  const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
  const found = new Map<string, string>();
  client.on('message', (topic, payload, { retain }) => {
    if (retain) found.set(topic, payload.toString());
  });
  await client.subscribeAsync(filter, { qos: 1 });
  // Retained messages come before the echo of what is published after subscribing.
  const echo = `echo/${Math.random().toString(36).slice(2)}`;
  await client.subscribeAsync(echo);
  const back = new Promise<void>((resolve) => client.on('message', (topic) => {
      if (topic === echo) resolve();
    }));
  await client.publishAsync(echo, 'x');
  await back;
  await client.endAsync();
  return found;
}
