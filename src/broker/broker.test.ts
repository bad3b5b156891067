import { connect as connectSocket, createServer, type Server } from 'node:net';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { Scope, Secret } from '#foundation';
import { openBroker } from './index.ts';

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

async function client(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const opened = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
  opened.on('error', () => undefined);
  scope.defer(() => opened.endAsync(true));
  return opened;
}

async function occupied(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  scope.defer(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as { port: number }).port;
}

describe('the embedded broker', () => {
  it('carries messages and keeps what is retained', async () => {
    const { url, port, host } = scope.use(await openBroker({ port: 0 }));
    expect(url).toBe(`mqtt://${host}:${port}`);
    expect(host).toBe('127.0.0.1');
    const one = await client(url);
    await one.publishAsync('a/b', 'kept', { retain: true, qos: 1 });
    const two = await client(url);
    const heard = new Promise<[string, string, boolean]>((resolve) => two.on('message', (topic, payload, { retain }) => resolve([topic, payload.toString(), retain])));
    await two.subscribeAsync('a/#', { qos: 1 });
    expect(await heard).toEqual(['a/b', 'kept', true]);
  });

  it('takes the next port when its own is taken', async () => {
    const taken = await occupied();
    const broker = scope.use(await openBroker({ port: taken }));
    expect(broker.port).not.toBe(taken);
    expect(broker.port).toBeGreaterThan(0);
    await client(broker.url);
  });

  it('says so when it cannot listen at all', async () => {
    await expect(openBroker({ host: '203.0.113.1', port: 0 })).rejects.toMatchObject({ name: 'TonearmError', kind: 'conflict', code: 'broker/cannot-listen' });
  });

  it('asks for user and password when it has them', async () => {
    const { url } = scope.use(await openBroker({ port: 0, username: 'me', password: new Secret('right') }));
    await client(url, { username: 'me', password: 'right' });
    for (const options of [{}, { username: 'me', password: 'wrong' }, { username: 'you', password: 'right' }, { username: 'me' }]) {
      await expect(client(url, options)).rejects.toMatchObject({ code: 4 });
    }
  });

  it('drops a client whose packet would be too large', async () => {
    const { url, port } = scope.use(await openBroker({ port: 0, largest: 1000 }));
    const good = await client(url);
    await good.publishAsync('a', Buffer.alloc(900), { qos: 1 });
    const socket = connectSocket(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = new Promise<boolean>((resolve) => socket.on('close', () => resolve(true)));
    socket.write(generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'big', clean: true, keepalive: 0 }));
    // The header alone: 200 MB are announced and never sent.
    socket.write(Buffer.from([0x30, 0x80, 0x84, 0xaf, 0x5f]));
    expect(await closed).toBe(true);
    await good.publishAsync('a', 'still here', { qos: 1 });
  });

  it('takes only so many clients', async () => {
    const { url, port } = scope.use(await openBroker({ port: 0, clients: 2 }));
    await client(url);
    await client(url);
    const third = connectSocket(port, '127.0.0.1');
    third.on('error', () => undefined);
    await new Promise((resolve) => third.on('close', resolve));
  });

  it('keeps no session for who is away', async () => {
    const { url } = scope.use(await openBroker({ port: 0 }));
    const sleeper = await client(url, { clientId: 'sleeper', clean: false });
    await sleeper.subscribeAsync('a', { qos: 1 });
    await sleeper.endAsync();
    await (await client(url)).publishAsync('a', 'missed', { qos: 1 });
    const back = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, clientId: 'sleeper', clean: false });
    scope.defer(() => back.endAsync(true));
    const heard: string[] = [];
    back.on('message', (_, payload) => heard.push(payload.toString()));
    await back.subscribeAsync('b', { qos: 1 });
    const echo = new Promise((resolve) => back.on('message', resolve));
    await back.publishAsync('b', 'echo', { qos: 1 });
    await echo;
    expect(heard).toEqual(['echo']);
  });

  it('publishes the will of a client that is gone', async () => {
    const { url } = scope.use(await openBroker({ port: 0 }));
    const watcher = await client(url);
    await watcher.subscribeAsync('will', { qos: 1 });
    const heard = new Promise<string>((resolve) => watcher.on('message', (_, payload) => resolve(payload.toString())));
    const doomed = await client(url, { will: { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: true } });
    doomed.stream.destroy();
    expect(await heard).toBe('gone');
  });

  it('closes with clients connected, twice', async () => {
    const broker = await openBroker({ port: 0 });
    const one = await client(broker.url);
    const closed = new Promise((resolve) => one.on('close', () => resolve(null)));
    await Promise.all([broker[Symbol.asyncDispose](), broker[Symbol.asyncDispose]()]);
    await closed;
  });
});
