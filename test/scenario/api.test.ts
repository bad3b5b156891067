import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Hello, SocketMessage, Zone } from '../../src/surfaces/http/api.d.ts';
import { commandLines, openHouse, pair, readAll, until, type House } from './house.ts';
import { makeTunes } from './tunes.ts';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const run = promisify(execFile);

let house: House;
let clients: Client[];

/** A program on the socket: the picture it has, and what it was answered. */
class Client {
  readonly socket: WebSocket;
  readonly answers = new Map<unknown, Extract<SocketMessage, { kind: 'answer' }>>();
  hello: Hello | null = null;
  zone: Zone | null = null;
  closed: number | null = null;
  #next = 0;

  constructor(base: string, key: string, by: string) {
    this.socket = new WebSocket(`${base.replace(/^http/, 'ws')}/events?by=${by}`, { headers: { authorization: `Bearer ${key}` } });
    this.socket.on('error', () => undefined);
    this.socket.on('close', (code) => (this.closed = code));
    this.socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString('utf8')) as SocketMessage;
      if (message.kind === 'hello') [this.hello, this.zone] = [message, message.zones[0] ?? null];
      else if (message.kind === 'zone') this.zone = message.zone;
      else if (message.kind === 'answer') this.answers.set(message.id, message);
    });
  }

  get state() {
    return this.zone?.state ?? null;
  }

  async ask(name: string, fields: object) {
    const id = ++this.#next;
    this.socket.send(JSON.stringify({ id, do: name, with: fields }));
    return await until(`${name} is answered`, () => this.answers.get(id));
  }

  async command(commands: object) {
    expect(await this.ask('zone/command', { zone: 'house', commands })).toHaveProperty('ok');
  }
}

const command = async (...words: readonly string[]) => (await run(process.execPath, [program, ...words, '--config', join(house.folder, 'configuration.yaml')])).stdout.trim();
const base = () => /http:\/\/127\.0\.0\.1:\d+\/api\/v1/.exec(house.daemon.output)?.[0] ?? '';

async function connect(key: string, by = 'homekit'): Promise<Client> {
  const client = new Client(base(), key, by);
  clients.push(client);
  await until('the socket has said hello', () => client.hello);
  return client;
}

let key: string;
let client: Client;

beforeAll(async () => {
  const tunes = await makeTunes([20, 20]);
  clients = [];
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) } });
}, 60_000);
afterAll(async () => {
  for (const { socket } of clients) socket.terminate();
  await house[Symbol.asyncDispose]();
});

describe('the API of the built daemon', () => {
  it('lets in whoever has a key that was made on the command line', async () => {
    key = await command('keys', 'add', 'Scenario', '--scope', 'control');
    expect(key).toMatch(/^tak_[A-Za-z0-9_-]{43}$/);
    expect(await command('keys')).toContain('Scenario');
    expect((await fetch(`${base()}/zones`)).status).toBe(401);
    client = await connect(key);
    expect(client.hello).toMatchObject({ scope: 'control', daemon: { api: 1 }, zones: [{ id: 'house' }] });
  });

  it('shows what phones do', async () => {
    await pair(house);
    await house.phone.play(house.cloud.contexts.everything);
    await until('the socket shows the tune', () => client.state?.status === 'playing' && client.state.track?.title === 'Tune 1');
    expect(client.state?.by.started).toBe('phone');
    await house.phone.pause();
    await until('the socket shows the pause', () => client.state?.status === 'paused' && client.state.by.changed === 'phone');
  });

  it('does what it is told, phones see it, and the picture comes back quickly', async () => {
    const took: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const isPlaying = turn % 2 === 0;
      const began = performance.now();
      await client.command({ kind: isPlaying ? 'play' : 'pause' });
      await until('the socket shows it', () => client.state?.status === (isPlaying ? 'playing' : 'paused') && client.state.by.changed === 'homekit');
      took.push(performance.now() - began);
      await until('the phone sees it', () => house.phone.cluster.playerState?.isPaused === !isPlaying);
    }
    console.log(`Command to picture: ${took.map((time) => Math.round(time)).join(', ')} ms`);
    // The fastest, because others may be at work on this machine.
    expect(Math.min(...took)).toBeLessThan(300);
    await client.command([{ kind: 'volume', level: 0.5 }, { kind: 'next' }, { kind: 'play' }]);
    await until('all of it was done', () => client.state?.volume.level === 0.5 && client.state.track?.title === 'Tune 2' && client.state.status === 'playing');
    await until('the phone sees the volume', () => Math.abs((house.phone.active?.volume ?? 0) - 32_768) < 700);
  });

  it('obeys requests over HTTP as well', async () => {
    const ask = (path: string, body?: object) => fetch(`${base()}${path}`, { headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) }, ...(body && { method: 'POST', body: JSON.stringify(body) }) });
    expect(await (await ask('/zones/house/commands?by=web', { kind: 'pause' })).json()).toMatchObject({ by: 'web' });
    await until('it is paused', () => client.state?.status === 'paused' && client.state.by.changed === 'web');
    expect(await (await ask('/zones/house')).json()).toMatchObject({ id: 'house', state: { status: 'paused', track: { title: 'Tune 2' } } });
    expect(await (await ask('/presets', { name: 'Everything', uri: house.cloud.contexts.everything })).json()).toMatchObject({ id: 'everything' });
    expect(await client.ask('zone/command', { zone: 'house', commands: { kind: 'preset', preset: 'everything' } })).toHaveProperty('ok');
    await until('the preset plays', () => client.state?.status === 'playing' && client.state.preset === 'everything');
  });

  it('is there again after a restart, with the same keys', async () => {
    await house.restart();
    expect(client.closed).toBe(1001);
    client = await connect(key);
    expect((await client.ask('presets', {}))).toMatchObject({ ok: { presets: [{ id: 'everything' }] } });
  });

  it('cuts off a key that is removed, at once', async () => {
    const [, id = ''] = /Scenario {2}\((\w+)\)/.exec(await command('keys')) ?? [];
    await command('keys', 'remove', id);
    await until('the socket is closed', () => client.closed === 4401);
    expect((await fetch(`${base()}/zones`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
  });

  it('keeps no key that could be used', async () => {
    const secret = Buffer.from(key.slice(4));
    for (const [path, bytes] of await readAll(house.folder)) expect(bytes.includes(secret), path).toBe(false);
    expect(house.daemon.output).not.toContain(key.slice(4));
    expect([...house.topics.values()].join()).not.toContain(key.slice(4));
    expect(commandLines()).not.toContain(key.slice(4));
  });
});
