import { getPosition } from 'suncalc';
import type { Millis, PlayerState } from '#core';
import type { MessageValue } from './message-value.ts';
import type { Presence, PresenceSubject, SunPlace } from './ports.ts';

/** Everything a rule may weigh, as it is at one moment. */
export interface Facts {
  readonly now: Millis;
  readonly timezone: string;
  readonly place: SunPlace | null;
  readonly quiet: boolean;
  zone(id: string): PlayerState | null;
  presence(subject: PresenceSubject): Presence;
  /** The holiday's name on this day (`2026-12-25`), or null. */
  readonly holiday: (day: string) => string | null;
  /** The last message on a topic; undefined before there was one, and while the broker is away. */
  message(topic: string): MessageValue | undefined;
}

/** Height of the sun's upper edge at sunrise, as astronomers have it. */
const horizon = -0.833;

export function isSunUp(moment: Millis, { latitude, longitude }: SunPlace): boolean {
  // suncalc's height has refraction in it near the horizon; -0.833° is meant without.
  return getPosition(new Date(moment), latitude, longitude).altitude > horizon + refractionAtHorizon;
}

const refractionAtHorizon = 0.567;

/** What has become of what is loaded or stalls for a moment: people still say it plays. */
export function isPlaying({ status }: PlayerState): boolean {
  return status === 'playing' || status === 'loading' || status === 'stalled';
}
