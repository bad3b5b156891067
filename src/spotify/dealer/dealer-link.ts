import type { Agent, IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { TonearmError, type Clock, type Log } from '#foundation';
import { decodeDealerFrame, encodeDealerPing, type DealerFrame } from '#spotify/wire';
import { requestedDelay } from '../web/delay-header.ts';

export interface LinkOptions {
  /** With the access token in it: never shown. */
  readonly url: string;
  /** Opens its connection. */
  readonly agent: Agent;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFrame: (frame: DealerFrame) => void;
}

/** Why a link ended or never came to be. */
export interface LinkEnd {
  readonly error: TonearmError;
  /** Of a refused upgrade. */
  readonly status: number | null;
}

export interface Link {
  /** Never rejects. */
  readonly ended: Promise<LinkEnd>;
  /** Resolves when the socket is gone too, at most a second after the end. */
  readonly closed: Promise<void>;
  /** False when there is no open socket; a send never waits (`connect-control.md §1.9`). */
  send(text: string): boolean;
  close(reason: TonearmError): void;
}

/** `connect-control.md §0.5`. */
const dialTime = 10_000;
const pingPeriod = 30_000;
const silenceTime = 40_000;
/** A cluster with full queues exceeds 100 kB; this is no limit but a fuse. */
const longestFrame = 32 * 1024 * 1024;

/** One WebSocket from dialling to its end, with pings of both kinds and a deadline for silence (`connect-control.md §1.2`). */
export function openLink({ url, agent, userAgent, clock, log, onFrame }: LinkOptions): Link {
  let over = false;
  let resolveEnded: (end: LinkEnd) => void = () => undefined;
  let resolveClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => (resolveClosed = resolve));
  const ended = new Promise<LinkEnd>((resolve) => (resolveEnded = resolve));
  const timers = new Set<Disposable>();
  let heard = clock.monotonic();

  const socket = new WebSocket(url, { agent, headers: { 'User-Agent': userAgent }, perMessageDeflate: false, followRedirects: false, maxPayload: longestFrame });
  after(dialTime, () => finish(trouble('timeout', 'dealer-silent', 'Spotify\'s command channel did not open in time; it is tried again by itself.')));

  socket.on('open', () => {
    disposeTimers();
    heard = clock.monotonic();
    watch(silenceTime);
    keepPinging();
  });
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    heard = clock.monotonic();
    if (isBinary) log.debug('The dealer sent bytes where text is due; they were dropped.');
    else receive(data);
  });
  socket.on('pong', () => (heard = clock.monotonic()));
  socket.on('ping', () => (heard = clock.monotonic()));
  socket.on('unexpected-response', (_request, response: IncomingMessage) => {
    const status = response.statusCode ?? 0;
    const retryAfter = requestedDelay(response.headers, clock.now());
    response.destroy();
    finish(refused(status, retryAfter), status);
  });
  socket.on('error', (cause: Error) => {
    if (cause instanceof TonearmError) {
      finish(cause);
      return;
    }
    const code = (cause as NodeJS.ErrnoException).code;
    finish(trouble('unavailable', 'dealer-unreachable', `Spotify's command channel cannot be reached${code === undefined ? '' : ` (${code})`}; it is tried again by itself.`));
  });
  socket.on('close', (code: number) => {
    resolveClosed();
    finish(trouble('unavailable', 'dealer-closed', `Spotify closed the command channel (${code}); it is opened again by itself. Music goes on playing.`));
  });

  function receive(data: Buffer): void {
    let frame: DealerFrame;
    try {
      frame = decodeDealerFrame(data);
    } catch (error) {
      log.debug('The dealer sent a frame that cannot be read; it was dropped.', { error });
      return;
    }
    if (!isOver()) onFrame(frame);
  }

  function after(delay: number, run: () => void): void {
    const timer = clock.timer(delay, () => {
      timers.delete(timer);
      run();
    });
    timers.add(timer);
  }

  function watch(delay: number): void {
    after(delay, () => {
      const left = silenceTime - (clock.monotonic() - heard);
      if (left > 0) watch(left);
      else finish(trouble('timeout', 'dealer-lost', 'Nothing has been heard on Spotify\'s command channel for too long; it is opened again. Music goes on playing.'));
    });
  }

  function keepPinging(): void {
    after(pingPeriod, () => {
      if (isOver()) return;
      socket.ping();
      socket.send(encodeDealerPing());
      keepPinging();
    });
  }

  function finish(error: TonearmError, status: number | null = null): void {
    if (over) return;
    over = true;
    disposeTimers();
    resolveEnded({ error, status });
    // Closing politely may hang on a dead line; the far side is told, and not waited for.
    if (socket.readyState === WebSocket.OPEN) socket.close(1001);
    else socket.terminate();
    const linger = clock.timer(1000, () => {
      socket.terminate();
      resolveClosed();
    });
    void closed.then(() => linger[Symbol.dispose]());
  }

  function disposeTimers(): void {
    for (const timer of timers) timer[Symbol.dispose]();
    timers.clear();
  }

  // Asked through a function because callbacks may have changed it.
  function isOver(): boolean {
    return over;
  }

  return {
    ended,
    closed,
    send(text) {
      if (over || socket.readyState !== WebSocket.OPEN) return false;
      socket.send(text);
      return true;
    },
    close: (reason) => finish(reason),
  };
}

function refused(status: number, retryAfter: number | null): TonearmError {
  const details = retryAfter === null ? {} : { retryAfter };
  if (status === 401) return trouble('unauthorized', 'dealer-token-refused', 'Spotify did not accept the login for its command channel; a new one is fetched.', details);
  if (status === 403) return trouble('forbidden', 'dealer-forbidden', 'Spotify does not let this account use its command channel, so it cannot be controlled from phones. Pair with another account.', details);
  if (status === 429) return trouble('unavailable', 'rate-limited', 'Spotify has seen too many connections from this account and asks for a pause.', details);
  return trouble('unavailable', 'dealer-refused', `Spotify's command channel refused the connection (${status}); another address is tried by itself.`, details);
}

function trouble(kind: TonearmError['kind'], what: string, message: string, details: { readonly retryAfter?: number } = {}): TonearmError {
  return new TonearmError({ kind, code: `spotify/${what}`, message, ...details });
}
