import { homeName } from '../names.ts';
import type { ZonePicture } from '../picture.ts';
import type { AccessoryPlan } from '../plan.ts';
import type { ZoneOptions } from '../settings.ts';
import { currentMedia, percent, setMedia, setMuted, setPercent, targetMedia, zoneRow } from './rows.ts';
import { keptName } from './television.ts';

/** A zone as a smart speaker: a tile that plays and pauses. Home offers no volume for one without AirPlay; scenes and other apps do. */
export function smartSpeaker(zone: ZonePicture, options: ZoneOptions): AccessoryPlan {
  const key = `${zone.id}/speaker`;
  const name = homeName(zone.name, 'Zone');
  return {
    key,
    name,
    zone: zone.id,
    isExternal: true,
    category: 'speaker',
    model: 'Zone as speaker',
    services: [
      {
        service: 'SmartSpeaker',
        id: 'speaker',
        name,
        rows: [
          zoneRow(zone.id, 'CurrentMediaState', currentMedia),
          zoneRow(zone.id, 'TargetMediaState', targetMedia, (value, now, scene) => setMedia(value, now, scene, options.start)),
          keptName(key, zone.id),
          zoneRow(zone.id, 'Volume', percent, setPercent),
          zoneRow(zone.id, 'Mute', ({ muted }) => muted, setMuted),
        ],
      },
    ],
  };
}
