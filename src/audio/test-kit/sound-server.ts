import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers';

export interface SoundServer extends AsyncDisposable {
  readonly url: (path: string) => string;
  readonly requests: string[];
}

/** A server on loopback that answers paths as it is told. */
export async function openSoundServer(answers: Readonly<Record<string, (response: ServerResponse) => void>>): Promise<SoundServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const answer = answers[path];
    if (answer) answer(response);
    else response.writeHead(404).end('nothing');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The whole body with its length. */
export const whole = (bytes: Buffer, type: string) => (response: ServerResponse) => void response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes);

/** In pieces, without a length, as what is made while it is fetched. */
export const chunked = (bytes: Buffer, piece = 1500) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'audio/mpeg' });
  const next = (at: number): void => {
    if (at >= bytes.length) response.end();
    else response.write(bytes.subarray(at, at + piece), () => nextTurn(next, at + piece));
  };
  next(0);
};

export const redirect = (location: string) => (response: ServerResponse) => void response.writeHead(302, { location }).end();
