import type { CommandInput, Millis, Origin, PlayerState, Presets, ZoneView } from '#core';
import { Command } from '#core';
import { type Clock, type Log, Scope, toTonearmError } from '#foundation';
import { silent, stepRing, type RingEffect, type RingInput, type RingSettings, type RingState, type ZoneSight } from './alarm-machine.ts';
import type { AlarmSettings } from './settings.ts';

export const bell = 'sound:bell';

export interface RingerParts {
  readonly zone: ZoneView;
  readonly presets: Pick<Presets, 'find'>;
  readonly clock: Clock;
  readonly log: Log;
  /** After every step that changed something; of the first one before anything is done. */
  changed(): void;
  note(what: string, outcome: string): void;
  ended(result: 'done' | 'interrupted', why: string): void;
}

/** What must survive a restart while it rings. Unix ms. */
export interface RingMemory {
  readonly snoozedUntil: Millis | null;
  readonly endsAt: Millis;
}

/** The ring machine's hands in one zone. */
export class Ringer implements AsyncDisposable {
  readonly #settings: AlarmSettings;
  readonly #parts: RingerParts;
  readonly #by: Origin;
  readonly #ring: RingSettings;
  readonly #scope = new Scope();
  #state: RingState = silent;
  #timer: Disposable | null = null;
  #attempt = new AbortController();

