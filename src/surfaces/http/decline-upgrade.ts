import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const names = new Set(['upgrade', 'http2-settings']);

/** Whether it asks for the one other protocol we speak. */
export function wantsWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * The head of a request as it would have been without the offer to speak something else (HTTP/2, as Java's client and curl's --http2 do),
 * put back before what follows: whoever offers has to be answered all the same (RFC 9110 §7.8), and Node.js has let go of the connection.
 */
export function declineUpgrade({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage, stream: Duplex, head: Buffer): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (names.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? withoutOffer(value) : value}`);
  }
  stream.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
}

function withoutOffer(connection: string): string {
  return connection.split(',').map((word) => word.trim()).filter((word) => !names.has(word.toLowerCase())).join(', ') || 'keep-alive';
}
