import { createServer } from 'node:net';
import { connectAsync } from 'mqtt';
import { afterAll, expect } from 'vitest';
import { openBroker } from '#broker';
import { Scope } from '#foundation';
import { surfaces } from '#surfaces';
import { surfaceContract } from './surface.contract.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

const [mqtt] = surfaces;
if (!mqtt) throw new Error('There is no mqtt surface.');

surfaceContract({
  surface: mqtt,
  good: async () => ({ url: scope.use(await openBroker({ port: 0 })).url, version: '3.1.1' }),
  away: async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return { url: `mqtt://127.0.0.1:${port}` };
  },
  bad: [{}, { url: 'http://127.0.0.1' }, { url: 'mqtt://127.0.0.1', sparkle: 1 }, { url: 'mqtt://127.0.0.1', ca: '/nonexistent/ca.pem' }],
  shown: async (settings) => {
    const client = await connectAsync((settings as { url: string }).url, { protocolVersion: 4, reconnectPeriod: 0 });
    const heard = new Promise<string>((resolve) => client.on('message', (_, payload) => resolve(payload.toString())));
    await client.subscribeAsync('tonearm/kitchen');
    expect(JSON.parse(await heard)).toMatchObject({ state: 'playing' });
    await client.endAsync(true);
  },
});
