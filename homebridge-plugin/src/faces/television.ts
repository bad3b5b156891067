import { homeName } from '../names.ts';
import { isSounding, type PresetPicture, presetsFor, type ZonePicture } from '../picture.ts';
import type { AccessoryPlan, Row, Scene, ServicePlan, Value } from '../plan.ts';
import type { ZoneOptions } from '../settings.ts';
import type { CommandInput } from '../../../src/core/index.ts';
import { begin, currentMedia, fixed, percent, setMedia, setMuted, setPercent, targetMedia, zoneKey, zoneRow } from './rows.ts';
import { displayOrder } from './display-order.ts';

/** The input for whatever a phone or an app plays that is no preset. Always there, so that the active input always exists. Its id is none a preset can have. */
export const connectInput = { identifier: 1, id: '*', name: 'Spotify Connect' } as const;

/** Keys of the remote in Control Center (`home-integrations.md §4.6`). */
export const remoteKey = { rewind: 0, forward: 1, next: 2, previous: 3, up: 4, down: 5, left: 6, right: 7, select: 8, back: 9, exit: 10, toggle: 11, information: 15 } as const;

/** Rewinding and winding forward go this far. Milliseconds. */
const leap = 15_000;

export interface Input extends Pick<PresetPicture, 'id' | 'name'> {
  readonly identifier: number;
}

/** A zone as a television: what Home shows with a switch, a list of inputs and the remote in Control Center. */
export function television(zone: ZonePicture, inputs: readonly Input[], options: ZoneOptions): AccessoryPlan {
  const key = `${zone.id}/television`;
  const { id } = zone;
  const all = [connectInput, ...inputs];
  const name = homeName(zone.name, 'Zone');
  const isOn = (now: ZonePicture) => (options.power === 'stop' ? now.status !== 'stopped' : isSounding(now));
  const main: ServicePlan = {
    service: 'Television',
    id: 'television',
    name,
    rows: [
      zoneRow(id, 'Active', (now) => (isOn(now) ? 1 : 0), (value, now, scene) => (Number(value) === 1 ? begin(now, scene, options.start) : now.status === 'stopped' ? [] : [{ kind: options.power }])),
      zoneRow(id, 'ActiveIdentifier', (now) => inputs.find((input) => input.id === now.preset)?.identifier ?? connectInput.identifier, (value, now) => choose(value, now, inputs)),
      keptName(key, id),
      fixed('SleepDiscoveryMode', 1),
      fixed('DisplayOrder', displayOrder(all.map(({ identifier }) => identifier))),
      zoneRow(id, 'CurrentMediaState', currentMedia),
      zoneRow(id, 'TargetMediaState', targetMedia, (value, now, scene) => setMedia(value, now, scene, options.start)),
      zoneKey(id, 'RemoteKey', (value, now, scene) => pressed(Number(value), now, scene, options)),
    ],
  };
  const speaker: ServicePlan = {
    service: 'TelevisionSpeaker',
    id: 'speaker',
    name: `${name} Volume`,
    rows: [
      fixed('Active', 1),
      fixed('VolumeControlType', 3),
      zoneRow(id, 'Mute', ({ muted }) => muted, setMuted),
      zoneRow(id, 'Volume', percent, setPercent),
      zoneKey(id, 'VolumeSelector', (value, now, scene) => setPercent((scene.wished(id) ?? percent(now)) + (value === 0 ? options.step : -options.step))),
    ],
  };
  return { key, name, zone: id, isExternal: true, category: 'television', model: 'Zone as television', services: [main, speaker, ...all.map((input) => inputService(key, id, input))] };
}

/** The zone's name unless somebody gave another one in Home. */
export function keptName(key: string, zone: string): Row {
  const { read } = zoneRow(zone, 'ConfiguredName', (now, scene) => scene.kept(key).name ?? homeName(now.name, 'Zone'));
  return {
    characteristic: 'ConfiguredName',
    ...(read && { read }),
    write(value, { picture }) {
      const own = homeName(picture.zones.find((one) => one.id === zone)?.name ?? '', 'Zone');
      return { kind: 'keep', change: { kind: 'name', accessory: key, name: value === own ? null : String(value) } };
    },
  };
}

function inputService(accessory: string, zone: string, { id, identifier, name }: Input): ServicePlan {
  const own = homeName(name, 'Preset');
  const isHidden = (scene: Scene) => scene.kept(accessory).inputs[id]?.isHidden === true;
  // The values follow the zone, so that an input of a zone that is gone is gone too.
  const row = (characteristic: Row['characteristic'], read: (scene: Scene) => Value, write?: Row['write']): Row => ({
    ...zoneRow(zone, characteristic, (_now, scene) => read(scene)),
    ...(write && { write }),
  });
  return {
    service: 'InputSource',
    id: `input/${id}`,
    name: own,
    rows: [
      fixed('Identifier', identifier),
      fixed('IsConfigured', 1),
      fixed('InputSourceType', 10),
      row('ConfiguredName', (scene) => scene.kept(accessory).inputs[id]?.name ?? own, (value) => ({ kind: 'keep', change: { kind: 'input-name', accessory, input: id, name: value === own ? null : String(value) } })),
      row('CurrentVisibilityState', (scene) => (isHidden(scene) ? 1 : 0)),
      row('TargetVisibilityState', (scene) => (isHidden(scene) ? 1 : 0), (value) => ({ kind: 'keep', change: { kind: 'input-hidden', accessory, input: id, isHidden: value === 1 } })),
    ],
  };
}

function choose(value: Value, zone: ZonePicture, inputs: readonly Input[]): readonly CommandInput[] {
  const input = inputs.find(({ identifier }) => identifier === value);
  if (!input) return zone.status === 'paused' ? [{ kind: 'play' }] : [];
  return zone.preset === input.id && isSounding(zone) ? [] : [{ kind: 'preset', preset: input.id }];
}

function pressed(key: number, zone: ZonePicture, scene: Scene, options: ZoneOptions): readonly CommandInput[] {
  switch (key) {
    case remoteKey.next:
    case remoteKey.right:
      return [{ kind: 'next' }];
    case remoteKey.previous:
    case remoteKey.left:
      return [{ kind: 'previous' }];
    case remoteKey.up:
      return preset(zone, scene, 1);
    case remoteKey.down:
      return preset(zone, scene, -1);
    case remoteKey.select:
    case remoteKey.toggle:
      return isSounding(zone) ? [{ kind: 'pause' }] : begin(zone, scene, options.start);
    case remoteKey.rewind:
      return [{ kind: 'seek', to: Math.max(place(zone, scene) - leap, 0) }];
    case remoteKey.forward:
      return [{ kind: 'seek', to: place(zone, scene) + leap }];
    case remoteKey.back:
      return [{ kind: 'seek', to: 0 }];
    case remoteKey.exit:
      return zone.status === 'stopped' ? [] : [{ kind: options.power }];
    default:
      return [];
  }
}

/** The preset above or below the one that plays, like the channels of a television. */
function preset(zone: ZonePicture, { picture }: Scene, by: 1 | -1): readonly CommandInput[] {
  const ids = presetsFor(picture, zone.id).map(({ id }) => id);
  const current = ids.findIndex((id) => id === zone.preset);
  const next = ids.at(current < 0 ? (by > 0 ? 0 : -1) : (current + by) % ids.length);
  return next === undefined ? [] : [{ kind: 'preset', preset: next }];
}

function place({ position, status }: ZonePicture, { now }: Scene): number {
  return Math.max(status === 'playing' ? position.at + now - position.measured : position.at, 0);
}
