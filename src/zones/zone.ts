import type { Deck, Host, Lease, Origin, Player, Presets, Source, Volume, Zone } from '#core';
import { Emitter, Scope, toTonearmError } from '#foundation';
import { Announcements } from './announcements.ts';
import { Neighbours } from './neighbours.ts';
import { ZonePlayer } from './player.ts';
import { SleepTimer } from './sleep-timer.ts';
import { emptyStage, stepStage } from './stage-machine.ts';
import type { VolumeCurve } from './volume.ts';
import { ZoneVolume, type KeptVolume } from './zone-volume.ts';

export interface ZoneSettings {
  readonly id: string;
  readonly name: string;
  /** 0 to 1, used when no volume has been saved. */
  readonly initialVolume: number;
  readonly curve: VolumeCurve;
}

export interface ZoneParts {
  readonly host: Pick<Host, 'clock' | 'log' | 'store'>;
  readonly deck: Deck & AsyncDisposable;
  /** Opens each source of this zone; order decides which one is shown while nobody plays. */
  readonly sources: readonly ((zone: Zone) => Promise<Source>)[];
  /** The other zones of the house; alone when absent. */
  readonly neighbours?: Neighbours | undefined;
  /** Named wishes; none when absent. */
  readonly presets?: Presets | undefined;
}

export interface OpenZone extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  readonly player: Player;
  /** Stores at once what would be stored soon. Never rejects. */
  keep(): Promise<void>;
}

const saveAfter = 2000; // a slider drag must not wear out flash memory

/** One named speaker: a player, a deck, its sources, and the rule who may be heard. */
export async function openZone(settings: ZoneSettings, { host, deck, sources, neighbours = new Neighbours(), presets }: ZoneParts): Promise<OpenZone> {
  const scope = new Scope();
  const { id, name } = settings;
  const { clock } = host;
  const log = host.log.child(`zones/${id}`);
  scope.use(deck);
  const onError = (error: unknown) => log.error('A listener failed', { error });
  const kept = await keptVolume(host, settings);
  const volumeEvents = new Emitter<{ volume: { readonly volume: Volume; readonly by: Origin } }>(onError);
  const refresh = (by: Origin) => player.refresh(by);

  const saving = new Saving(host, id, (error) => log.warn('The volume could not be saved', { error }));
  scope.use(saving);
  const volume: ZoneVolume = scope.use(
    new ZoneVolume(
      {
        clock,
        curve: settings.curve,
        setGain: (gain) => deck.setGain(gain),
        changed: (by) => {
          refresh(by);
          volumeEvents.emit('volume', { volume: volume.shown, by });
          saving.later(volume);
        },
      },
      kept,
    ),
  );
  const sleep = scope.use(
    new SleepTimer({
      clock,
      status: () => player.state.status,
      dip: (over, by) => volume.dip(over, by),
      pause: (by) => player.dispatch([{ kind: 'pause' }], by).catch((error: unknown) => log.warn(`The sleep timer could not pause: ${toTonearmError(error).message}`, { code: toTonearmError(error).code })),
      changed: refresh,
    }),
  );
  const announcements = scope.use(new Announcements({ deck, gainFor: (level) => volume.gainFor(level), said: (event) => player.announced(event), changed: refresh }));
  const player: ZonePlayer = new ZonePlayer(
    { id, name, now: () => clock.now(), deck, volume, sleep, announcements, neighbours, presets: presets ?? { list: [], find: () => null } },
    onError,
  );
  scope.use(deck.events.on('output', () => refresh('tonearm')));
  if (presets) scope.use(presets.events.on('changed', () => refresh('tonearm')));
  scope.use(neighbours.join(player, () => refresh('tonearm')));

  let stage = emptyStage;
  let holderAbort: AbortController | null = null;
  const zone: Zone = {
    id,
    name,
    get volume() {
      return volume.shown;
    },
    events: volumeEvents.events,
    setVolume: (level, by) => volume.heardBack(level, by),
    claim(source, by): Lease {
      const step = stepStage(stage, { type: 'claim', source });
      stage = step.state;
      const ticket = step.granted;
      if (step.lost !== null) {
        deck.stop();
        holderAbort?.abort(new DOMException('Somebody else plays in this zone now.', 'AbortError'));
      }
      const abort = new AbortController();
      holderAbort = abort;
      player.hold(source, by);
      deck.prepare();
      const release = (because: Origin) => {
        if (ticket === null || stage.holder?.ticket !== ticket) return;
        stage = stepStage(stage, { type: 'release', ticket }).state;
        holderAbort = null;
        deck.stop();
        player.hold(null, because);
      };
      return {
        deck,
        signal: abort.signal,
        renew(newly) {
          if (ticket === null || stage.holder?.ticket !== ticket) return;
          deck.prepare();
          player.begun(newly);
          refresh(newly);
        },
        release,
        [Symbol.dispose]: () => release(by),
      };
    },
  };
  scope.defer(() => holderAbort?.abort(new DOMException('The zone is closing.', 'AbortError')));

  try {
    for (const open of sources) player.add(scope.use(await open(zone)));
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
  return { id, name, player, keep: () => saving.now(), [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

/** Keeps the volume once it has come to rest, and at the end. */
class Saving implements AsyncDisposable {
  readonly #host: Pick<Host, 'clock' | 'store'>;
  readonly #name: string;
  readonly #failed: (error: unknown) => void;
  #waiting: { readonly timer: Disposable; readonly volume: ZoneVolume } | null = null;
  /** One after the other: the last one counts. */
  #writing: Promise<void> = Promise.resolve();

  constructor(host: Pick<Host, 'clock' | 'store'>, zone: string, failed: (error: unknown) => void) {
    this.#host = host;
    this.#name = volumeKey(zone);
    this.#failed = failed;
  }

  later(volume: ZoneVolume): void {
    this.#waiting?.timer[Symbol.dispose]();
    this.#waiting = { volume, timer: this.#host.clock.timer(saveAfter, () => void this.now()) };
  }

  now(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting) {
      waiting.timer[Symbol.dispose]();
      this.#waiting = null;
      this.#writing = this.#writing.then(() => this.#host.store.write(this.#name, waiting.volume.kept)).catch(this.#failed);
    }
    return this.#writing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.now();
  }
}

const volumeKey = (id: string) => `volume-${id}`;

const isLevel = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

async function keptVolume({ store }: Pick<Host, 'store'>, { id, initialVolume }: ZoneSettings): Promise<KeptVolume> {
  const value = (await store.read(volumeKey(id))) as Partial<KeptVolume> | null;
  const limit = isLevel(value?.limit) ? value.limit : 1;
  return isLevel(value?.level) ? { level: value.level, muted: value.muted === true, limit } : { level: initialVolume, muted: false, limit };
}
