import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Clock, silentLog, systemClock } from '#foundation';
import { Link } from './link.ts';
import { MqttSettings } from './settings.ts';

/** Welcomes everybody, answers one subscription, and never confirms a message. */
let server: Server;
let onSubscribed: (socket: Socket) => void;
let isSilent: boolean;
let sockets: Socket[];
beforeEach(async () => {
  sockets = [];
  onSubscribed = () => undefined;
  isSilent = false;
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      if (bytes[0] === 0x10) socket.write(Buffer.from([0x20, 2, 0, 0]));
      else if (bytes[0] === 0x82 && !isSilent) socket.write(Buffer.from([0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, 0]), () => onSubscribed(socket));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  for (const socket of sockets) socket.destroy();
});

function open(clock: Clock, more: object = {}): Link {
  const { port } = server.address() as AddressInfo;
  const settings = MqttSettings.parse({ url: `mqtt://127.0.0.1:${port}`, version: '3.1.1', ...more });
  const will = { topic: 'gone', payload: '', retained: false, qos: 0 } as const;
  const link = new Link({ settings, clientId: 'x', tls: {}, origin: 'x', will, subscriptions: [{ topic: 'a', qos: 0 }], clock, log: silentLog, random: () => 0.5 });
  link.start();
  return link;
}

it('leaves within moments, though the broker confirms nothing', async () => {
  const link = open(systemClock);
  await link.events.once('up');
  void link.publish({ topic: 'b', payload: 'x', retained: false, qos: 1 });
  const began = systemClock.monotonic();
  await link[Symbol.asyncDispose]();
  expect(systemClock.monotonic() - began).toBeLessThan(4000);
}, 10_000);

/** Fifty times as fast as the real one. */
const hasty: Clock = { now: () => systemClock.now(), monotonic: () => systemClock.monotonic(), timer: (milliseconds, run) => systemClock.timer(milliseconds / 50, run) };

it('waits for nothing before it speaks', async () => {
  const prompt = vi.spyOn(Socket.prototype, 'setNoDelay');
  await using link = open(systemClock);
  await link.events.once('up');
  expect(prompt.mock.calls).toEqual([[true]]);
  prompt.mockRestore();
});

it('sends nothing larger than it is told to', async () => {
  await using link = open(systemClock, { maxPacket: 65_536 });
  await link.events.once('up');
  const send = (length: number) => link.publish({ topic: 'b', payload: 'x'.repeat(length), retained: false, qos: 0 });
  expect([await send(65_000), await send(66_000)]).toEqual([true, false]);
});

it('tries again when the broker lets it in and then says nothing', async () => {
  isSilent = true;
  await using link = open(hasty);
  let ups = 0;
  link.events.on('up', () => (ups += 1));
  const { reason } = await link.events.once('down');
  expect(ups).toBe(0);
  expect(reason).toMatchObject({ kind: 'unavailable', code: 'mqtt/no-answer' });
  isSilent = false;
  await link.events.once('up');
  expect(sockets).toHaveLength(2);
}, 10_000);

it('takes it for a rival when its connections are reset again and again', async () => {
  onSubscribed = (socket) => void systemClock.timer(20, () => socket.resetAndDestroy());
  const link = open(hasty);
  while (!link.rival) await link.events.once('down');
  expect(sockets).toHaveLength(3);
  await link[Symbol.asyncDispose]();
}, 10_000);
