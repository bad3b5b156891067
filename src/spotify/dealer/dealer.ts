import type { Agent } from 'node:http';
import { Backoff, Emitter, TonearmError, toTonearmError, type Clock, type Events, type Log } from '#foundation';
import { encodeDealerPong, encodeDealerReply, parseCommandRequest, type CommandRequest, type DealerFrame } from '#spotify/wire';
import type { Directory } from '../web/directory.ts';
import { Pause } from '../web/pause.ts';
import type { Authority } from '../web/spclient.ts';
import { openLink, type Link } from './dealer-link.ts';

export interface DealerRequest {
  readonly request: CommandRequest;
  readonly raw: unknown;
  /** The first call counts; later ones do nothing. */
  readonly reply: (success: boolean) => void;
}

export interface DealerMessage {
  readonly uri: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Buffer;
  readonly json: unknown;
}

export interface DealerEvents {
  connected: { readonly connectionId: string };
  /** Also for each attempt that failed; it goes on trying. */
  disconnected: { readonly reason: TonearmError };
  request: DealerRequest;
  message: DealerMessage;
  /** Refused for good. */
  ended: { readonly error: TonearmError };
}

interface DealerOptions {
  readonly directory: Pick<Directory, 'current' | 'failed'>;
  readonly authority: Pick<Authority, 'accessToken' | 'renew'>;
  /** Opens the connections. */
  readonly agent: Agent;
  readonly insecure?: boolean | undefined;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

const commandIdent = 'hm://connect-state/v1/player/command';
const connectionPrefix = 'hm://pusher/v1/connections/';
/** A fresh socket must say its connection id within this time. */
const connectionIdTime = 10_000;
/** Every request gets its reply: after this time a negative one. Phones give up after about ten seconds. */
const replyTime = 8000;
/** Without this channel no phone sees the speaker: nobody should wait long for it when the network has been back for a while. */
const longestPause = 10_000;
/** The ± 50 % of the first pauses keep speakers apart; the last ones are all cut to the longest. */
const pauses = { first: 500, factor: 1.5, cap: 2 * longestPause };
/** A link that lasted this long starts the pauses from the beginning again. */
const stableTime = 60_000;

/**
 * The channel on which phones' commands and the cloud's news arrive (`connect-control.md §1`): reconnects for ever, each time
 * with a fresh address, and answers each request exactly once. Register listeners before `start`.
 */
export class Dealer implements AsyncDisposable {
  readonly #options: DealerOptions;
  readonly #emitter: Emitter<DealerEvents>;
  readonly #abort = new AbortController();
  readonly #pause: Pause;
  readonly #pauses: Backoff;
  #link: Link | null = null;
  #connectionId: string | null = null;
  /** Requests that still want a reply, each with the timer that declines it when nobody does. */
  readonly #open = new Map<string, Disposable>();
  #loop: Promise<void> = Promise.resolve();
  #lastTrouble = '';

  constructor(options: DealerOptions) {
    this.#options = options;
    this.#pause = new Pause(options.clock);
    this.#pauses = new Backoff(pauses, options.random ?? Math.random);
    this.#emitter = new Emitter((error) => options.log.error('A listener of the dealer failed.', { error }));
  }

  get events(): Events<DealerEvents> {
    return this.#emitter;
  }

  /** `null` while the channel is down. */
  get connectionId(): string | null {
    return this.#connectionId;
  }

  start(): void {
    this.#loop = this.#run().catch((error: unknown) => this.#emitter.emit('ended', { error: toTonearmError(error, 'spotify/dealer-failed') }));
  }

  /** There is news that the network works: tries again without sitting out its pause. */
  hurry(): void {
    this.#pause.hurry();
  }

