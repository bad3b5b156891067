import { request, type IncomingHttpHeaders } from 'node:http';
import { TonearmError } from '#foundation';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpQuestion {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

const largest = 8 << 20;

/** One plain HTTP request of a simulated phone, on a connection of its own. */
export function fetchBytes(url: string, { method = 'GET', headers = {}, body, signal }: HttpQuestion = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown) =>
      reject(new TonearmError({ kind: 'unavailable', code: 'simulator/phone-http', message: `The simulated phone could not reach ${new URL(url).host}.`, cause }));
    const hasBody = body !== undefined || (method !== 'GET' && method !== 'DELETE');
    const length = hasBody ? { 'Content-Length': String(Buffer.byteLength(body ?? '')) } : {};
    const outgoing = request(url, { method, headers: { 'User-Agent': 'simulated-phone/1', ...headers, ...length }, agent: false, ...(signal ? { signal } : {}) }, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > largest) incoming.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      incoming.once('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }));
      incoming.once('error', failed);
    });
    outgoing.once('error', failed);
    outgoing.end(body);
  });
}
