import type { Socket } from 'node:net';
import { TonearmError } from './errors.ts';

/** An HTTP proxy and what it wants to see. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** Spoken to over TLS. */
  readonly isSecure: boolean;
  /** Value of `Proxy-Authorization`; null without user name. */
  readonly authorization: string | null;
}

/** Of an answer to CONNECT; real ones are far shorter. */
const longestHead = 16 * 1024;

/** Reads `http[s]://[user:password@]host[:port]`; null when it is none. */
export function parseProxy(text: string): Proxy | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isSecure = url.protocol === 'https:';
  if ((!isSecure && url.protocol !== 'http:') || url.hostname === '') return null;
  const words = [url.username, url.password].map((word) => decodeURIComponent(word));
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    isSecure,
    authorization: url.username === '' ? null : `Basic ${Buffer.from(words.join(':')).toString('base64')}`,
  };
}

/**
 * Asks a proxy, over a fresh connection to it, for a tunnel (RFC 9110, section 9.3.6). Resolves when the tunnel stands; rejects with
 * `network/proxy-login`, `network/proxy-refused`, `network/proxy-failed` or `network/proxy-unreachable`. Does not close the socket.
 */
export function openTunnel(socket: Socket, proxy: Proxy, target: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<void> {
  const name = `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const settle = (error: Error | null) => {
      socket.off('readable', receive).off('close', gone);
      signal.removeEventListener('abort', aborted);
      if (error) reject(error);
      else resolve();
    };
    const aborted = () => settle(signal.reason as Error);
    const gone = () => settle(proxyUnreachable(proxy, 'it closed the connection'));
    // Pulled, not pushed: afterwards the socket is as untouched as a new one.
    const receive = () => {
      for (let bytes = socket.read() as Buffer | null; bytes !== null; bytes = socket.read() as Buffer | null) {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\r\n\r\n');
        if (end !== -1) {
          const rest = head.subarray(end + 4);
          const error = judge(Number(/^HTTP\/1\.[01] (\d{3})/.exec(head.toString('latin1'))?.[1] ?? 0), proxy, name);
          settle(error);
          // What came behind belongs to whoever uses the tunnel.
          if (!error && rest.length > 0) socket.unshift(rest);
          return;
        }
        if (head.length > longestHead) {
          settle(proxyUnreachable(proxy, 'it does not speak HTTP'));
          return;
        }
      }
    };
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    socket.on('readable', receive).on('close', gone);
    signal.addEventListener('abort', aborted, { once: true });
    const login = proxy.authorization === null ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
    socket.write(`CONNECT ${name} HTTP/1.1\r\nHost: ${name}\r\n${login}\r\n`);
  });
}

export function proxyUnreachable({ host, port }: Proxy, why: string, cause?: unknown): TonearmError {
  return new TonearmError({
    kind: 'unavailable',
    code: 'network/proxy-unreachable',
    message: `The proxy ${host}:${port} cannot be used (${why}). Tonearm goes to the internet only through it, as network.proxy says: check that it runs and that the address is right. It is tried again by itself.`,
    cause,
  });
}

function judge(status: number, { host, port }: Proxy, target: string): TonearmError | null {
  if (status >= 200 && status < 300) return null;
  const proxy = `The proxy ${host}:${port}`;
  const error = (what: string, message: string) => new TonearmError({ kind: 'unavailable', code: `network/proxy-${what}`, message });
  if (status === 407) return error('login', `${proxy} wants a user name and password, or does not accept those in network.proxy. Write them there as http://user:password@host:port.`);
  if (status >= 500) return error('failed', `${proxy} could not reach ${target} (status ${status}). It is tried again by itself; if it stays so, look at the proxy.`);
  return error('refused', `${proxy} does not let Tonearm through to ${target} (status ${status}). Its rules must allow CONNECT to Spotify’s hosts on this port.`);
}