  /** Gives the current socket up for a new one: the cloud does not know its connection id any more. */
  reopen(): void {
    this.#link?.close(
      new TonearmError({ kind: 'unavailable', code: 'spotify/stale-connection', message: 'Spotify no longer knows this connection of the speaker; it is opened anew. Music goes on playing.' }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const key of this.#open.keys()) this.#link?.send(encodeDealerReply(key, false));
    this.#forgetRequests();
    this.#abort.abort(new DOMException('The session is closing.', 'AbortError'));
    const link = this.#link;
    link?.close(new TonearmError({ kind: 'cancelled', code: 'spotify/closed', message: 'The speaker has left.' }));
    await this.#loop;
    await link?.closed;
  }

  async #run(): Promise<void> {
    const { clock, directory, authority } = this.#options;
    const signal = this.#abort.signal;
    let renewed = false;
    while (!signal.aborted) {
      let pause: number;
      let isFirm = false;
      try {
        const address = await directory.current('dealer', signal);
        const token = await authority.accessToken(signal);
        const began = clock.monotonic();
        const { error, status, connected } = await this.#connect(address, token.reveal());
        if (isFired(signal)) return;
        this.#trouble(error);
        if (status === 403) {
          this.#emitter.emit('ended', { error });
          return;
        }
        if (connected) {
          renewed = false;
          if (clock.monotonic() - began >= stableTime) this.#pauses.reset();
        }
        if (status === 401 && !renewed) {
          renewed = true;
          await authority.renew(token, signal);
          continue;
        }
        if (!connected && status !== 429 && status !== 401) directory.failed('dealer', address);
        isFirm = error.retryAfter !== undefined;
        pause = Math.max(this.#nextPause(), Math.min(error.retryAfter ?? 0, 600_000));
      } catch (error) {
        if (isFired(signal)) return;
        this.#trouble(toTonearmError(error, 'spotify/dealer-failed'));
        pause = this.#nextPause();
      }
      await this.#pause.wait(pause, signal, isFirm).catch(() => undefined);
    }
  }

  #nextPause(): number {
    return Math.min(this.#pauses.next(), longestPause);
  }

  async #connect(address: string, token: string): Promise<{ readonly error: TonearmError; readonly status: number | null; readonly connected: boolean }> {
    const { insecure, agent, userAgent, clock, log } = this.#options;
    let connected = false;
    const link: Link = openLink({
      // Built anew each time: a token in an old address has expired (§1.9).
      url: `${insecure ? 'ws' : 'wss'}://${address}/?access_token=${encodeURIComponent(token)}`,
      agent,
      userAgent,
      clock,
      log,
      onFrame: (frame) => {
        if (this.#frame(link, frame)) connected = true;
      },
    });
    this.#link = link;
    const nameless = clock.timer(connectionIdTime, () => {
      if (!connected) link.close(namelessError());
    });
    const { error, status } = await link.ended;
    nameless[Symbol.dispose]();
    this.#link = null;
    this.#connectionId = null;
    // The keys belonged to that socket: nobody waits for them any more.
    this.#forgetRequests();
    return { error, status, connected };
  }

  /** True when the frame was the connection id. */
  #frame(link: Link, frame: DealerFrame): boolean {
    switch (frame.type) {
      case 'ping':
        link.send(encodeDealerPong());
        return false;
      case 'message':
        if (frame.uri.startsWith(connectionPrefix)) return this.#connected(link, frame.headers);
        this.#emitter.emit('message', { uri: frame.uri, headers: frame.headers, payload: frame.payload, json: frame.json });
        return false;
      case 'request':
        this.#request(link, frame);
        return false;
      case 'unknown':
        this.#options.log.debug('The dealer sent a frame of an unknown type; it was ignored.', { type: frame.name });
        return false;
      case 'pong':
      case 'reply':
        return false;
    }
  }

  #connected(link: Link, headers: ReadonlyMap<string, string>): boolean {
    const connectionId = headers.get('spotify-connection-id') ?? '';
    if (connectionId === '') {
      link.close(namelessError());
      return false;
    }
    this.#lastTrouble = '';
    this.#connectionId = connectionId;
    this.#options.log.debug('The command channel is open.');
    this.#emitter.emit('connected', { connectionId });
    return true;
  }

  #request(link: Link, frame: Extract<DealerFrame, { type: 'request' }>): void {
    const { key, ident, body, error } = frame;
    const { log, clock } = this.#options;
    if (this.#open.has(key)) return;
    const reply = (success: boolean) => {
      const timer = this.#open.get(key);
      if (this.#link !== link || !timer) return;
      timer[Symbol.dispose]();
      this.#open.delete(key);
      link.send(encodeDealerReply(key, success));
    };
    this.#open.set(
      key,
      clock.timer(replyTime, () => {
        log.warn('A command was not answered in time; it was declined.', { ident });
        reply(false);
      }),
    );
    if (error || ident !== commandIdent) {
      log.warn('A command arrived that cannot be read or is not for players; it was declined.', { ident, error });
      reply(false);
      return;
    }
    let request: CommandRequest;
    try {
      request = parseCommandRequest(body);
    } catch (thrown) {
      log.warn('A command arrived that cannot be read; it was declined.', { error: thrown });
      reply(false);
      return;
    }
    this.#emitter.emit('request', { request, raw: body, reply });
  }

  #forgetRequests(): void {
    for (const timer of this.#open.values()) timer[Symbol.dispose]();
    this.#open.clear();
  }

  #trouble(error: TonearmError): void {
    const say = error.code === this.#lastTrouble ? 'debug' : 'warn';
    this.#lastTrouble = error.code;
    this.#options.log[say](error.message, { code: error.code });
    this.#emitter.emit('disconnected', { reason: error });
  }
}

function namelessError(): TonearmError {
  return new TonearmError({ kind: 'corrupt', code: 'spotify/dealer-nameless', message: 'Spotify\'s command channel opened without saying who we are on it; it is opened again by itself.' });
}

/** Through a function, because awaiting lets it change behind the type checker's back. */
function isFired(signal: AbortSignal): boolean {
  return signal.aborted;
}
