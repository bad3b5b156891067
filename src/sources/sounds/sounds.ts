import type { Command, CommandKind, Deck, DeckEvents, Host, Lease, LoadId, Millis, Notice, Origin, Playable, PlayStatus, RepeatMode, Source, SourceEvents, SourceState, Uri, Zone } from '#core';
import { Emitter, throwIfAborted, TonearmError, type Events, type Log } from '#foundation';
import { parseAddress, recipeOf } from './address.ts';
import type { SoundsSettings } from './settings.ts';

/** An output that is not there is tried again so often, and for so long: an alarm has to be heard as soon as it can be. */
const tryEvery: Millis = 1000;
const patience: Millis = 3 * 3_600_000;

export interface SoundsOptions {
  readonly zone: Zone;
  readonly host: Pick<Host, 'clock' | 'log'>;
}

interface Playing {
  readonly id: LoadId;
  readonly lease: Lease;
  playable: Playable;
  status: PlayStatus;
  at: Millis;
  measured: Millis;
  duration: Millis;
  repeat: boolean;
  notice: Notice | null;
  /** The output has been missing since then. */
  missing: { readonly since: Millis; timer: Disposable | null } | null;
}

const accepted: readonly CommandKind[] = ['play', 'pause', 'stop', 'seek', 'repeat'];

/** Plays single sounds of a zone: what is at a web address, a file, a tone that is made here. Needs no account, and for the last two no network. */
export function openSounds(settings: SoundsSettings, options: SoundsOptions): Source {
  return new Sounds(settings, options);
}

class Sounds implements Source {
  readonly name = 'sounds';
  readonly #settings: SoundsSettings;
  readonly #zone: Zone;
  readonly #host: SoundsOptions['host'];
  readonly #log: Log;
  readonly #emitter: Emitter<SourceEvents>;
  readonly #since: Millis;
  #now: Playing | null = null;
  #listeners: readonly Disposable[] = [];
  #count = 0;
  /** Plays that have been asked for; only the newest one counts. */
  #wishes = 0;

  constructor(settings: SoundsSettings, { zone, host }: SoundsOptions) {
    this.#settings = settings;
    this.#zone = zone;
    this.#host = host;
    this.#log = host.log.child(`sounds/${zone.id}`);
    this.#emitter = new Emitter((error) => this.#log.error('A listener failed', { error }));
    this.#since = host.clock.now();
  }

  get events(): Events<SourceEvents> {
    return this.#emitter.events;
  }

  get state(): SourceState {
    const now = this.#now;
    return {
      status: now?.status ?? 'stopped',
      track: now && { ...now.playable.track, duration: now.duration },
      position: { at: now?.at ?? 0, measured: now?.measured ?? this.#since },
      order: { shuffle: false, repeat: now?.repeat === true ? 'track' : 'off' },
      queue: { context: null, next: [] },
      account: { name: null, connected: false },
      notice: now?.notice ?? null,
      accepts: new Set(now ? accepted : (['play'] as const)),
    };
  }

  plays(uri: Uri): boolean {
    return parseAddress(uri) !== null;
  }

  async execute(command: Command, by: Origin, signal: AbortSignal): Promise<void> {
    switch (command.kind) {
      case 'play':
        if (command.uri === undefined) this.#resume(by);
        else await this.#play(command.uri, command.at ?? 0, by, signal);
        return;
      case 'pause':
        this.#pause(by);
        return;
      case 'stop':
        this.#stop(by);
        return;
      case 'seek':
        this.#seek(command.to, by);
        return;
      case 'repeat':
        this.#repeat(command.mode, by);
        return;
      case 'enqueue':
        throw new TonearmError({ kind: 'invalid', code: 'sounds/no-queue', message: 'Single sounds cannot be queued. Play it, or announce it over what plays.' });
      default:
        throw new TonearmError({ kind: 'conflict', code: 'sounds/single', message: `A single sound plays in “${this.#zone.name}”: there is no ${command.kind} for it.` });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#wishes += 1;
    this.#leave('tonearm');
    return Promise.resolve();
  }

  async #play(uri: Uri, at: Millis, by: Origin, signal: AbortSignal): Promise<void> {
    const address = parseAddress(uri);
    if (!address) throw new TonearmError({ kind: 'invalid', code: 'sounds/not-an-address', message: `“${uri}” is no address of a sound. Use http://…, https://…, file:///…, sound:chime or sound:bell.` });
    const wish = ++this.#wishes;
    const playable = await recipeOf(uri, address, this.#settings.folders);
    throwIfAborted(signal);
    // Somebody wanted something else while the file was looked for.
    if (wish !== this.#wishes) return;
    const before = this.#now;
    const lease = before?.lease ?? this.#zone.claim(this.name, by);
    if (before) {
      lease.renew(by);
      this.#forget(before);
    } else {
      this.#listen(lease);
    }
    this.#now = { id: `sounds-${++this.#count}`, lease, playable, status: 'loading', at, measured: this.#time, duration: 0, repeat: false, notice: null, missing: null };
    lease.deck.play(playable, { id: this.#now.id, at, paused: false });
    this.#changed(by);
  }

  #resume(by: Origin): void {
    const now = this.#demand('play');
    if (now.status !== 'paused') return;
    now.status = 'loading';
    now.lease.deck.resume();
    this.#changed(by);
  }

  #pause(by: Origin): void {
    const now = this.#demand('pause');
    if (now.status === 'paused') return;
    const wasPlaying = now.status === 'playing';
    this.#forget(now);
    now.lease.deck.pause();
    this.#place(now, wasPlaying ? now.at + this.#time - now.measured : now.at);
    now.status = 'paused';
    this.#changed(by);
  }

  #seek(to: Millis, by: Origin): void {
    const now = this.#demand('seek');
    this.#place(now, to);
    now.lease.deck.seek(to);
    this.#changed(by);
  }

  #repeat(mode: RepeatMode, by: Origin): void {
    this.#demand('repeat').repeat = mode !== 'off';
    this.#changed(by);
  }

  #stop(by: Origin): void {
    this.#wishes += 1;
    const now = this.#now;
    if (!now) return;
    this.#leave(by);
    this.#emitter.emit('ended', { track: now.playable.track, reason: 'skipped' });
  }

