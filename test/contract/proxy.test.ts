import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Scope, Secret, silentLog, systemClock } from '#foundation';
import { HttpWorld, HttpBytes } from '../../src/audio/bytes/http-bytes.ts';
import { hello, patience, Table, until } from './session-fixture.ts';

/** An HTTP proxy that knows only CONNECT, and notes whom it connected. */
async function openProxy(scope: Scope) {
  const sockets = new Set<Socket>();
  const proxy = { status: '200 OK', reached: [] as string[], url: '' };
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.once('data', (head: Buffer) => {
      const [, host = '', port = ''] = /^CONNECT ([^:]+):(\d+) HTTP\/1\.1\r\n/.exec(head.toString()) ?? [];
      if (proxy.status !== '200 OK') {
        socket.end(`HTTP/1.1 ${proxy.status}\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      proxy.reached.push(`${host}:${port}`);
      const far = net.connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      sockets.add(far);
      far.on('error', () => socket.destroy());
      far.once('close', () => sockets.delete(far));
      socket.pipe(far).pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `http://user:planted-password@127.0.0.1:${(server.address() as AddressInfo).port}`;
  scope.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return proxy;
}

let scope: Scope;
beforeEach(() => void (scope = new Scope()));
afterEach(() => scope[Symbol.asyncDispose]());

it.each([false, true])('everything of a session goes through the proxy (TLS %s)', async (secure) => {
  const proxy = await openProxy(scope);
  const table = scope.use(await Table.open({ secure, ports: { accessPoint: [0, 0] } }));
  const session = await table.session({ network: { proxy: new Secret(proxy.url) } });
  await session.ready(patience());
  await session.putState(hello(session), patience());
  const { gid, file } = await session.metadata(table.uri('Plain'), patience());
  await session.audioKey(gid, file.id, patience());
  const { urls } = await session.storage(file.id, file.format, patience());

  const world = scope.use(new HttpWorld(systemClock, silentLog, { proxy: proxy.url, certificates: table.cloud.endpoints.certificates }));
  const bytes = scope.use(new HttpBytes(urls, world, () => undefined));
  expect((await bytes.read(0, 100, patience())).length).toBe(100);

  const { ports } = table.cloud;
  const reached = new Set(proxy.reached.map((one) => Number(one.split(':')[1])));
  expect(reached).toContain(ports.accessPoint[0]);
  expect(reached).toContain(secure ? ports.tls : ports.plain);
  // Nobody came any other way: as many connections as tunnels.
  const { connections } = table.cloud.counters.view;
  expect(Object.values(connections).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(proxy.reached.length);
  expect(JSON.stringify(table.lines)).not.toContain('planted');
});

it('a proxy that refuses is told by name, tried again, and works as soon as it lets us', async () => {
  const proxy = await openProxy(scope);
  proxy.status = '407 Proxy Authentication Required';
  const table = scope.use(await Table.open());
  const opening = table.session({ network: { proxy: new Secret(proxy.url) } });
  await until(() => table.troubles.some(({ code }) => code === 'network/proxy-login'));
  expect(table.troubles.find(({ code }) => code === 'network/proxy-login')?.message).toMatch(/^The proxy 127\.0\.0\.1:\d+ wants a user name and password/);
  proxy.status = '200 OK';
  expect((await opening).username).toBe('listener');
});
