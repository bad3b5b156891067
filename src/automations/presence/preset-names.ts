export const sourceKinds = ['room', 'person', 'tracker'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** What each known product can tell of. */
export const presetKinds = {
  plain: ['room', 'person', 'tracker'],
  zigbee2mqtt: ['room'],
  espresense: ['tracker'],
  'espresense-room': ['room'],
  'room-assistant': ['tracker'],
  owntracks: ['person'],
  tasmota: ['room'],
  frigate: ['room'],
  'frigate-events': ['room'],
  statestream: ['room', 'person', 'tracker'],
  'home-assistant': ['room', 'person', 'tracker'],
} as const satisfies Readonly<Record<string, readonly SourceKind[]>>;

export type PresetName = keyof typeof presetKinds;

export const presetNames = Object.keys(presetKinds) as [PresetName, ...PresetName[]];
