/** Zones: named speakers, each one player, one deck and its sources. */
export { openZone, type OpenZone, type ZoneParts, type ZoneSettings } from './zone.ts';
export { gainOf, type VolumeCurve } from './volume.ts';
export { Neighbours } from './neighbours.ts';
export { openPresets, type PresetsOptions } from './presets.ts';
export { PresetSettings } from './settings.ts';
