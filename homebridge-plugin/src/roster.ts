import { automationSwitch, eventButton, playingSensor, presetSwitch, ringingSwitch, snoozeSwitch, volumeSlider } from './faces/extras.ts';
import { smartSpeaker } from './faces/speaker.ts';
import { television } from './faces/television.ts';
import { type HousePicture, presetsFor } from './picture.ts';
import type { AccessoryPlan } from './plan.ts';
import { optionsFor, type Settings } from './settings.ts';

/** More inputs than this make the list in Home unusable. */
export const mostInputs = 50;
/** HomeKit takes 149 accessories behind one bridge; other plugins may need some of them. */
export const mostBridged = 149;

/** Every accessory that should be there: a pure function of what the daemon has and what the owner wants. */
export function roster(picture: HousePicture, settings: Settings, server: readonly (string | null)[], identify: (key: string, ids: readonly string[]) => ReadonlyMap<string, number>): readonly AccessoryPlan[] {
  const plans: AccessoryPlan[] = [];
  for (const zone of picture.zones) {
    const options = optionsFor(settings, zone, server);
    const presets = presetsFor(picture, zone.id);
    if (options.face === 'television' || options.face === 'both') {
      const shown = presets.slice(0, mostInputs - 1);
      const numbers = identify(`${zone.id}/television`, shown.map(({ id }) => id));
      plans.push(television(zone, shown.map(({ id, name }) => ({ id, name, identifier: numbers.get(id) ?? 0 })), options));
    }
    if (options.face === 'speaker' || options.face === 'both') plans.push(smartSpeaker(zone, options));
    if (options.volume !== 'none') plans.push(volumeSlider(zone, options.volume));
    if (options.playing !== 'none') plans.push(playingSensor(zone, options.playing));
    if (options.button) plans.push(eventButton(zone));
    const { switches } = options;
    const wanted = typeof switches === 'boolean' ? (switches ? presets : []) : presets.filter(({ id, name }) => switches.includes(id) || switches.includes(name));
    plans.push(...wanted.map((preset) => presetSwitch(zone, preset)));
  }
  for (const automation of picture.automations) {
    if (automation.alarm === null ? settings.automations : settings.alarms) plans.push(automationSwitch(automation));
    if (automation.alarm !== null && settings.alarms) plans.push(ringingSwitch(automation), snoozeSwitch(automation));
  }
  return plans;
}
