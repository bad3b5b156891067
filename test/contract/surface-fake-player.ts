import type { Command, CommandKind, Host, Origin, Player, PlayerEvents, PlayerState, Store, Track, Uri, Volume, ZoneView } from '#core';
import { type Clock, Emitter, type Events, type Log, type LogLevel, silentLog, TonearmError } from '#foundation';
import { noPrograms } from '../kit/no-programs.ts';

/** A track with just enough to show. */
export function someTrack(uri: Uri, more: Partial<Track> = {}): Track {
  return {
    uri,
    kind: 'track',
    title: `Title of ${uri}`,
    artists: ['First Artist', 'Second Artist'],
    album: 'The Album',
    duration: 214_000,
    covers: [{ url: `https://covers.example/${uri.split(':').at(-1) ?? ''}`, width: 640 }],
    explicit: false,
    ...more,
  };
}

const all: readonly CommandKind[] = [
  'play', 'preset', 'pause', 'stop', 'next', 'previous', 'seek', 'volume', 'mute', 'shuffle', 'repeat', 'enqueue', 'fade', 'limit', 'sleep', 'announce', 'transfer', 'output',
];

/** A volume nobody limits or fades. */
export function someVolume(level: number, muted = false): Volume {
  return { level, muted, limit: 1, fading: null };
}

/** Does at once what it is told, emits only real changes, and remembers what was asked. */
export class FakePlayer implements Player {
  readonly dispatched: { readonly commands: readonly Command[]; readonly by: Origin }[] = [];
  /** Set to make every dispatch wait for it. */
  gate: Promise<void> | null = null;
  /** Set to make every dispatch fail. */
  refusal: TonearmError | null = null;
  readonly #emitter = new Emitter<PlayerEvents>();
  readonly #clock: Clock;
  #state: PlayerState;
  #at = 1;

