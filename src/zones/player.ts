import type { Command, Deck, Origin, Player, PlayerEvents, PlayerState, PlayPosition, Preset, Presets, Source, SourceState } from '#core';
import { Emitter, type Events, TonearmError } from '#foundation';
import type { Announcements } from './announcements.ts';
import type { Move, Neighbour, Neighbours } from './neighbours.ts';
import { planned, type Step } from './plan.ts';
import type { SleepTimer } from './sleep-timer.ts';
import { sameSnapshot, takeSnapshot } from './snapshot.ts';
import type { ZoneVolume } from './zone-volume.ts';

export interface PlayerPorts {
  readonly id: string;
  readonly name: string;
  readonly now: () => number;
  readonly deck: Pick<Deck, 'output' | 'useOutput'>;
  readonly volume: ZoneVolume;
  readonly sleep: SleepTimer;
  readonly announcements: Announcements;
  readonly neighbours: Neighbours;
  readonly presets: Pick<Presets, 'list' | 'find'>;
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

/**
 * Routes a command to what the zone does itself, to the holder, or to the source that plays a URI; shows what came of it.
 * `by.started` is whoever began what plays: by a play, a preset, or by taking it over from another device or zone. Everything else
 * that anyone does is `by.changed`. So "stop only what I started" is `state.by.started === me`.
 */
export class ZonePlayer implements Player, Neighbour {
  readonly id: string;
  readonly name: string;
  readonly #emitter: Emitter<PlayerEvents>;
  readonly #ports: PlayerPorts;
  readonly #sources: Source[] = [];
  #holder: Source | null = null;
  #started: Origin | null = null;
  #preset: string | null = null;
  /** A preset on its way to a source, and whose wish it is. */
  #coming: { readonly preset: string; readonly by: Origin } | null = null;
  #state: PlayerState;

