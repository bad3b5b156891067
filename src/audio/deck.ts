import { Emitter, type Events, type Secret, toTonearmError, TonearmError } from '#foundation';
import type { Deck, DeckEvents, Host, LoadId, Millis, OutputView, Playable } from '#core';
import { releaseAfter, type ConcreteOutput, type OutputSettings } from '#outputs';
import { Heartbeat } from './heartbeat.ts';
import { openInProcess, openThread, type Link } from './link.ts';
import { OutputDesk } from './output-desk.ts';
import { Wanted } from './wanted.ts';
import { decodeError, type FromThread, type ThreadSettings, type ToThread } from './wire/index.ts';

/** A thread that dies more often than this within a minute is not started again for the same track. */
const mostDeaths = 3;
const deathsWithin: Millis = 60_000;
/** Announcements that may wait for their turn. */
const mostWaiting = 32;

export interface DeckOptions {
  readonly host: Pick<Host, 'clock' | 'log' | 'programs'>;
  readonly output: OutputSettings;
  /** PEM of certificate authorities to trust besides the usual ones. */
  readonly certificates?: string;
  /** HTTP proxy everything is fetched through. */
  readonly proxy?: Secret<string> | undefined;
  /** Runs on the calling thread: for tests. */
  readonly inProcess?: boolean;
  /** Silence after which the output is closed; what the output's settings say unless told otherwise. */
  readonly releaseOutputAfter?: Millis;
  /** Silence after which the thread is ended and its memory given back; 3 min unless told otherwise. */
  readonly releaseThreadAfter?: Millis;
}

export interface OpenedDeck extends Deck, AsyncDisposable {
  /** The kind of output that was chosen, and why, for people. Trying devices takes a moment; a `play` before then waits for it. */
  readonly chosen: Promise<{ readonly output: string; readonly why: string }>;
}

/** Makes the handle, and chooses the output meanwhile. No thread is started before the first `prepare`, `play` or `announce`. */
export function openDeck(options: DeckOptions): OpenedDeck {
  return new ThreadDeck(options);
}

class ThreadDeck implements OpenedDeck {
  readonly chosen: OpenedDeck['chosen'];
  readonly #options: DeckOptions;
  readonly #desk: OutputDesk;
  /** Null until the output has been chosen. */
  #thread: ThreadSettings | null = null;
  readonly #emitter: Emitter<DeckEvents>;
  #link: Link | null = null;
  /** Links on their way out. */
  readonly #closing = new Set<Promise<void>>();
  readonly #wanted = new Wanted();
  #deaths: number[] = [];
  #release: Disposable | null = null;
  readonly #heartbeat: Heartbeat;
  #closed = false;

  constructor(options: DeckOptions) {
    this.#options = options;
    const { log, clock, programs } = options.host;
    this.#heartbeat = new Heartbeat(clock, (link, error) => this.#died(link, error));
    this.#desk = new OutputDesk(options.output, { clock, log: log.child('output'), programs }, () => this.#changeOutput());
    this.chosen = this.#desk.open();
    // Whoever waits for it hears of a failure; nobody may be waiting.
    this.chosen.catch(() => undefined);
    this.#emitter = new Emitter((error) => log.error('A listener of the deck failed', { reason: String(error) }));
  }

  get events(): Events<DeckEvents> {
    return this.#emitter.events;
  }