  #demand(kind: CommandKind): Playing {
    if (this.#now) return this.#now;
    throw new TonearmError({ kind: 'conflict', code: 'sounds/nothing-loaded', message: `There is no sound to ${kind}: play one first.` });
  }

  #listen(lease: Lease): void {
    const { events } = lease.deck;
    const on = <Name extends 'playing' | 'paused' | 'stalled' | 'moved' | 'measured' | 'ended' | 'failed'>(name: Name, hear: (now: Playing, event: DeckEvents[Name]) => void) =>
      events.on(name, (event) => {
        if (this.#now && event.id === this.#now.id) hear(this.#now, event);
      });
    this.#listeners = [
      on('playing', (now, { position }) => {
        this.#forget(now);
        this.#place(now, position);
        this.#shows(now, 'playing');
      }),
      on('paused', (now, { position }) => {
        if (now.status !== 'paused') return;
        this.#place(now, position);
        this.#changed('tonearm');
      }),
      on('stalled', (now, { position }) => {
        this.#place(now, position);
        if (!now.missing) this.#shows(now, 'stalled');
      }),
      on('moved', (now, { position }) => {
        const expected = now.status === 'playing' ? now.at + this.#time - now.measured : now.at;
        this.#place(now, position);
        // Viewers go on counting by themselves.
        if (Math.abs(position - expected) > 500) this.#changed('tonearm');
      }),
      on('measured', (now, { duration }) => {
        now.duration = Math.round(duration);
        this.#changed('tonearm');
      }),
      on('ended', (now) => this.#ended(now)),
      on('failed', (now, { error }) => this.#failed(now, error)),
    ];
    lease.signal.addEventListener('abort', () => this.#outplayed(lease), { once: true });
  }

  #ended(now: Playing): void {
    this.#emitter.emit('ended', { track: now.playable.track, reason: 'finished' });
    if (this.#now !== now) return;
    if (now.repeat) {
      this.#place(now, 0);
      now.status = 'loading';
      this.#deck(now).play(now.playable, { id: now.id, at: 0, paused: false });
      this.#changed('tonearm');
      return;
    }
    this.#leave('tonearm');
  }

  /** Without an output it goes on trying: it may be switched on any moment. */
  #failed(now: Playing, error: TonearmError): void {
    const isOutput = error.code.startsWith('output/');
    // In a pause nobody misses it.
    if (isOutput && now.status === 'paused') return;
    const since = now.missing?.since ?? this.#host.clock.monotonic();
    if (isOutput && this.#host.clock.monotonic() - since < patience) {
      if (!now.missing) this.#log.warn('The sound waits for its output', { code: error.code, reason: error.message });
      now.missing?.timer?.[Symbol.dispose]();
      now.missing = {
        since,
        timer: this.#host.clock.timer(tryEvery, () => {
          if (this.#now === now) this.#deck(now).resume();
        }),
      };
      now.notice = { code: error.code, message: error.message };
      this.#shows(now, 'stalled');
      return;
    }
    this.#leave('tonearm');
    this.#emitter.emit('failed', { error });
    this.#emitter.emit('ended', { track: now.playable.track, reason: 'failed' });
  }

  #outplayed(lease: Lease): void {
    if (this.#now?.lease !== lease) return;
    this.#let(this.#now);
    this.#changed('tonearm');
  }

  /** Gives the zone back. */
  #leave(by: Origin): void {
    const now = this.#now;
    if (!now) return;
    this.#let(now);
    now.lease.release(by);
    this.#changed(by);
  }

  #let(now: Playing): void {
    this.#forget(now);
    this.#now = null;
    for (const listener of this.#listeners) listener[Symbol.dispose]();
    this.#listeners = [];
  }

  /** Nothing is waited for any more. */
  #forget(now: Playing): void {
    now.missing?.timer?.[Symbol.dispose]();
    now.missing = now.notice = null;
  }

  #shows(now: Playing, status: PlayStatus): void {
    now.status = status;
    this.#changed('tonearm');
  }

  #place(now: Playing, at: Millis): void {
    now.at = at;
    now.measured = this.#time;
  }

  #deck(now: Playing): Deck {
    return now.lease.deck;
  }

  get #time(): Millis {
    return this.#host.clock.now();
  }

  #changed(by: Origin): void {
    this.#emitter.emit('changed', { state: this.state, by });
  }
}
