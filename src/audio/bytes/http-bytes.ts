import { abortable, sleep, throwIfAborted, toTonearmError, TonearmError, withEither, type Clock, type Log } from '#foundation';
import { AddressBook, HostHealth } from './address-book.ts';
import type { ByteSource } from './byte-source.ts';
import { Chunk, chunkAt, chunkRange } from './chunk.ts';
import { isNear } from './near.ts';
import { AddressFailure, Connections, requestRange, type RangeAnswer, type Reach } from './range-request.ts';

/** Chunks asked for beyond the one being read. */
const readAhead = 3;
const mostAtOnce = 4;
/** Pauses before a chunk is tried again (connect-session.md §12.8). */
const pauses = [500, 1000, 2000];
/** Pauses after something that nobody waited for yet could not be fetched. */
const firstRest = 1000;
const longestRest = 8000;
/** How long the owner has to bring fresh addresses. */
const refreshPatience = 30_000;
/** Fresh addresses that bring nothing are asked for so often, then the track has failed (connect-control.md §6.7). */
const mostRefreshes = 1;
/** Bytes kept behind the place being read: two and a half minutes back at 320 kbit/s. */
const keptBehind = 6 * 1024 * 1024;
/** The largest file taken from a server that cannot send parts. */
const largestWhole = 32 * 1024 * 1024;

/** What downloads share within a thread. */
export class HttpWorld implements Disposable {
  readonly clock: Clock;
  readonly log: Log;
  readonly health: HostHealth;
  readonly connections: Connections;
  readonly #reach: Reach;
  #direct: Connections | null = null;

  constructor(clock: Clock, log: Log, reach: Reach = {}) {
    this.#reach = reach;
    this.clock = clock;
    this.log = log;
    this.health = new HostHealth(clock);
    this.connections = new Connections(clock, reach);
  }

  /** How to reach this host: what is at home is not behind the proxy. */
  connectionsTo(host: string): Connections {
    const { certificates, proxy } = this.#reach;
    if (!proxy || !isNear(host)) return this.connections;
    return (this.#direct ??= new Connections(this.clock, { certificates }));
  }

  [Symbol.dispose](): void {
    this.connections[Symbol.dispose]();
    this.#direct?.[Symbol.dispose]();
  }
}

/** A file on web servers, read in ranges ahead of the reader (connect-session.md §12.8, 'Ours'). */
export class HttpBytes implements ByteSource {
  readonly #world: HttpWorld;
  readonly #addresses: AddressBook;
  readonly #onWanted: () => void;
  readonly #closing = new AbortController();
  readonly #chunks = new Map<number, Chunk>();
  readonly #spare: Buffer[] = [];
  #size: number | null = null;
  /** Set when a server sends only whole files: then this is all there is. */
  #whole: Chunk | null = null;
  #refresh: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
  #refreshes = 0;
  /** Until then nothing is fetched ahead, because the last time it failed; and the next pause. */
  #rest = { until: Number.NEGATIVE_INFINITY, next: firstRest };
  /** Bytes that came in all. */
  #received = 0;

  constructor(urls: readonly string[], world: HttpWorld, onWanted: () => void) {
    this.#world = world;
    this.#addresses = new AddressBook(urls, world.health);
    this.#onWanted = onWanted;
  }

