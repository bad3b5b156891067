import {
  type Command,
  type CommandKind,
  type Origin,
  type Player,
  type PlayerEvents,
  type PlayerState,
  type Source,
  type SourceState,
  type Volume,
} from '#core';
import { Emitter, type Events, TonearmError } from '#foundation';
import { sameSnapshot, takeSnapshot } from './snapshot.ts';

export interface PlayerPorts {
  readonly now: () => number;
  readonly volume: () => Volume;
  readonly setVolume: (level: number, by: Origin) => void;
  readonly setMuted: (muted: boolean, by: Origin) => void;
}

const idle: SourceState = {
  status: 'stopped',
  track: null,
  position: { at: 0, measured: 0 },
  order: { shuffle: false, repeat: 'off' },
  queue: { context: null, next: [] },
  account: { name: null, connected: false },
  notice: null,
  accepts: new Set(),
};

/** Routes a command to the volume, to the holder, or to the source that plays a URI; shows what came of it. */
export class ZonePlayer implements Player {
  readonly #emitter: Emitter<PlayerEvents>;
  readonly #ports: PlayerPorts;
  readonly #sources: Source[] = [];
  #holder: Source | null = null;
  #started: Origin | null = null;
  #state: PlayerState;

  constructor(ports: PlayerPorts, onError: (error: unknown) => void) {
    this.#ports = ports;
    this.#emitter = new Emitter<PlayerEvents>(onError);
    this.#state = takeSnapshot({ source: null, shown: { ...idle, position: { at: 0, measured: ports.now() } }, volume: ports.volume(), started: null, changed: 'tonearm' }, 1);
  }

  get state(): PlayerState {
    return this.#state;
  }

  get events(): Events<PlayerEvents> {
    return this.#emitter.events;
  }

  /** Makes a source known. The first one is shown while nobody holds the zone. */
  add(source: Source): void {
    this.#sources.push(source);
    source.events.on('changed', ({ by }) => {
      if (source === this.#shown()) this.refresh(by);
    });
    source.events.on('ended', (event) => this.#emitter.emit('ended', event));
    source.events.on('failed', (event) => this.#emitter.emit('failed', event));
    this.refresh('tonearm');
  }

  /** The stage has a new holder, or none. */
  hold(name: string | null, by: Origin): void {
    this.#holder = this.#sources.find((source) => source.name === name) ?? null;
    this.#started = this.#holder ? by : null;
    this.refresh(by);
  }

  async dispatch(commands: readonly Command[], by: Origin, signal: AbortSignal = new AbortController().signal): Promise<void> {
    const isVolume = (command: Command) => command.kind === 'volume' || command.kind === 'mute';
    // Volume first, so that a loud start cannot happen.
    for (const command of [...commands.filter(isVolume), ...commands.filter((command) => !isVolume(command))]) {
      if (command.kind === 'volume') this.#ports.setVolume(command.level, by);
      else if (command.kind === 'mute') this.#ports.setMuted(command.muted, by);
      else await this.#sourceFor(command).execute(command, by, signal);
    }
  }

  /** Takes a new picture and announces it if a viewer could tell the difference. */
  refresh(by: Origin): void {
    const previous = this.#state;
    const next = takeSnapshot(
      {
        source: this.#holder?.name ?? null,
        shown: this.#shown()?.state ?? { ...idle, position: previous.position },
        volume: this.#ports.volume(),
        started: this.#started,
        changed: by,
      },
      previous.revision + 1,
    );
    if (sameSnapshot(previous, next)) return;
    this.#state = next;
    this.#emitter.emit('changed', { state: next, previous });
  }

  #shown(): Source | null {
    return this.#holder ?? this.#sources[0] ?? null;
  }

  #sourceFor(command: Command): Source {
    if ((command.kind === 'play' || command.kind === 'enqueue') && command.uri !== undefined) {
      const { uri } = command;
      const holder = this.#holder?.plays(uri) === true ? this.#holder : null;
      const able = holder ?? this.#sources.find((source) => source.plays(uri));
      if (able) return able;
      throw new TonearmError({
        kind: 'invalid',
        code: 'zones/nothing-plays',
        message: `Nothing here can play “${uri}”. Use a Spotify link or URI such as spotify:playlist:… or https://open.spotify.com/track/….`,
      });
    }
    const source = this.#shown();
    if (source) return source;
    throw nothingToControl(command.kind);
  }
}

function nothingToControl(kind: CommandKind): TonearmError {
  return new TonearmError({ kind: 'conflict', code: 'zones/nothing-loaded', message: `There is nothing to ${kind} yet: pick this speaker in the Spotify app first.` });
}
