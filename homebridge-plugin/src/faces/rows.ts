import { type AutomationPicture, type HousePicture, isSounding, presetsFor, type Request, type ZonePicture, zoneOf } from '../picture.ts';
import type { CharacteristicName, Row, Scene, Value } from '../plan.ts';
import type { CommandInput } from '../../../src/core/index.ts';

/** HomeKit's numbers, as the HomeKit Accessory Protocol has them (`home-integrations.md §4.6`). */
export const mediaState = { play: 0, pause: 1, stop: 2, loading: 4 } as const;

/** A row about one zone. */
export function zoneRow(
  zone: string,
  characteristic: CharacteristicName,
  read: (zone: ZonePicture, scene: Scene) => Value,
  write?: (value: Value, zone: ZonePicture, scene: Scene) => readonly CommandInput[],
  props?: Row['props'],
): Row {
  return {
    characteristic,
    read(scene) {
      const picture = zoneOf(scene.picture, zone);
      return picture && read(picture, scene);
    },
    ...(write && {
      write(value: Value, scene: Scene) {
        const picture = zoneOf(scene.picture, zone);
        return picture && ask(zone, write(value, picture, scene));
      },
    }),
    ...(props && { props }),
  };
}

/** A row HomeKit only writes: keys of a remote control. */
export function zoneKey(zone: string, characteristic: CharacteristicName, write: (value: Value, zone: ZonePicture, scene: Scene) => readonly CommandInput[]): Row {
  return {
    characteristic,
    write(value, scene) {
      const picture = zoneOf(scene.picture, zone);
      return picture && ask(zone, write(value, picture, scene));
    },
  };
}

/** A row about one automation. */
export function automationRow(id: string, characteristic: CharacteristicName, read: (automation: AutomationPicture) => Value, write: (value: Value, automation: AutomationPicture) => Extract<Request, { kind: 'automation' }>['action'] | null): Row {
  const find = ({ picture }: Scene) => picture.automations.find((automation) => automation.id === id) ?? null;
  return {
    characteristic,
    read(scene) {
      const automation = find(scene);
      return automation && read(automation);
    },
    write(value, scene) {
      const automation = find(scene);
      const action = automation && write(value, automation);
      return action && { kind: 'automation', id, action };
    },
  };
}

/** What never changes. */
export function fixed(characteristic: CharacteristicName, value: Value): Row {
  return { characteristic, read: () => value };
}

function ask(zone: string, commands: readonly CommandInput[]): Request | null {
  return commands.length === 0 ? null : { kind: 'zone', zone, commands };
}

/** HomeKit's whole percents. */
export function percent({ level }: ZonePicture): number {
  return Math.round(level * 100);
}

/**
 * A volume of so many percent. Said even when it is that already: our picture may be older than the last wish, and what is
 * already so changes nothing.
 */
export function setPercent(value: Value): readonly CommandInput[] {
  return [{ kind: 'volume', level: Math.min(Math.max(Math.round(Number(value)), 0), 100) / 100 }];
}

export function setMuted(value: Value): readonly CommandInput[] {
  return [{ kind: 'mute', muted: Boolean(value) }];
}

/** Goes on with what is loaded. Where nothing is: the preset the owner chose; else what the account played last; else the first preset. */
export function begin(zone: ZonePicture, { picture }: { readonly picture: HousePicture }, start: string | null): readonly CommandInput[] {
  if (zone.status !== 'stopped') return [{ kind: 'play' }];
  const preset = start ?? (zone.accepts.has('play') ? null : (presetsFor(picture, zone.id)[0]?.id ?? null));
  return preset === null ? [{ kind: 'play' }] : [{ kind: 'preset', preset }];
}

export function setMedia(value: Value, zone: ZonePicture, scene: Scene, start: string | null): readonly CommandInput[] {
  if (value === mediaState.play) return begin(zone, scene, start);
  if (zone.status === 'stopped') return [];
  return [{ kind: value === mediaState.pause ? 'pause' : 'stop' }];
}

/** What is so: HomeKit knows no "stalled", to a listener it is loading. */
export function currentMedia({ status }: ZonePicture): number {
  switch (status) {
    case 'playing':
      return mediaState.play;
    case 'paused':
      return mediaState.pause;
    case 'stopped':
      return mediaState.stop;
    case 'loading':
    case 'stalled':
      return mediaState.loading;
  }
}

/** What is wanted. Always told beside the current state, or the tile in Home spins. */
export function targetMedia(zone: ZonePicture): number {
  return isSounding(zone) ? mediaState.play : currentMedia(zone);
}
