import { weekdays, type Millis, type ZoneView } from '#core';
import type { Log } from '#foundation';
import { isBetween } from './duration.ts';
import type { Timetable } from './ports.ts';
import { cronSchedule } from './schedule.ts';
import type { QuietHoursSettings } from './settings.ts';
import { timeOfDay, weekdayOf } from './zone-time.ts';

const day = 86_400_000;

/** Pure: whether it is quiet then. Days are those on which quiet hours begin. */
export function isQuietAt(settings: QuietHoursSettings, moment: Millis, zone: string): boolean {
  const time = timeOfDay(moment, zone);
  if (!isBetween(settings.between, time)) return false;
  if (!settings.days) return true;
  const today = weekdayOf(moment, zone);
  // After midnight it is still yesterday's evening.
  const isEvening = settings.between.from < settings.between.until || time >= settings.between.from;
  const began = isEvening ? today : weekdays[(weekdays.indexOf(today) + weekdays.length - 1) % weekdays.length];
  return began !== undefined && settings.days.includes(began);
}

export interface QuietHoursParts {
  readonly zones: readonly ZoneView[];
  readonly timetable: Timetable;
  readonly now: () => Millis;
  readonly log: Log;
  /** An alarm rings there: it is as loud as its owner wants it. */
  readonly isExempt: (zone: string) => boolean;
  readonly changed: () => void;
}

/** Under this name the volume is limited. */
const origin = 'automation:quiet-hours';

/** Knows whether it is quiet, and keeps the zones from being louder than they may be then. */
export class QuietHours implements Disposable {
  readonly #settings: QuietHoursSettings | undefined;
  readonly #zone: string;
  readonly #parts: QuietHoursParts;
  readonly #plans: Disposable[] = [];
  readonly #limited = new Set<string>();

  constructor(settings: QuietHoursSettings | undefined, zone: string, parts: QuietHoursParts) {
    this.#settings = settings;
    this.#zone = zone;
    this.#parts = parts;
    if (!settings) return;
    for (const time of [settings.between.from, settings.between.until % day]) {
      const schedule = cronSchedule(`${(time / 1000) % 60} ${Math.floor(time / 60_000) % 60} ${Math.floor(time / 3_600_000)} * * *`, zone);
      // Whether on time or late: what counts is what holds now.
      this.#plans.push(parts.timetable.plan({ id: 'quiet-hours', schedule, missed: 'skip', fire: () => this.refresh(), lost: () => this.refresh(), setBack: () => this.refresh() }));
    }
  }

  isQuiet(moment: Millis): boolean {
    return this.#settings !== undefined && isQuietAt(this.#settings, moment, this.#zone);
  }

  /** Sets the limits as they should be now. */
  refresh(): void {
    const { zones, now, log, isExempt, changed } = this.#parts;
    const level = this.#settings?.volume;
    if (level !== undefined) {
      const isQuiet = this.isQuiet(now());
      const names = this.#settings?.zones;
      for (const zone of zones) {
        const should = isQuiet && !isExempt(zone.id);
        if ((names && !names.includes('all') && !names.includes(zone.id)) || should === this.#limited.has(zone.id)) continue;
        if (should) this.#limited.add(zone.id);
        else this.#limited.delete(zone.id);
        zone.player.dispatch([{ kind: 'limit', level: should ? level : 1 }], origin).catch((error: unknown) => log.warn('The volume could not be limited for quiet hours', { zone: zone.id, error }));
      }
    }
    changed();
  }

  [Symbol.dispose](): void {
    for (const plan of this.#plans.splice(0)) plan[Symbol.dispose]();
  }
}
