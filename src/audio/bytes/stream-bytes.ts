import type { IncomingMessage } from 'node:http';
import { abortable, isAbort, throwIfAborted, toTonearmError, TonearmError } from '#foundation';
import type { ByteSource } from './byte-source.ts';
import type { HttpWorld } from './http-bytes.ts';

/** Time for a connection to stand. */
const connectPatience = 5000;
/** Time without a byte. Speech is often made only when it is fetched, so the first one may take as long. */
const stallPatience = 10_000;
const mostRedirects = 5;
/** What is kept of something with an end. */
const largest = 64 * 1024 * 1024;
/** So much has come of something whose length is not told, and it counts as having no end, like a radio. */
const endless = 16 * 1024 * 1024;
/** Of such a thing: what lies behind the reader, and how far ahead of it is fetched. */
const keptBehind = 1024 * 1024;
const keptAhead = 2 * 1024 * 1024;
const firstRoom = 256 * 1024;

/**
 * What is at a web address, fetched once from its beginning to its end: for servers that know no ranges and often not even the length,
 * such as those of speech. Everything stays in memory, so that any place can be read again; of what has no end only what is near.
 */
export class StreamBytes implements ByteSource {
  readonly #urls: readonly string[];
  readonly #world: HttpWorld;
  /** It has no end. */
  #isLive: boolean;
  readonly #closing = new AbortController();
  #started = false;
  #memory: Buffer = Buffer.alloc(0);
  /** What `#memory` begins with, and how much there is. */
  #from = 0;
  #filled = 0;
  #isComplete = false;
  #length: number | null = null;
  #error: TonearmError | null = null;
  #reading = 0;
  #response: IncomingMessage | null = null;
  #changed: { readonly promise: Promise<void>; readonly resolve: () => void } = signalling();

  constructor(urls: readonly string[], world: HttpWorld, isLive: boolean) {
    this.#urls = urls;
    this.#world = world;
    this.#isLive = isLive;
  }

  async size(signal: AbortSignal): Promise<number> {
    await this.#until(() => this.#isComplete || this.#length !== null, signal);
    return this.#isComplete ? this.#from + this.#filled : (this.#length ?? 0);
  }

