/** The server behind the settings page: looks for Tonearms in the network and tries addresses and keys. It keeps and writes nothing. */
import { HomebridgePluginUiServer } from '@homebridge/plugin-ui-utils';
import { openFinder } from '../finder.ts';
import { sleep, systemClock } from '../foundation.ts';
import { dial } from '../socket.ts';
import { lookAround } from './look.ts';

/** mDNS answers come within a second or not at all; slow Wi-Fi gets a little more. Milliseconds. */
const searchTime = 2500;

const server = new HomebridgePluginUiServer();

server.onRequest('/find', async () => {
  const finder = openFinder(() => undefined);
  try {
    await sleep(systemClock, searchTime);
    return [...finder.found.values()];
  } finally {
    finder[Symbol.dispose]();
  }
});

server.onRequest('/look', async (body: unknown) => {
  const { url, others, key } = body as { readonly url?: unknown; readonly others?: unknown; readonly key?: unknown };
  const addresses = [url, ...(Array.isArray(others) ? (others as unknown[]) : [])].map((address) => (typeof address === 'string' ? address.trim() : ''));
  return lookAround(dial, systemClock, addresses, typeof key === 'string' && key.trim() !== '' ? key.trim() : null);
});

server.ready();