  constructor(settings: AlarmSettings, parts: RingerParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#by = `automation:${settings.id}`;
    const { fade, snooze, giveUp, fallbackAfter } = settings;
    this.#ring = { by: this.#by, hasMusic: settings.play !== undefined, fade, snooze, giveUp, fallbackAfter };
    const { events } = parts.zone.player;
    this.#scope.use(events.on('changed', ({ state, previous }) => this.#look(state, previous)));
    this.#scope.use(
      events.on('failed', () => {
        this.#send({ type: 'failed' });
      }),
    );
    this.#scope.defer(() => this.#timer?.[Symbol.dispose]());
    this.#scope.defer(() => this.#attempt.abort(new DOMException('Alarms are closing.', 'AbortError')));
  }

  get phase(): RingState['phase'] {
    return this.#state.phase;
  }

  /** Unix ms; null while it is silent. */
  get memory(): RingMemory | null {
    const { phase, deadline, endsAt } = this.#state;
    if (phase === 'idle') return null;
    return { snoozedUntil: phase === 'snoozed' && deadline !== null ? this.#wall(deadline) : null, endsAt: this.#wall(endsAt) };
  }

  begin(): void {
    this.#send({ type: 'begin' });
  }

  /** Goes on with what a daemon before this one had begun. */
  resume({ snoozedUntil, endsAt }: RingMemory): void {
    const now = this.#parts.clock.now();
    this.#send({ type: 'resume', snoozedFor: snoozedUntil === null ? 0 : snoozedUntil - now, left: endsAt - now });
  }

  snooze(by: Origin): void {
    this.#send({ type: 'snooze', by });
  }

  stop(by: Origin): void {
    this.#send({ type: 'stop', by });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  #wall(moment: Millis): Millis {
    const { clock } = this.#parts;
    return Math.round(clock.now() + moment - clock.monotonic());
  }

  #look(state: PlayerState, previous: PlayerState): void {
    if (this.#state.phase === 'idle') return;
    this.#send({ type: 'zone', zone: sightOf(state, previous) });
  }

  #send(input: RingInput): void {
    if (this.#scope.signal.aborted) return;
    const { clock } = this.#parts;
    const before = this.#state;
    const { state, effects } = stepRing(before, input, this.#ring, clock.monotonic());
    this.#state = state;
    // Quiet hours make room for an alarm before it is loud, after a snooze too.
    if ((before.phase === 'idle' || before.phase === 'snoozed') && state.phase !== before.phase && state.phase !== 'idle') this.#parts.changed();
    for (const effect of effects) this.#do(effect);
    this.#setTimer();
    // Another try is nobody's business: only the end of a snooze is remembered.
    const { phase, endsAt, deadline } = this.#state;
    if (before.phase !== phase || before.endsAt !== endsAt || (phase === 'snoozed' && before.deadline !== deadline)) this.#parts.changed();
  }

  #setTimer(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = null;
    const { phase, deadline, endsAt } = this.#state;
    if (phase === 'idle') return;
    const wake = phase === 'snoozed' ? (deadline ?? endsAt) : Math.min(deadline ?? Infinity, endsAt);
    const { clock } = this.#parts;
    this.#timer = clock.timer(Math.max(wake - clock.monotonic(), 0), () => this.#send({ type: 'time' }));
  }

  #do(effect: RingEffect): void {
    const { volume } = this.#settings;
    switch (effect.type) {
      case 'prepare':
        // One by one: what cannot be done must not keep the rest from being done.
        this.#tell([{ kind: 'sleep', after: null }]);
        this.#tell([{ kind: 'volume', level: volume.start }]); // which unmutes, too
        return;
      case 'play':
        this.#play(effect.what);
        return;
      case 'abandon':
        this.#attempt.abort(new DOMException('The alarm does not wait for this any longer.', 'AbortError'));
        return;
      case 'fade':
        if (volume.end > volume.start) this.#tell([{ kind: 'fade', to: volume.end, over: effect.over }]);
        return;
      case 'silence':
        this.#silence();
        return;
      case 'note':
        this.#parts.note(effect.what, effect.outcome);
        return;
      case 'end':
        this.#parts.ended(effect.result, effect.why);
    }
  }

  #play(what: Extract<RingEffect, { type: 'play' }>['what']): void {
    this.#attempt.abort(new DOMException('The alarm tries something else.', 'AbortError'));
    const attempt = (this.#attempt = new AbortController());
    const { player } = this.#parts.zone;
    let work: Promise<void>;
    try {
      work = player.dispatch(this.#commandsFor(what), this.#by, attempt.signal);
    } catch (error) {
      work = Promise.reject(toTonearmError(error));
    }
    work.then(
      () => {
        if (attempt.signal.aborted) return;
        this.#send({ type: 'accepted' });
        const { state } = player;
        // It may sound already.
        if (state.status === 'playing') this.#send({ type: 'zone', zone: sightOf(state, state) });
      },
      (error: unknown) => {
        if (attempt.signal.aborted) return;
        const { message, code } = toTonearmError(error);
        this.#parts.log.warn(`The alarm “${this.#settings.id}” could not play what it should: ${message}`, { code });
        this.#send({ type: 'refused', why: message });
      },
    );
  }

  #commandsFor(what: Extract<RingEffect, { type: 'play' }>['what']): readonly Command[] {
    const { play, fallback, shuffle } = this.#settings;
    const { zone, presets } = this.#parts;
    if (what === 'bell') return [commandOf({ kind: 'play', uri: bell })];
    if (what === 'fallback' || play === undefined) return [commandOf({ kind: 'play', uri: fallback })];
    const { status, by, track } = zone.player.state;
    if (what === 'onward' && status === 'paused' && by.started === this.#by && track !== null && !isOwnSound(track.uri)) return [commandOf({ kind: 'play' })];
    const wish = typeof play === 'string' ? { preset: play } : play;
    // Its volume is the alarm's, not the preset's.
    const preset = 'preset' in wish ? presets.find(wish.preset, zone.id) : null;
    const target = preset ?? ('uri' in wish ? wish : { uri: wish.preset });
    const order = shuffle ?? preset?.shuffle;
    return [commandOf({ kind: 'play', uri: target.uri, ...('from' in target && target.from !== undefined && { from: target.from }), ...(order !== undefined && { shuffle: order }) })];
  }

  #silence(): void {
    const { player } = this.#parts.zone;
    const { by, status, track } = player.state;
    if (by.started !== this.#by || status === 'paused' || status === 'stopped') return;
    this.#tell([{ kind: track !== null && isOwnSound(track.uri) ? 'stop' : 'pause' }]);
  }

  #tell(commands: readonly CommandInput[]): void {
    const failed = (error: unknown) => {
      const { message, code } = toTonearmError(error);
      this.#parts.log.warn(`The alarm “${this.#settings.id}” could not ${commands.map(({ kind }) => kind).join(' and ')}: ${message}`, { code });
    };
    this.#parts.zone.player.dispatch(commands.map(commandOf), this.#by).catch(failed);
  }
}

const commandOf = (command: CommandInput): Command => Command.parse(command);

const isOwnSound = (uri: string) => /^(sound|file):/.test(uri);

function sightOf(state: PlayerState, previous: PlayerState): ZoneSight {
  const { by, status, source, notice } = state;
  return {
    status,
    was: previous.status,
    started: by.started,
    startedBefore: previous.by.started,
    changed: by.changed,
    // A phone cannot take the zone away otherwise: what it stops, it pauses.
    isElsewhere: by.changed === 'phone' && source === null && previous.source !== null,
    hasNotice: notice !== null,
  };
}
