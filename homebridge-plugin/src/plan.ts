import type { HousePicture, Request } from './picture.ts';

/** What HomeKit characteristics hold. */
export type Value = string | number | boolean;

export type ServiceName = 'Television' | 'TelevisionSpeaker' | 'InputSource' | 'SmartSpeaker' | 'Fan' | 'Lightbulb' | 'Switch' | 'OccupancySensor' | 'ContactSensor' | 'StatelessProgrammableSwitch';

export type CharacteristicName =
  | 'Active' | 'ActiveIdentifier' | 'ConfiguredName' | 'RemoteKey' | 'SleepDiscoveryMode' | 'CurrentMediaState' | 'TargetMediaState' | 'DisplayOrder'
  | 'Mute' | 'Volume' | 'VolumeControlType' | 'VolumeSelector'
  | 'Identifier' | 'IsConfigured' | 'InputSourceType' | 'CurrentVisibilityState' | 'TargetVisibilityState'
  | 'On' | 'Brightness' | 'RotationSpeed' | 'OccupancyDetected' | 'ContactSensorState' | 'ProgrammableSwitchEvent';

/** What people changed in Home that the daemon knows nothing of: a name, an input that is hidden. */
export type KeptChange =
  | { readonly kind: 'name'; readonly accessory: string; readonly name: string | null }
  | { readonly kind: 'input-name'; readonly accessory: string; readonly input: string; readonly name: string | null }
  | { readonly kind: 'input-hidden'; readonly accessory: string; readonly input: string; readonly isHidden: boolean };

export interface KeptInput {
  readonly identifier: number;
  readonly name?: string | undefined;
  readonly isHidden?: boolean | undefined;
}

export interface KeptAccessory {
  readonly name?: string | undefined;
  readonly inputs: Readonly<Record<string, KeptInput>>;
}

/** What rows look at. */
export interface Scene {
  readonly picture: HousePicture;
  /** What is kept of an accessory. */
  kept(key: string): KeptAccessory;
  /** The volume that was just asked for in a zone and may not show in the picture yet, percent; null: none. */
  wished(zone: string): number | null;
  /** Unix ms of the daemon's clock. */
  readonly now: number;
}

/** What a write leads to: something for the daemon, or something to keep here. */
export type Wish = Request | { readonly kind: 'keep'; readonly change: KeptChange };

/** One characteristic: a pure translation both ways. Null on reading: what it is about no longer exists. */
export interface Row {
  readonly characteristic: CharacteristicName;
  /** Absent where HomeKit only writes. */
  readonly read?: (scene: Scene) => Value | null;
  /** Null: nothing to do, it is so already. */
  readonly write?: (value: Value, scene: Scene) => Wish | null;
  /** Limits other than HomeKit's own. */
  readonly props?: { readonly minValue?: number; readonly maxValue?: number; readonly minStep?: number; readonly validValues?: number[] };
}

export interface ServicePlan {
  readonly service: ServiceName;
  /** Tells services of one accessory apart, and finds them again. */
  readonly id: string;
  readonly name: string;
  readonly rows: readonly Row[];
}

/** HomeKit's numbers for what an accessory mainly is. */
export const category = { fan: 3, light: 5, switch: 8, sensor: 10, button: 15, speaker: 26, television: 31 } as const;

/** Presses of a button, as HomeKit counts them: single, double, long. */
export type Press = 0 | 1 | 2;

export interface AccessoryPlan {
  /** Stable within a daemon: `kitchen/television`. With the installation's name it makes the identity. */
  readonly key: string;
  readonly name: string;
  /** The zone it shows; null where it shows an automation. */
  readonly zone: string | null;
  /** External ones are paired by themselves, because Home accepts one television or speaker per bridge. */
  readonly isExternal: boolean;
  readonly category: keyof typeof category;
  readonly model: string;
  /** The first is the primary one; the others are linked to it. */
  readonly services: readonly ServicePlan[];
  /** What happened between two pictures, where the accessory is a button. */
  press?(before: HousePicture, after: HousePicture): Press | null;
}
