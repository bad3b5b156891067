import type { Deck, Host, Lease, Origin, Player, Source, Volume, Zone } from '#core';
import { Emitter, Scope } from '#foundation';
import { ZonePlayer } from './player.ts';
import { emptyStage, stepStage } from './stage-machine.ts';
import { gainOf, type VolumeCurve } from './volume.ts';

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
}

export interface OpenZone extends AsyncDisposable {
  readonly id: string;
  readonly name: string;
  readonly player: Player;
}

const saveAfter = 2000; // a slider drag must not wear out flash memory

/** One named speaker: a player, a deck, its sources, and the rule who may be heard. */
export async function openZone(settings: ZoneSettings, { host, deck, sources }: ZoneParts): Promise<OpenZone> {
  const scope = new Scope();
  const log = host.log.child(`zones/${settings.id}`);
  scope.use(deck);
  const onError = (error: unknown) => log.error('A listener failed', { error });

  const saved = await savedVolume(host, settings.id);
  let volume: Volume = saved ?? { level: settings.initialVolume, muted: false };
  const volumeEvents = new Emitter<{ volume: { readonly volume: Volume; readonly by: Origin } }>(onError);
  let saving: Disposable | undefined;

  const applyVolume = () => deck.setGain(volume.muted ? 0 : gainOf(volume.level, settings.curve));
  const changeVolume = (next: Volume, by: Origin) => {
    if (next.level === volume.level && next.muted === volume.muted) return;
    volume = next;
    applyVolume();
    saving?.[Symbol.dispose]();
    saving = host.clock.timer(saveAfter, () => {
      saving = undefined;
      void save();
    });
    volumeEvents.emit('volume', { volume, by });
    player.refresh(by);
  };
  const save = async () => {
    try {
      await host.store.write(volumeKey(settings.id), volume);
    } catch (error) {
      log.warn('The volume could not be saved', { error });
    }
  };
  scope.defer(async () => {
    if (!saving) return;
    saving[Symbol.dispose]();
    await save();
  });

  const player = new ZonePlayer(
    {
      now: () => host.clock.now(),
      volume: () => volume,
      // Touching the volume is the way people unmute.
      setVolume: (level, by) => changeVolume({ level, muted: level === 0 && volume.muted }, by),
      setMuted: (muted, by) => changeVolume({ ...volume, muted }, by),
    },
    onError,
  );

  let stage = emptyStage;
  let holderAbort: AbortController | null = null;
  const zone: Zone = {
    id: settings.id,
    name: settings.name,
    get volume() {
      return volume;
    },
    events: volumeEvents.events,
    setVolume(level, by) {
      // A source shows a muted zone as volume 0; hearing that back is no wish, and must not forget the level.
      if (level > 0 || !volume.muted) changeVolume({ level, muted: false }, by);
    },
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
      return {
        deck,
        signal: abort.signal,
        [Symbol.dispose]() {
          if (ticket === null || stage.holder?.ticket !== ticket) return;
          stage = stepStage(stage, { type: 'release', ticket }).state;
          holderAbort = null;
          deck.stop();
          player.hold(null, by);
        },
      };
    },
  };
  scope.defer(() => holderAbort?.abort(new DOMException('The zone is closing.', 'AbortError')));

  applyVolume();
  try {
    for (const open of sources) player.add(scope.use(await open(zone)));
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
  return { id: settings.id, name: settings.name, player, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

const volumeKey = (id: string) => `volume-${id}`;

async function savedVolume(host: Pick<Host, 'store'>, id: string): Promise<Volume | null> {
  const value = (await host.store.read(volumeKey(id))) as Partial<Volume> | null;
  if (typeof value?.level !== 'number' || !(value.level >= 0 && value.level <= 1)) return null;
  return { level: value.level, muted: value.muted === true };
}
