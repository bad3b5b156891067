import { WebSocket } from 'ws';

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
const handshakeTime = 1500;
/** Larger messages are nothing a daemon says. Bytes. */
const largest = 4 * 1024 * 1024;
/** The close code of a daemon whose owner has revoked the key (`src/surfaces/http/wire/close-codes.ts`). */
const keyRevoked = 4401;
/** A refusal says why in fewer bytes than this. */
const longestRefusal = 8192;

/** A WebSocket to a daemon. */
export const dial: Dial = (url, key, hearer) => {
  let isOver = false;
  const end = (ending: Ending) => {
    if (isOver) return;
    isOver = true;
    hearer.ended(ending);
    socket.terminate();
  };
  const socket = new WebSocket(url, { handshakeTimeout: handshakeTime, maxPayload: largest, perMessageDeflate: false, headers: { 'user-agent': 'homebridge-tonearm', ...(key !== null && { authorization: `Bearer ${key}` }) } });
  socket.on('open', () => {
    if (!isOver) hearer.opened();
  });
  socket.on('message', (data, isBinary) => {
    // Buffers, because `binaryType` is left at its default.
    if (!isOver && !isBinary) hearer.heard((data as Buffer).toString('utf8'));
  });
  socket.on('pong', () => {
    if (!isOver) hearer.alive();
  });
  socket.on('unexpected-response', (_request, response) => {
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
  });
  socket.on('error', (error) => end({ kind: 'away', why: error.message }));
  socket.on('close', (code, reason) => {
    const said = reason.toString() || `code ${code}`;
    end(code === keyRevoked ? { kind: 'refused', why: 'the key was revoked' } : { kind: 'away', why: `the connection ended (${said})` });
  });
  return {
    send: (text) => socket.send(text),
    ping: () => socket.ping(),
    drop() {
      isOver = true;
      socket.terminate();
    },
  };
};

/** What a daemon's refusal says to people, without the full stop. */
function sentence(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === 'string' ? error.message.replace(/\.$/, '') : null;
  } catch {
    return null;
  }
}
