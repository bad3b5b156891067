import { createServer } from 'node:net';
import { expect } from 'vitest';
import { surfaces } from '#surfaces';
import { surfaceContract } from './surface.contract.ts';

const http = surfaces.find(({ name }) => name === 'http');
if (!http) throw new Error('There is no http surface.');

surfaceContract({
  surface: http,
  good: async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return { port, keys: [{ name: 'Test', key: 'k'.repeat(32), scope: 'control' }] };
  },
  away: null,
  bad: [{ port: -1 }, { host: 'everywhere' }, { sparkle: 1 }, { host: '192.0.2.1' }, { keys: [{ name: 'Short', key: 'abc' }] }, { origins: ['panel'] }],
  shown: async (settings) => {
    const reply = await fetch(`http://127.0.0.1:${(settings as { port: number }).port}/api/v1/zones/kitchen`, { headers: { authorization: `Bearer ${'k'.repeat(32)}` } });
    expect(await reply.json()).toMatchObject({ state: { status: 'playing' } });
  },
});