  constructor(clock: Clock, state: Partial<PlayerState> = {}) {
    this.#clock = clock;
    this.#state = {
      revision: 1,
      source: null,
      status: 'stopped',
      track: null,
      position: { at: 0, measured: clock.now() },
      volume: someVolume(0.5),
      order: { shuffle: false, repeat: 'off' },
      queue: { context: null, next: [] },
      account: { name: 'someone', connected: true },
      notice: null,
      output: { name: 'speaker', choices: ['auto', 'speaker', 'null'] },
      sleep: null,
      preset: null,
      announcing: false,
      by: { started: null, changed: 'tonearm' },
      accepts: new Set(all),
      ...state,
    };
  }

  get state(): PlayerState {
    return this.#state;
  }

  get events(): Events<PlayerEvents> {
    return this.#emitter;
  }

  get listeners(): number {
    return this.#emitter.size;
  }

  async dispatch(commands: readonly Command[], by: Origin, signal?: AbortSignal): Promise<void> {
    this.dispatched.push({ commands, by });
    if (this.gate) await this.gate;
    signal?.throwIfAborted();
    if (this.refusal) throw this.refusal;
    for (const command of commands) this.#apply(command, by);
  }

  /** Changes the picture the way a phone would. */
  set(change: Partial<PlayerState>, by: Origin = 'phone'): void {
    const previous = this.#state;
    const next = { ...previous, ...change };
    const bare = (state: PlayerState) => JSON.stringify({ ...state, revision: 0, by: null, accepts: [...state.accepts] });
    if (bare(previous) === bare(next)) return;
    this.#state = Object.freeze({ ...next, revision: previous.revision + 1, by: { started: change.by?.started ?? previous.by.started, changed: by } });
    this.#emitter.emit('changed', { state: this.#state, previous });
  }

  end(reason: PlayerEvents['ended']['reason']): void {
    if (this.#state.track) this.#emitter.emit('ended', { track: this.#state.track, reason });
  }

  fail(error: TonearmError): void {
    this.#emitter.emit('failed', { error });
  }

  announce(uri: Uri, phase: PlayerEvents['announced']['phase'], error: TonearmError | null = null): void {
    this.#emitter.emit('announced', { uri, phase, error });
  }

  #apply(command: Command, by: Origin): void {
    const { volume, order, track } = this.#state;
    const position = { at: this.#position(), measured: this.#clock.now() };
    switch (command.kind) {
      case 'play': {
        if (command.uri === undefined && !track) throw new TonearmError({ kind: 'conflict', code: 'zone/nothing-to-play', message: 'There is nothing to go on with.' });
        const change = command.uri === undefined ? { position } : { track: someTrack(command.uri), position: { at: command.at ?? 0, measured: this.#clock.now() } };
        this.set({ source: 'connect', status: 'playing', ...change, ...(command.shuffle !== undefined && { order: { ...order, shuffle: command.shuffle } }) }, by);
        return;
      }
      case 'preset':
        this.set({ source: 'connect', status: 'playing', preset: command.preset, track: someTrack(`spotify:playlist:${command.preset}`) }, by);
        return;
      case 'pause':
        this.set({ status: 'paused', position }, by);
        return;
      case 'stop':
        this.set({ status: 'stopped', source: null, track: null, position: { at: 0, measured: this.#clock.now() } }, by);
        return;
      case 'next':
      case 'previous':
        this.#at += command.kind === 'next' ? 1 : -1;
        this.end('skipped');
        this.set({ track: someTrack(`spotify:track:${this.#at}`), position: { at: 0, measured: this.#clock.now() } }, by);
        return;
      case 'seek':
        this.set({ position: { at: command.to, measured: this.#clock.now() } }, by);
        return;
      case 'volume':
        this.set({ volume: { ...volume, level: Math.min(command.level, volume.limit), fading: null } }, by);
        return;
      case 'fade':
        this.set({ volume: { ...volume, fading: { to: command.to, ends: this.#clock.now() + command.over } } }, by);
        return;
      case 'limit':
        this.set({ volume: { ...volume, limit: command.level, level: Math.min(volume.level, command.level) } }, by);
        return;
      case 'sleep':
        this.set({ sleep: command.after === null ? null : { ends: this.#clock.now() + command.after } }, by);
        return;
      case 'announce':
        this.announce(command.uri, 'started');
        return;
      case 'transfer':
        this.set({ status: 'stopped', source: null, track: null }, by);
        return;
      case 'output':
        this.set({ output: { ...this.#state.output, name: command.output } }, by);
        return;
      case 'mute':
        this.set({ volume: { ...volume, muted: command.muted } }, by);
        return;
      case 'shuffle':
        this.set({ order: { ...order, shuffle: command.on } }, by);
        return;
      case 'repeat':
        this.set({ order: { ...order, repeat: command.mode } }, by);
        return;
      case 'enqueue':
        this.set({ queue: { ...this.#state.queue, next: [{ uri: command.uri, title: null, queued: true }] } }, by);
    }
  }

  #position(): number {
    const { status, position } = this.#state;
    return position.at + (status === 'playing' ? this.#clock.now() - position.measured : 0);
  }
}

/** A zone that plays something. */
export function playing(clock: Clock, uri: Uri = 'spotify:track:1'): Partial<PlayerState> {
  return { source: 'connect', status: 'playing', track: someTrack(uri), position: { at: 0, measured: clock.now() }, by: { started: 'phone', changed: 'phone' } };
}

export function fakeZone(clock: Clock, id = 'kitchen', state: Partial<PlayerState> = {}): ZoneView & { readonly player: FakePlayer } {
  return { id, name: id.charAt(0).toUpperCase() + id.slice(1), player: new FakePlayer(clock, state) };
}

/** A store that forgets with the test. */
export function memoryStore(): Store & { readonly values: Map<string, unknown> } {
  const values = new Map<string, unknown>();
  const space = {
    read: async (name: string) => structuredClone(values.get(name)) ?? null,
    write: async (name: string, value: unknown) => void values.set(name, structuredClone(value)),
    remove: async (name: string) => void values.delete(name),
    names: async (start: string) => [...values.keys()].filter((key) => key.startsWith(start)),
  };
  return { ...space, sealed: space, values };
}

export type FakeHost = Pick<Host, 'clock' | 'log' | 'version' | 'programs'> & { readonly store: ReturnType<typeof memoryStore> };

export function fakeHost(clock: Clock, log: Log = silentLog): FakeHost {
  return { clock, log, version: '0.0.0-test', store: memoryStore(), programs: noPrograms };
}

/** Keeps what was said. */
export function keptLog(): Log & { readonly lines: { readonly level: LogLevel; readonly message: string; readonly fields: unknown }[] } {
  const lines: { level: LogLevel; message: string; fields: unknown }[] = [];
  const say = (level: LogLevel) => (message: string, fields?: unknown) => void lines.push({ level, message, fields });
  const log = { trace: say('trace'), debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error'), child: () => log, lines };
  return log;
}