  prepare(): void {
    // What is loaded would be fetched again, and it is something else that is going to play.
    if (!this.#link && this.#wanted.loaded) return;
    try {
      this.#wake();
    } catch (error) {
      // No thread can be had at the moment. Whoever plays tries again, and is told.
      this.#options.host.log.debug('The audio thread could not be made ready', { reason: toTonearmError(error).message });
    }
  }

  play(playable: Playable, { id, at, paused }: { readonly id: LoadId; readonly at: Millis; readonly paused: boolean }): void {
    this.#wanted.loaded = { id, playable, position: at, paused };
    this.#wanted.follower = null;
    this.#send({ kind: 'play', id, playable, at, paused });
  }

  follow(next: { readonly playable: Playable; readonly id: LoadId } | null): void {
    this.#wanted.follower = next;
    if (this.#link) this.#send({ kind: 'follow', next });
  }

  refresh(id: LoadId, playable: Playable): void {
    this.#wanted.refresh(id, playable);
    if (this.#link) this.#send({ kind: 'refresh', id, playable });
  }

  pause(): void {
    const { loaded } = this.#wanted;
    if (!loaded) return;
    loaded.paused = true;
    if (this.#link) this.#send({ kind: 'pause' });
  }

  resume(): void {
    const { loaded } = this.#wanted;
    if (!loaded) return;
    loaded.paused = false;
    this.#send({ kind: 'resume' });
  }

  seek(to: Millis): void {
    const { loaded } = this.#wanted;
    if (!loaded) return;
    loaded.position = to;
    this.#send({ kind: 'seek', to });
  }

  stop(): void {
    this.#wanted.unload();
    if (this.#link) this.#send({ kind: 'stop' });
  }

  setGain(gain: number): void {
    this.#wanted.gain = gain;
    if (this.#link) this.#send({ kind: 'gain', gain });
  }

  announce(playable: Playable, { id, gain, duck }: { readonly id: LoadId; readonly gain: number; readonly duck: number }): void {
    if (this.#wanted.announcements.size >= mostWaiting) {
      const error = new TonearmError({ kind: 'conflict', code: 'audio/too-many-announcements', message: `${mostWaiting} announcements are waiting already, so this one is not said. Try again when it is quieter.` });
      queueMicrotask(() => this.#emitter.emit('announced', { id, error }));
      return;
    }
    const announcement = { id, playable, gain, duck };
    this.#wanted.announcements.set(id, announcement);
    this.#send({ kind: 'announce', ...announcement });
  }

  hush(): void {
    if (this.#link) this.#send({ kind: 'hush' });
    else this.#forgetAnnouncements(null);
  }

  get output(): OutputView {
    return this.#desk.view;
  }

  useOutput(name: string): Promise<void> {
    return this.#desk.use(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#desk[Symbol.dispose]();
    this.#wanted.unload();
    this.#wanted.forgetAnnouncements();
    this.#release?.[Symbol.dispose]();
    this.#release = null;
    this.#heartbeat[Symbol.dispose]();
    this.#letGo();
    await Promise.all(this.#closing);
  }

  /** Another output, or the first one; or other choices. */
  #changeOutput(): void {
    const { current, view } = this.#desk;
    if (current && !this.#closed && current !== this.#thread?.output) this.#takeOutput(current);
    this.#emitter.emit('output', view);
  }

  #takeOutput(output: ConcreteOutput): void {
    const { host, certificates = null, proxy } = this.#options;
    const isFirst = this.#thread === null;
    const releaseOutputAfter = this.#options.releaseOutputAfter ?? releaseAfter(output);
    this.#thread = { output, certificates, proxy: proxy?.reveal() ?? null, speakerChild: host.programs.speakerChild.href, releaseOutputAfter };
    if (!isFirst) {
      if (this.#link) this.#send({ kind: 'output', output, releaseOutputAfter });
      return;
    }
    if (this.#wanted.loaded || this.#wanted.announcements.size > 0) this.#wake();
  }

  #send(message: ToThread): void {
    const link = this.#link;
    this.#wake();
    // A new one knows it already.
    link?.send(message);
  }

  /** Sees to it that there is a thread; none before an output is known. */
  #wake(): void {
    if (this.#closed || !this.#thread) return;
    this.#link ??= this.#open(this.#thread);
    this.#arrangeRelease();
  }

  /** It takes up where the last one was. */
  #open(thread: ThreadSettings): Link {
    const { host, inProcess = false } = this.#options;
    const { clock, log, programs } = host;
    const listener = { message: (message: FromThread) => this.#hear(link, message), died: (error: Error) => this.#died(link, error) };
    const link: Link = inProcess ? openInProcess(thread, { clock, log }, listener) : openThread(programs.audioThread, thread, clock, listener);
    for (const message of this.#wanted.messages()) link.send(message);
    return link;
  }

  #hear(link: Link, message: FromThread): void {
    if (link !== this.#link) return;
    this.#heartbeat.heard();
    if (message.kind === 'log') {
      const log = message.name === '' ? this.#options.host.log : this.#options.host.log.child(message.name);
      log[message.level](message.message, message.fields);
    } else if (message.kind === 'event') {
      this.#wanted.note(message);
      this.#arrangeRelease();
      if (message.name === 'failed') this.#emitter.emit('failed', { id: message.event.id, error: decodeError(message.event.error) });
      else if (message.name === 'announced') this.#emitter.emit('announced', { id: message.event.id, error: message.event.error && decodeError(message.event.error) });
      else this.#emitter.emit(message.name, message.event);
    }
  }

  #died(link: Link, error: Error): void {
    if (link !== this.#link) return;
    this.#link = null;
    this.#heartbeat.watch(null);
    const { clock, log } = this.#options.host;
    const now = clock.monotonic();
    const { loaded } = this.#wanted;
    this.#deaths = [...this.#deaths.filter((at) => now - at < deathsWithin), now];
    log.warn('The audio thread died', { reason: toTonearmError(error).message, again: loaded !== null && this.#deaths.length <= mostDeaths });
    this.#forgetAnnouncements(new TonearmError({ kind: 'internal', code: 'audio/thread-died', message: 'The part of Tonearm that plays sound stopped, so this announcement was not said to its end. Say it again.', cause: error }));
    if (!loaded) return;
    if (this.#deaths.length <= mostDeaths) {
      if (!loaded.paused) this.#emitter.emit('stalled', { id: loaded.id, position: loaded.position });
      this.#wake();
      return;
    }
    this.#wanted.unload();
    const message = 'The part of Tonearm that plays sound stopped several times in a row. Try another track; if it stays, restart Tonearm.';
    this.#emitter.emit('failed', { id: loaded.id, error: new TonearmError({ kind: 'internal', code: 'audio/thread-died', message, cause: error }) });
  }

  /** Ends the thread when it has had nothing to do for long; watches it while it has. */
  #arrangeRelease(): void {
    const { host, releaseThreadAfter = 180_000 } = this.#options;
    this.#release?.[Symbol.dispose]();
    this.#release = null;
    const isDue = this.#wanted.isDue;
    this.#desk.expect(isDue);
    this.#heartbeat.watch(isDue ? this.#link : null);
    // The thread keeps the device open as long as that is wanted.
    const wait = Math.max(releaseThreadAfter, this.#thread?.releaseOutputAfter ?? 0);
    if (!isDue && this.#link && wait !== Infinity) this.#release = host.clock.timer(wait, () => this.#letGo());
  }

  #forgetAnnouncements(error: TonearmError | null): void {
    for (const id of this.#wanted.forgetAnnouncements()) this.#emitter.emit('announced', { id, error });
  }

  #letGo(): void {
    const link = this.#link;
    this.#link = null;
    if (!link) return;
    const closing: Promise<void> = link.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
