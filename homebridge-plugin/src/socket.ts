import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { systemClock } from './foundation.ts';
import { encodeLogin, isDaemonProof, keyHash, type Login, makeLogin, parseChallenge } from '../../src/surfaces/http/wire/login.ts';

/** Why a socket ended, or never began. `refused`: the daemon does not accept the key. */
export interface Ending {
  readonly kind: 'away' | 'refused';
  /** For people: the rest of "cannot be reached: …". */
  readonly why: string;
}

/** What a socket tells; after `ended` nothing more. */
export interface Hearer {
  opened(): void;
  heard(text: string): void;
  /** An answer to a ping. */
  alive(): void;
  ended(ending: Ending): void;
}

export interface Socket {
  send(text: string): void;
  ping(): void;
  /** At once, without a farewell; `ended` is not told any more. */
  drop(): void;
}

export type Dial = (url: string, key: string | null, hearer: Hearer) => Socket;

/** One attempt takes no longer, so that a daemon that comes back is found within three seconds. Milliseconds. */
export const attemptTime = 1500;
/** Larger messages are nothing a daemon says. Bytes. */
const largest = 4 * 1024 * 1024;
/** The close code of a daemon whose owner has revoked the key (`src/surfaces/http/wire/close-codes.ts`). */
const keyRevoked = 4401;
/** A refusal says why in fewer bytes than this. */
const longestRefusal = 8192;

/** A WebSocket to a daemon. The key itself is not sent: both sides prove that they know it. */
export const dial: Dial = (url, key, hearer) => {
  let isOver = false;
  let socket = knock(null);
  const end = (ending: Ending) => {
    if (isOver) return;
    isOver = true;
    timer[Symbol.dispose]();
    hearer.ended(ending);
    socket.terminate();
  };
  // Of our own: that of `ws` begins again with every byte.
  const timer = systemClock.timer(attemptTime, () => end({ kind: 'away', why: 'it did not answer in time' }));
  return {
    send: (text) => socket.send(text),
    ping: () => socket.ping(),
    drop() {
      isOver = true;
      timer[Symbol.dispose]();
      socket.terminate();
    },
  };

  /** The first time to be given a challenge, the second time with what answers it. */
  function knock(login: Login | null): WebSocket {
    const headers = { 'user-agent': 'homebridge-tonearm', ...(login && { authorization: encodeLogin(login) }) };
    const one = new WebSocket(url, { maxPayload: largest, perMessageDeflate: false, headers });
    const isCurrent = () => !isOver && socket === one;
    let isKnown = key === null;
    one.on('upgrade', ({ headers: { 'authentication-info': proof } }) => {
      isKnown ||= key !== null && login !== null && isDaemonProof(proof as string | undefined, login, keyHash(key));
    });
    one.on('open', () => {
      if (!isCurrent()) return;
      if (!isKnown) {
        end({ kind: 'away', why: 'what answers there does not know our key, so it is not the Tonearm the key is from' });
        return;
      }
      timer[Symbol.dispose]();
      hearer.opened();
    });
    one.on('message', (data, isBinary) => {
      // Buffers, because `binaryType` is left at its default.
      if (isCurrent() && !isBinary) hearer.heard((data as Buffer).toString('utf8'));
    });
    one.on('pong', () => {
      if (isCurrent()) hearer.alive();
    });
    one.on('unexpected-response', (request, response) => {
      if (!isCurrent()) return;
      const challenge = parseChallenge(response.headers['www-authenticate']);
      if (login === null && key !== null && challenge !== null) {
        socket = knock(makeLogin(key, challenge));
        request.destroy();
      } else {
        refused(response, end);
      }
    });
    one.on('error', (error) => {
      if (isCurrent()) end({ kind: 'away', why: error.message });
    });
    one.on('close', (code, reason) => {
      const said = reason.toString() || `code ${code}`;
      if (isCurrent()) end(code === keyRevoked ? { kind: 'refused', why: 'the key was revoked' } : { kind: 'away', why: `the connection ended (${said})` });
    });
    return one;
  }
};

function refused(response: IncomingMessage, end: (ending: Ending) => void): void {
  const { statusCode = 0 } = response;
  let body = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
    if (body.length > longestRefusal) response.destroy();
  });
  response.on('close', () => {
    const why = sentence(body) ?? `it answered with HTTP ${statusCode}`;
    end({ kind: statusCode === 401 || statusCode === 403 ? 'refused' : 'away', why });
  });
}

/** What a daemon's refusal says to people, without the full stop. */
function sentence(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === 'string' ? error.message.replace(/\.$/, '') : null;
  } catch {
    return null;
  }
}