  async read(at: number, length: number, signal: AbortSignal, options?: { readonly ahead?: boolean }): Promise<Uint8Array> {
    throwIfAborted(signal);
    if (options?.ahead !== false) this.#reading = at;
    this.#pace();
    await this.#until(() => this.#isComplete || this.#from + this.#filled > at, signal);
    if (at < this.#from) throw new TonearmError({ kind: 'invalid', code: 'audio/no-way-back', message: 'This stream cannot be played from an earlier place. Start it anew.' });
    const start = Math.min(at - this.#from, this.#filled);
    return this.#memory.subarray(start, Math.min(start + length, this.#filled));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException('Nobody reads this any more.', 'AbortError'));
    this.#memory = Buffer.alloc(0);
    return Promise.resolve();
  }

  async #until(ready: () => boolean, signal: AbortSignal): Promise<void> {
    if (!this.#started) {
      this.#started = true;
      void this.#fetch();
    }
    while (!ready()) {
      if (this.#error) throw this.#error;
      await abortable(this.#changed.promise, signal);
    }
  }

  async #fetch(): Promise<void> {
    let last: TonearmError | null = null;
    for (const text of this.#urls) {
      try {
        await this.#receive(await this.#ask(text));
        this.#isComplete = true;
        this.#tell();
        return;
      } catch (error) {
        last = toTonearmError(error, 'audio/download-cut');
        // What has begun cannot go on somewhere else.
        if (isAbort(error) || this.#filled > 0) break;
      }
    }
    this.#error = last ?? new TonearmError({ kind: 'invalid', code: 'audio/no-address', message: 'There is no address to fetch this sound from.' });
    this.#tell();
  }

  /** The answer to a request, redirects followed. */
  async #ask(text: string): Promise<IncomingMessage> {
    let url = parseAddress(text, null);
    for (let hops = 0; ; hops++) {
      const response = await this.#request(url);
      const status = response.statusCode ?? 0;
      const location = response.headers.location;
      if (status >= 300 && status < 400 && location !== undefined) {
        response.resume();
        if (hops === mostRedirects) throw new TonearmError({ kind: 'unavailable', code: 'audio/too-many-redirects', message: `The server ${url.host} sends us from one address to the next without end, so this cannot be played.` });
        url = parseAddress(location, url);
        continue;
      }
      const refusal = judge(response, url);
      if (refusal) {
        response.resume();
        throw refusal;
      }
      return response;
    }
  }

  #request(url: URL): Promise<IncomingMessage> {
    const { clock } = this.#world;
    return new Promise((resolve, reject) => {
      const request = this.#world.connectionsTo(url.hostname).request(url, { 'user-agent': 'Tonearm', accept: '*/*', 'accept-encoding': 'identity' }, this.#closing.signal);
      const late = () => request.destroy(Object.assign(new Error('No answer.'), { code: 'ETIMEDOUT' }));
      let timer = clock.timer(connectPatience, late);
      request.on('socket', () => {
        timer[Symbol.dispose]();
        timer = clock.timer(stallPatience, late);
      });
      request.on('response', (response) => {
        timer[Symbol.dispose]();
        resolve(response);
      });
      request.on('error', (cause) => {
        timer[Symbol.dispose]();
        reject(this.#closing.signal.aborted ? (this.#closing.signal.reason as Error) : unreachable(url, cause));
      });
      request.end();
    });
  }

  async #receive(response: IncomingMessage): Promise<void> {
    const { clock } = this.#world;
    const told = Number(response.headers['content-length'] ?? Number.NaN);
    if (Number.isSafeInteger(told) && !this.#isLive) {
      if (told > largest) throw tooLarge();
      this.#length = told;
      this.#memory = Buffer.allocUnsafeSlow(Math.max(1, told));
    }
    this.#response = response;
    let timer: Disposable | null = null;
    const watch = (fail: (error: Error) => void) => {
      timer?.[Symbol.dispose]();
      timer = clock.timer(stallPatience, () => {
        // Paused by us it brings nothing.
        if (response.isPaused()) watch(fail);
        else fail(cut('has sent nothing for ten seconds'));
      });
    };
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (error: Error) => {
          response.destroy();
          reject(error);
        };
        watch(fail);
        response.on('data', (bytes: Buffer) => {
          watch(fail);
          if (this.#closing.signal.aborted) return;
          this.#add(bytes);
        });
        response.on('error', () => reject(this.#closing.signal.aborted ? (this.#closing.signal.reason as Error) : cut('broke off the download')));
        response.on('close', () => (response.complete ? resolve() : reject(this.#closing.signal.aborted ? (this.#closing.signal.reason as Error) : cut('broke off the download'))));
      });
    } finally {
      (timer as Disposable | null)?.[Symbol.dispose]();
      this.#response = null;
    }
  }

  #add(bytes: Buffer): void {
    this.#isLive ||= this.#length === null && this.#filled > endless;
    if (this.#isLive) this.#forgetBehind();
    if (this.#filled + bytes.length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(firstRoom, 2 * this.#memory.length, this.#filled + bytes.length));
      this.#memory.copy(larger, 0, 0, this.#filled);
      this.#memory = larger;
    }
    bytes.copy(this.#memory, this.#filled);
    this.#filled += bytes.length;
    this.#pace();
    this.#tell();
  }

  #forgetBehind(): void {
    const surplus = this.#reading - this.#from - keptBehind;
    if (surplus < keptBehind) return;
    // Elsewhere, because somebody may still hold a view of this.
    const rest = Buffer.allocUnsafeSlow(this.#memory.length);
    this.#memory.copy(rest, 0, surplus, this.#filled);
    this.#memory = rest;
    this.#from += surplus;
    this.#filled -= surplus;
  }

  /** A stream without end is not fetched faster than it is played. */
  #pace(): void {
    if (!this.#isLive || !this.#response) return;
    if (this.#from + this.#filled - this.#reading > keptAhead) this.#response.pause();
    else if (this.#response.isPaused()) this.#response.resume();
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = signalling();
    resolve();
  }
}

function signalling(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

function parseAddress(text: string, base: URL | null): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new TonearmError({ kind: 'invalid', code: 'audio/bad-address', message: base ? `The server ${base.host} sends us to an address that is not one of the web, so this cannot be played.` : 'This is no address of the web (http:// or https://), so it cannot be played.' });
}

function judge(response: IncomingMessage, url: URL): TonearmError | null {
  const status = response.statusCode ?? 0;
  if (status === 404 || status === 410) return new TonearmError({ kind: 'not-found', code: 'audio/not-on-server', message: `The server ${url.host} has no sound at this address (status ${status}), so there is nothing to play. Check the address.` });
  if (status === 401 || status === 403) return new TonearmError({ kind: 'forbidden', code: 'audio/server-refused', message: `The server ${url.host} does not let us fetch this sound (status ${status}). Check the address, and whether it needs a login.` });
  if (status !== 200) return new TonearmError({ kind: 'unavailable', code: 'audio/server-refused', message: `The server ${url.host} answered with status ${status} instead of sound. Try again later.` });
  if (/^text\/html\b/i.test(response.headers['content-type'] ?? '')) {
    return new TonearmError({ kind: 'invalid', code: 'audio/web-page', message: `There is a web page at this address of ${url.host}, not sound. Give the address of the sound itself.` });
  }
  return null;
}

function tooLarge(): TonearmError {
  return new TonearmError({ kind: 'invalid', code: 'audio/too-large', message: `This sound is larger than ${largest / 1024 / 1024} MiB, which is more than is fetched as a whole. Use a shorter one, or one with a lower bitrate.` });
}

function cut(what: string): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'audio/download-cut', message: `The server this sound comes from ${what}. Check the network and try again.` });
}

function unreachable(url: URL, cause: unknown): TonearmError {
  if (cause instanceof TonearmError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
  return new TonearmError({ kind: 'unavailable', code: 'audio/server-unreachable', message: `The server ${url.host} could not be reached (${code}), so this cannot be played. Check the address and the network.`, cause });
}