  constructor(ports: PlayerPorts, onError: (error: unknown) => void) {
    this.#ports = ports;
    this.id = ports.id;
    this.name = ports.name;
    this.#emitter = new Emitter<PlayerEvents>(onError);
    this.#state = this.#picture('tonearm', { at: 0, measured: ports.now() }, 1);
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
    source.events.on('changed', ({ by }) => this.refresh(by));
    source.events.on('ended', (event) => this.#emitter.emit('ended', event));
    source.events.on('failed', (event) => this.#emitter.emit('failed', event));
    this.refresh('tonearm');
  }

  /** The stage has a new holder, or none. */
  hold(name: string | null, by: Origin): void {
    this.#holder = this.#sources.find((source) => source.name === name) ?? null;
    this.begun(this.#holder ? by : null);
    this.refresh(by);
  }

  /** The holder begins something else, for somebody. */
  begun(by: Origin | null): void {
    this.#started = by;
    this.#preset = this.#coming && this.#coming.by === by ? this.#coming.preset : null;
  }

  announced(event: PlayerEvents['announced']): void {
    this.#emitter.emit('announced', event);
  }

  async dispatch(commands: readonly Command[], by: Origin, signal: AbortSignal = new AbortController().signal): Promise<void> {
    for (const step of planned(commands, (idOrName) => this.#findPreset(idOrName))) await this.#do(step, by, signal);
  }

  async receive({ source, playback, state, at: place }: Move, by: Origin, signal: AbortSignal): Promise<void> {
    const same = this.#sources.find(({ name }) => name === source);
    if (playback && same?.takeOver) return same.takeOver(playback, by, signal);
    const { context, next } = state.queue;
    const uri = context?.uri ?? state.track?.uri;
    if (uri === undefined) throw nothingToTransfer();
    const row = context && state.track ? { from: state.track.uri } : {};
    const at = state.track && state.track.duration > 0 ? { at: place } : {};
    const commands: Command[] = [
      { kind: 'play', uri, ...row, ...at, shuffle: state.order.shuffle },
      ...(state.order.repeat === 'off' ? [] : [{ kind: 'repeat', mode: state.order.repeat } as const]),
      ...next.filter(({ queued }) => queued).map((item) => ({ kind: 'enqueue', uri: item.uri }) as const),
      ...(state.status === 'paused' ? [{ kind: 'pause' } as const] : []),
    ];
    await this.dispatch(commands, by, signal);
  }

  /** Takes a new picture and announces it if a viewer could tell the difference. */
  refresh(by: Origin): void {
    const previous = this.#state;
    const next = this.#picture(by, previous.position, previous.revision + 1);
    if (sameSnapshot(previous, next)) return;
    this.#state = next;
    this.#emitter.emit('changed', { state: next, previous });
    if (next.status !== previous.status) this.#ports.sleep.noticed();
  }

  async #do({ command, preset }: Step, by: Origin, signal: AbortSignal): Promise<void> {
    const { volume, sleep, announcements, deck } = this.#ports;
    switch (command.kind) {
      case 'volume':
        volume.set(command.level, by);
        return;
      case 'mute':
        volume.mute(command.muted, by);
        return;
      case 'fade':
        volume.fade(command.to, command.over, command.curve, by);
        return;
      case 'limit':
        volume.limit(command.level, by);
        return;
      case 'sleep':
        sleep.set(command.after, command.fade, by);
        // There is one sleep timer: the newest one, or none.
        if (this.#shown()?.state.sleep) await this.#shown()?.execute({ ...command, after: null }, by, signal);
        return;
      case 'announce':
        announcements.say(command, by);
        return;
      case 'output':
        await deck.useOutput(command.output);
        this.refresh(by);
        return;
      case 'transfer':
        await this.#transfer(command.to, by, signal);
        return;
      case 'stop':
        if (announcements.hush() && this.#shown()?.state.accepts.has('stop') !== true) return;
        break;
      default:
    }
    if (preset !== null) this.#coming = { preset, by };
    try {
      await this.#sourceFor(command).execute(command, by, signal);
    } finally {
      if (preset !== null) this.#coming = null;
    }
  }

  async #transfer(to: string, by: Origin, signal: AbortSignal): Promise<void> {
    const there = this.#ports.neighbours.find(to);
    const here = this.#holder;
    if (there === this) return;
    if (!here || this.#state.status === 'stopped') throw nothingToTransfer();
    await there.receive({ source: here.name, playback: here.handOver?.() ?? null, state: this.#state, at: this.#place() }, by, signal);
    // Only now, so that what cannot go on there goes on here.
    await here.execute({ kind: 'stop' }, by, signal);
  }

  /** `position`: shown while there is no source to ask. */
  #picture(by: Origin, position: PlayPosition, revision: number): PlayerState {
    const { volume, deck, sleep, announcements, neighbours, presets, id } = this.#ports;
    const states = this.#sources.map(({ state }) => state);
    const shown = states[this.#holder ? this.#sources.indexOf(this.#holder) : 0] ?? { ...idle, position };
    // An account and its troubles are the zone's, also while something else plays.
    const account = shown.account.name === null ? (states.find(({ account: { name } }) => name !== null)?.account ?? shown.account) : shown.account;
    const notice = shown.notice ?? states.find((state) => state.notice)?.notice ?? null;
    return takeSnapshot(
      {
        source: this.#holder?.name ?? null,
        shown: { ...shown, account, notice },
        volume: volume.shown,
        output: deck.output,
        sleep: sleep.ends,
        preset: this.#preset,
        announcing: announcements.isSaying,
        started: this.#started,
        changed: by,
        can: { play: states.some(({ accepts }) => accepts.has('play')), preset: presets.list.some(({ zones }) => zones?.includes(id) !== false), transfer: neighbours.count > 1 },
      },
      revision,
    );
  }

  #place(): number {
    const { status, position } = this.#state;
    return Math.max(0, position.at + (status === 'playing' ? this.#ports.now() - position.measured : 0));
  }

  #shown(): Source | null {
    return this.#holder ?? this.#sources[0] ?? null;
  }

  #findPreset(idOrName: string): Preset {
    const { presets, id } = this.#ports;
    const found = presets.find(idOrName, id);
    if (found) return found;
    const names = presets.list.filter(({ zones }) => zones?.includes(id) !== false).map((preset) => `“${preset.id}”`);
    const message = names.length > 0 ? `There is no preset “${idOrName}” here. There are ${names.join(', ')}.` : `There is no preset “${idOrName}”: none is set up for this zone. Add some under “presets” in the configuration.`;
    throw new TonearmError({ kind: 'not-found', code: 'zones/no-such-preset', message });
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
        message: `Nothing here can play “${uri}”. Use a Spotify link or URI such as spotify:playlist:… or https://open.spotify.com/track/…, or the address of a sound file.`,
      });
    }
    const source = this.#shown();
    if (source) return source;
    throw new TonearmError({ kind: 'conflict', code: 'zones/nothing-loaded', message: `There is nothing to ${command.kind} yet: pick this speaker in the Spotify app first.` });
  }
}

function nothingToTransfer(): TonearmError {
  return new TonearmError({ kind: 'conflict', code: 'zones/nothing-to-transfer', message: 'Nothing plays here that could go on in another zone.' });
}
