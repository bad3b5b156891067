import { homeName } from '../names.ts';
import { type AutomationPicture, isSounding, type PresetPicture, type ZonePicture, zoneOf } from '../picture.ts';
import type { AccessoryPlan, Row, ServiceName } from '../plan.ts';
import { automationRow, percent, setMuted, setPercent, zoneRow } from './rows.ts';

/** Volume as something Home has a slider for: a fan (nothing else minds it) or a light (which "turn off the lights" mutes). */
export function volumeSlider(zone: ZonePicture, as: 'fan' | 'light'): AccessoryPlan {
  const on = zoneRow(zone.id, 'On', ({ muted, level }) => !muted && level > 0, (value) => setMuted(!value));
  const level = zoneRow(zone.id, as === 'fan' ? 'RotationSpeed' : 'Brightness', percent, setPercent, { minStep: 1 });
  return bridged(zone.id, `${zone.id}/volume-${as}`, `${zone.name} Volume`, as === 'fan' ? 'fan' : 'light', 'Volume', as === 'fan' ? 'Fan' : 'Lightbulb', [on, level]);
}

/** On while the preset plays; off pauses it. */
export function presetSwitch(zone: ZonePicture, preset: PresetPicture): AccessoryPlan {
  const plays = (now: ZonePicture) => now.preset === preset.id && isSounding(now);
  const on = zoneRow(zone.id, 'On', plays, (value, now) => (Boolean(value) === plays(now) ? [] : value ? [{ kind: 'preset', preset: preset.id }] : [{ kind: 'pause' }]));
  return bridged(zone.id, `${zone.id}/preset/${preset.id}`, `${zone.name} ${preset.name}`, 'switch', 'Preset', 'Switch', [on]);
}

/** Tells Home's automations that there is music; a track that loads or stalls is still music, or the lights would go off with it. A contact is open meanwhile. */
export function playingSensor(zone: ZonePicture, as: 'occupancy' | 'contact'): AccessoryPlan {
  const row = zoneRow(zone.id, as === 'occupancy' ? 'OccupancyDetected' : 'ContactSensorState', (now) => (isSounding(now) ? 1 : 0));
  return bridged(zone.id, `${zone.id}/playing-${as}`, `${zone.name} Playing`, 'sensor', 'Playing', as === 'occupancy' ? 'OccupancySensor' : 'ContactSensor', [row]);
}

/** Pressed by what happens: once when another track begins, twice when music starts, long when it ends. */
export function eventButton(zone: ZonePicture): AccessoryPlan {
  const plan = bridged(zone.id, `${zone.id}/button`, `${zone.name} Events`, 'button', 'Events', 'StatelessProgrammableSwitch', [{ characteristic: 'ProgrammableSwitchEvent', props: { validValues: [0, 1, 2] } }]);
  return {
    ...plan,
    press(before, after) {
      const was = zoneOf(before, zone.id);
      const is = zoneOf(after, zone.id);
      if (!was || !is) return null;
      // Loading and stalling belong to what sounds: they are neither a start nor an end.
      if (isSounding(is) !== isSounding(was)) return isSounding(is) ? 1 : 2;
      return isSounding(is) && was.track !== null && is.track !== null && was.track.uri !== is.track.uri ? 0 : null;
    },
  };
}

/** Whether an automation, or an alarm, acts by itself. */
export function automationSwitch({ id, name }: AutomationPicture): AccessoryPlan {
  const on = automationRow(id, 'On', ({ enabled }) => enabled, (value, { enabled }) => (Boolean(value) === enabled ? null : value ? 'enable' : 'disable'));
  return bridged(null, `automation/${id}`, name, 'switch', 'Automation', 'Switch', [on]);
}

/** On while the alarm rings; off ends it for today. Turning it on lets it ring now. */
export function ringingSwitch({ id, name }: AutomationPicture): AccessoryPlan {
  const on = automationRow(id, 'On', ({ alarm }) => alarm === 'ringing', (value, { alarm }) => (value ? (alarm === 'ringing' ? null : 'run') : alarm === 'ringing' ? 'stop' : null));
  return bridged(null, `alarm/${id}/ringing`, `${name} Ringing`, 'switch', 'Alarm', 'Switch', [on]);
}

/** On while the alarm sleeps on; turning it on while it rings snoozes, off ends it for today. */
export function snoozeSwitch({ id, name }: AutomationPicture): AccessoryPlan {
  const on = automationRow(id, 'On', ({ alarm }) => alarm === 'snoozed', (value, { alarm }) => (value ? (alarm === 'ringing' ? 'snooze' : null) : alarm === 'snoozed' ? 'stop' : null));
  return bridged(null, `alarm/${id}/snooze`, `Snooze ${name}`, 'switch', 'Alarm', 'Switch', [on]);
}

function bridged(zone: string | null, key: string, name: string, category: AccessoryPlan['category'], model: string, service: ServiceName, rows: readonly Row[]): AccessoryPlan {
  const plain = homeName(name, 'Tonearm');
  return { key, name: plain, zone, isExternal: false, category, model, services: [{ service, id: 'main', name: plain, rows }] };
}
