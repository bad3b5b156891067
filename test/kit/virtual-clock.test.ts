import { createServer, request, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { sleep } from '#foundation';
import { VirtualClock } from './virtual-clock.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function virtual(): VirtualClock {
  const clock = new VirtualClock();
  ends.push(() => clock[Symbol.dispose]());
  return clock;
}

async function listening(server: Server): Promise<number> {
  ends.push(() => server.closeAllConnections(), () => server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

function get(port: number, body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent: false, method: 'POST' }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => resolve(Buffer.concat(parts).toString()));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

it('runs timers in order, equal ones in the order they were made, and none that was disposed', async () => {
  const clock = virtual();
  const ran: string[] = [];
  for (const [delay, name] of [[20, 'b'], [10, 'a'], [20, 'c'], [0, 'at once'], [31, 'late']] as const) clock.timer(delay, () => ran.push(`${name} ${clock.monotonic()}`));
  const gone = clock.timer(15, () => ran.push('gone'));
  clock.timer(12, () => gone[Symbol.dispose]());
  await clock.run(30);
  expect(ran).toEqual(['at once 1', 'a 10', 'b 20', 'c 20']);
  expect([clock.monotonic(), clock.now(), clock.pending]).toEqual([30, 1_700_000_000_030, 1]);
  clock.jump(5000);
  expect([clock.monotonic(), clock.now()]).toEqual([30, 1_700_000_005_030]);
});

it('keeps thousands of timers in order however they come and go', async () => {
  const clock = virtual();
  const due: number[] = [];
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const handles = Array.from({ length: 5000 }, () => {
    const delay = Math.ceil(random() * 1e6);
    return { delay, handle: clock.timer(delay, () => due.push(delay)) };
  });
  const dropped = handles.filter(() => random() < 0.7);
  for (const { handle } of dropped) handle[Symbol.dispose]();
  expect(clock.pending).toBe(5000 - dropped.length);
  const gone = new Set(dropped);
  const began = performance.now();
  await clock.run(1e6);
  expect(due).toEqual(handles.filter((one) => !gone.has(one)).map(({ delay }) => delay).sort((a, b) => a - b));
  expect(clock.pending).toBe(0);
  expect(performance.now() - began).toBeLessThan(10_000);
});

it('waits for what sockets carry: a large answer in many pieces takes no time', async () => {
  const clock = virtual();
  const large = 'x'.repeat(4_000_000);
  const port = await listening(createServer((asked, answer) => asked.resume().on('end', () => answer.end(large))));
  const when: number[] = [];
  clock.timer(100, () => void get(port, large).then((text) => when.push(text.length, clock.monotonic())));
  await clock.run(101);
  expect(when).toEqual([4_000_000, 100]);
});

it('knows a server that answers later from one that is slow', async () => {
  const clock = virtual();
  const port = await listening(createServer((_asked, answer) => void sleep(clock, 2500).then(() => answer.end('late'))));
  const began = performance.now();
  expect(await clock.during(get(port), 3000)).toBe('late');
  expect(clock.monotonic()).toBe(2500);
  expect(performance.now() - began).toBeLessThan(2000);
});

it('gives up on what nobody reads, and goes on when it is read after all', async () => {
  const clock = virtual();
  const server = createTcpServer({ pauseOnConnect: true }, (socket) => void clock.timer(60_000, () => socket.resume()));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ends.push(() => server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  ends.push(() => socket.destroy());
  let drained = -1;
  socket.write(Buffer.alloc(50_000_000), () => (drained = clock.monotonic()));
  await clock.run(59_999);
  expect(drained).toBe(-1);
  await clock.run(1);
  expect(drained).toBe(60_000);
});

it('waits for files', async () => {
  const clock = virtual();
  const folder = await mkdtemp(join(tmpdir(), 'clock-'));
  ends.push(() => rm(folder, { recursive: true }));
  let when = -1;
  clock.timer(10, () => void writeFile(join(folder, 'a'), 'a'.repeat(1e6)).then(() => readFile(join(folder, 'a'))).then(() => (when = clock.monotonic())));
  await clock.run(1000);
  expect(when).toBe(10);
});

it('sees connections come, refuse and go', async () => {
  const clock = virtual();
  const server = createServer((_asked, answer) => answer.end('hello'));
  const port = await listening(server);
  await clock.during(get(port));
  await clock.settle();
  expect(clock.traffic.open).toBe(0);
  const socket = connect(port, '127.0.0.1');
  await clock.settle();
  expect(clock.traffic.open).toBe(1);
  let isClosed = false;
  server.once('connection', (accepted) => accepted.once('close', () => (isClosed = true)));
  const another = connect(port, '127.0.0.1');
  await clock.settle();
  another.resetAndDestroy();
  await clock.settle();
  expect(isClosed).toBe(true);
  socket.destroy();
  await clock.settle();
  expect(clock.traffic.open).toBe(0);
});

it('says what did not come, and refuses to be moved twice at once', async () => {
  const clock = virtual();
  await expect(clock.until(() => false, 1000)).rejects.toThrow('did not come within 1000 ms');
  await expect(clock.during(new Promise(() => undefined), 1000)).rejects.toThrow('was not done within 1000 ms');
  const first = clock.run(1000);
  await expect(clock.run(1)).rejects.toThrow('at the same time');
  await first;
});