  async size(signal: AbortSignal): Promise<number> {
    while (this.#size === null) await this.#waitFor(this.#need(0), () => this.#size !== null, signal);
    return this.#size;
  }

  async read(at: number, length: number, signal: AbortSignal, options?: { readonly ahead?: boolean }): Promise<Uint8Array> {
    for (;;) {
      throwIfAborted(signal);
      if (this.#size !== null && at >= this.#size) return Buffer.alloc(0);
      // Of a file whose length is unknown only the beginning may be asked for.
      const index = this.#size === null ? 0 : chunkAt(at);
      const chunk = this.#whole ?? this.#need(index);
      if (chunk.holds(at)) {
        if (options?.ahead !== false) this.#goOn(index);
        return chunk.view(at, length);
      }
      if (options?.ahead !== false) this.#cancelOthers(index);
      await this.#waitFor(chunk, () => chunk.holds(at) || (this.#whole !== null && chunk !== this.#whole) || (index === 0 && this.#size !== null && at >= chunk.to), signal);
    }
  }

  /** Bytes of memory in use. */
  get held(): number {
    let sum = this.#whole?.length ?? 0;
    for (const chunk of this.#chunks.values()) sum += chunk.length;
    return sum;
  }

  /** Takes new addresses; whoever waits goes on. */
  refresh(urls: readonly string[]): void {
    this.#addresses.replace(urls);
    this.#refresh?.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException('Nobody reads this any more.', 'AbortError'));
    this.#chunks.clear();
    return Promise.resolve();
  }

  /** The chunk, asked for if it is not yet. */
  #need(index: number): Chunk {
    const known = this.#chunks.get(index);
    if (known) return known;
    const chunk = new Chunk(index, chunkRange(index, this.#size), this.#spare.pop());
    this.#chunks.set(index, chunk);
    void this.#fetch(chunk);
    return chunk;
  }

  /** Waits until `ready`, or the chunk failed for good. */
  async #waitFor(chunk: Chunk, ready: () => boolean, signal: AbortSignal): Promise<void> {
    chunk.readers += 1;
    try {
      while (!ready()) {
        if (chunk.error) {
          // A later reader may be luckier; one that was asked for anew meanwhile stays.
          if (this.#chunks.get(chunk.index) === chunk) this.#chunks.delete(chunk.index);
          throw chunk.error;
        }
        await abortable(chunk.changed(), signal);
      }
    } finally {
      chunk.readers -= 1;
    }
  }

  /** The reader got something of this chunk: asks for the next ones and forgets those long past. */
  #goOn(index: number): void {
    if (this.#whole || this.#size === null || this.#world.clock.monotonic() < this.#rest.until) return;
    if (this.#chunks.get(index)?.isComplete !== true) return;
    const last = chunkAt(this.#size - 1);
    for (let next = index + 1; next <= Math.min(index + readAhead, last); next++) {
      if (this.#loading() >= mostAtOnce) break;
      this.#need(next);
    }
    let behind = 0;
    for (let past = index - 1; past > 0; past--) {
      behind += this.#chunks.get(past)?.length ?? 0;
      if (behind > keptBehind) this.#forget(past);
    }
  }

  /** After a jump: what is on its way and not for this place or just after it gives way. */
  #cancelOthers(index: number): void {
    for (const [key, chunk] of this.#chunks) {
      if (chunk.isComplete || chunk.readers > 0 || (key >= index && key <= index + readAhead)) continue;
      chunk.cancel();
      this.#chunks.delete(key);
    }
    // What lies ahead of the old place is not read soon.
    for (const key of this.#chunks.keys()) if (key > index + 8 * readAhead) this.#forget(key);
  }

  /** Its memory is used again for the next one, far from where anybody reads now. */
  #forget(index: number): void {
    const chunk = this.#chunks.get(index);
    if (!chunk?.isComplete || chunk.readers > 0) return;
    this.#chunks.delete(index);
    const memory = chunk.memory;
    if (memory && this.#spare.length < readAhead) this.#spare.push(memory);
  }

  #loading(): number {
    let count = 0;
    for (const chunk of this.#chunks.values()) if (!chunk.isComplete && !chunk.error) count += 1;
    return count;
  }

  async #fetch(chunk: Chunk): Promise<void> {
    try {
      await withEither(this.#closing.signal, chunk.signal, (signal) => this.#persist(chunk, signal));
    } catch (error) {
      chunk.fail(toTonearmError(error));
      if (!chunk.signal.aborted) this.#whole?.fail(toTonearmError(error));
    }
  }

  async #persist(chunk: Chunk, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#fetchOnce(chunk, signal);
        this.#refreshes = 0;
        this.#rest = { until: Number.NEGATIVE_INFINITY, next: firstRest };
        return;
      } catch (error) {
        throwIfAborted(signal);
        if (this.#letGo(chunk)) return;
        await this.#awaitRefresh(toTonearmError(error), signal);
      }
    }
  }

  /** Gives up a chunk that nobody waits for; false when somebody does. */
  #letGo(chunk: Chunk): boolean {
    if (chunk.readers > 0 || this.#whole) return false;
    this.#chunks.delete(chunk.index);
    chunk.cancel();
    const { next } = this.#rest;
    this.#rest = { until: this.#world.clock.monotonic() + next, next: Math.min(2 * next, longestRest) };
    return true;
  }

  /** A try over all addresses that are left, and three more after pauses; throws the last failure. */
  async #fetchOnce(chunk: Chunk, signal: AbortSignal): Promise<void> {
    let last: TonearmError = new TonearmError({ kind: 'unavailable', code: 'audio/no-address', message: 'There is no usable download address for this track. Press play again to get new ones.' });
    for (let attempt = 0; attempt <= pauses.length; attempt++) {
      // What nobody waits for is not worth a second try now: it is asked for again when its turn comes.
      if (attempt > 0 && chunk.readers === 0 && this.#whole === null) break;
      if (attempt > 0) await sleep(this.#world.clock, pauses[attempt - 1] ?? 0, signal);
      if (this.#addresses.pause > 0) await sleep(this.#world.clock, this.#addresses.pause, signal);
      const tried = new Set<string>();
      for (let url = this.#addresses.pick(); url; url = this.#addresses.pick(tried)) {
        tried.add(url.href);
        try {
          await this.#request(chunk, url, signal);
          this.#addresses.worked(url);
          return;
        } catch (error) {
          throwIfAborted(signal);
          if (!(error instanceof AddressFailure)) throw error;
          last = error;
          this.#world.log.debug('A download did not work', { host: url.host, code: error.code, chunk: chunk.index, attempt });
          if (error.retryAfter !== undefined) this.#addresses.paused(url, error.retryAfter);
          else if (error.isRefusal) this.#addresses.refused(url);
          else this.#addresses.failed(url);
        }
      }
      if (!this.#addresses.pick() && this.#addresses.pause === 0) break;
    }
    throw last;
  }

  async #request(chunk: Chunk, url: URL, signal: AbortSignal): Promise<void> {
    let target = this.#whole ?? chunk;
    if (target.isComplete) return;
    await requestRange(
      this.#world.connections,
      this.#world.clock,
      { url, from: target.from + target.filled, to: target.to, signal, received: () => this.#received },
      {
        answer: (answer) => {
          target = this.#learn(answer, chunk);
        },
        data: (bytes) => {
          this.#received += bytes.length;
          target.add(bytes);
        },
      },
    );
  }

  /** The first answer tells the length; all others must agree. Says where the body goes. */
  #learn({ total, ranged }: RangeAnswer, chunk: Chunk): Chunk {
    if (this.#size !== null && this.#size !== total) {
      throw new AddressFailure('corrupt', 'audio/wrong-size', 'The music servers do not agree on how long the file is. If it stays so, the track cannot be played; skip to another.', true);
    }
    if (ranged) {
      this.#size = total;
      chunk.shorten(total);
      return chunk;
    }
    if (total > largestWhole) {
      throw new AddressFailure('unavailable', 'audio/no-ranges', 'The music server sends this file only as a whole, and it is too large for that. Try another track.', true);
    }
    this.#size = total;
    this.#whole ??= new Chunk(0, { from: 0, to: total });
    this.#whole.restart();
    for (const other of this.#chunks.values()) if (other !== chunk) other.cancel();
    chunk.finish();
    return this.#whole;
  }

  /** Asks the owner for fresh addresses, once for all chunks that wait; throws `error` when none come or they keep failing. */
  async #awaitRefresh(error: TonearmError, signal: AbortSignal): Promise<void> {
    if (!this.#refresh) {
      if (this.#refreshes >= mostRefreshes) throw error;
      this.#refreshes += 1;
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((settle) => (resolve = settle));
      this.#refresh = { promise, resolve };
      void promise.then(() => {
        if (this.#refresh?.promise === promise) this.#refresh = null;
      });
      this.#onWanted();
    }
    const { promise } = this.#refresh;
    const patience = new AbortController();
    const timer = this.#world.clock.timer(refreshPatience, () => {
      this.#refresh = null;
      patience.abort(error);
    });
    try {
      await withEither(signal, patience.signal, (either) => abortable(promise, either));
    } finally {
      timer[Symbol.dispose]();
    }
  }
}
