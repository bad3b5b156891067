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
    await expect(openBroker({ host: '203.0.113.1', port: 0, username: 'me', password: new Secret('x') })).rejects.toMatchObject({ name: 'TonearmError', kind: 'conflict', code: 'broker/cannot-listen' });
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

  it.each(['0.0.0.0', '::', '192.0.2.1'])('is not opened to everybody on %s without a password', async (host) => {
    await expect(openBroker({ host, port: 0, username: 'me' })).rejects.toMatchObject({ kind: 'invalid', code: 'broker/needs-password', message: expect.stringContaining('"broker.password"') as string });
  });

  it('is opened wider with one', async () => {
    const { port, url } = scope.use(await openBroker({ host: '0.0.0.0', port: 0, username: 'me', password: new Secret('right') }));
    expect(url).toBe(`mqtt://127.0.0.1:${port}`);
    await client(url, { username: 'me', password: 'right' });
    await expect(client(`mqtt://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 4 });
  });

  it('lets one client have only so many subscriptions', async () => {
    const { url } = scope.use(await openBroker({ port: 0, subscriptions: 3 }));
    const one = await client(url);
    for (const topic of ['a', 'b', 'c', 'c']) await one.subscribeAsync(topic);
    await expect(one.subscribeAsync('d')).rejects.toThrow();
    await one.unsubscribeAsync('a');
    await one.subscribeAsync('d');
    // Another has its own.
    await (await client(url)).subscribeAsync('x');
  });

  it('keeps only so many bytes of retained messages, and makes room when some are cleared', async () => {
    const { url } = scope.use(await openBroker({ port: 0, retained: 1000 }));
    const kept = async (topic: string) => {
      const reader = await client(url);
      const found: string[] = [];
      reader.on('message', (on, _payload, { retain }) => {
        if (retain) found.push(on);
      });
      await reader.subscribeAsync([topic, 'echo']);
      const back = new Promise<void>((resolve) => reader.on('message', (on) => {
        if (on === 'echo') resolve();
      }));
      await reader.publishAsync('echo', 'x', { qos: 1 });
      await back;
      return found.length > 0;
    };
    const publish = async (topic: string, bytes: number) => {
      const writer = await client(url);
      // Refused ones cost the client its connection, as MQTT 3.1.1 has no other answer.
      await Promise.race([writer.publishAsync(topic, Buffer.alloc(bytes, 1), { qos: 1, retain: true }).catch(() => undefined), new Promise<void>((resolve) => writer.once('close', () => resolve()))]);
    };
    await publish('a', 600);
    await publish('b', 600);
    expect([await kept('a'), await kept('b')]).toEqual([true, false]);
    await publish('a', 0);
    await publish('b', 600);
    expect([await kept('a'), await kept('b')]).toEqual([false, true]);
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
