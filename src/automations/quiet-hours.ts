import { weekdays, type Command, type Millis, type ZoneView } from '#core';
import type { Log } from '#foundation';
import { isBetween } from './duration.ts';
import { isPlaying } from './facts.ts';
import type { Timetable } from './ports.ts';
import { cronSchedule } from './schedule.ts';
import type { QuietHoursSettings, QuietTime } from './settings.ts';
import { timeOfDay, weekdayOf } from './zone-time.ts';

const day = 86_400_000;

/** Pure: whether it is quiet then. Days are those on which quiet hours begin. */
export function isQuietAt(settings: QuietTime, moment: Millis, zone: string): boolean {
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

/** Under this name it is done. */
const origin = 'automation:quiet-hours';
/** A list of nothing else is paused, not passed over for ever. */
const mostSkips = 20;

/** Knows whether it is quiet, and keeps the zones from doing what they may not do then. */
export class QuietHours implements Disposable {
  readonly #times: QuietHoursSettings;
  readonly #zone: string;
  readonly #parts: QuietHoursParts;
  readonly #ends: Disposable[] = [];
  /** By zone: the limit that was set. */
  readonly #limits = new Map<string, number>();
  /** By zone: how many were passed over one after the other. */
  readonly #skips = new Map<string, number>();
  /** By zone: what is just being ended, until that is done. */
  readonly #ending = new Map<string, { readonly uri: string; isPutOnAgain: boolean }>();

  constructor(times: QuietHoursSettings, zone: string, parts: QuietHoursParts) {
    this.#times = times;
    this.#zone = zone;
    this.#parts = parts;
    for (const { between } of times) {
      for (const time of [between.from, between.until % day]) {
        const schedule = cronSchedule(`${(time / 1000) % 60} ${Math.floor(time / 60_000) % 60} ${Math.floor(time / 3_600_000)} * * *`, zone);
        // Whether on time or late: what counts is what holds now.
        this.#ends.push(parts.timetable.plan({ id: 'quiet-hours', schedule, missed: 'skip', fire: () => this.refresh(), lost: () => this.refresh(), setBack: () => this.refresh() }));
      }
    }
    if (times.some(({ locked, explicit }) => locked || explicit === 'skip')) {
      for (const one of parts.zones) {
        this.#ends.push(one.player.events.on('changed', ({ state, previous }) => {
          if (state.track !== previous.track || state.status !== previous.status) this.#watch(one);
        }));
      }
    }
  }

  isQuiet(moment: Millis): boolean {
    return this.#times.some((time) => isQuietAt(time, moment, this.#zone));
  }

  /** Sets the limits as they should be now, and ends what should not play. */
  refresh(): void {
    const { zones, changed } = this.#parts;
    for (const zone of zones) {
      this.#limit(zone);
      this.#watch(zone);
    }
    changed();
  }

  #limit(zone: ZoneView): void {
    const levels = this.#holding(zone.id).flatMap(({ volume }) => volume ?? []);
    const should = levels.length === 0 ? undefined : Math.min(...levels);
    if (should === this.#limits.get(zone.id)) return;
    if (should === undefined) this.#limits.delete(zone.id);
    else this.#limits.set(zone.id, should);
    void this.#tell(zone, { kind: 'limit', level: should ?? 1 }, 'The volume could not be limited for quiet hours');
  }

  #watch(zone: ZoneView): void {
    const { state } = zone.player;
    if (!isPlaying(state)) return;
    const holding = this.#holding(zone.id);
    if (holding.some(({ locked }) => locked)) {
      this.#end(zone, { kind: 'pause' });
      return;
    }
    const isUnwanted = state.track?.explicit === true && holding.some(({ explicit }) => explicit === 'skip');
    if (!isUnwanted) {
      if (state.status === 'playing') this.#skips.delete(zone.id);
      return;
    }
    const skips = this.#skips.get(zone.id) ?? 0;
    if (skips >= mostSkips) this.#skips.delete(zone.id);
    this.#end(zone, { kind: skips >= mostSkips ? 'pause' : 'next' });
  }

  /** Once for each track: it is told of several times until it is over. */
  #end(zone: ZoneView, command: Extract<Command, { kind: 'pause' | 'next' }>): void {
    const uri = zone.player.state.track?.uri ?? '';
    const under = this.#ending.get(zone.id);
    if (under?.uri === uri) {
      under.isPutOnAgain = true;
      return;
    }
    const ending = { uri, isPutOnAgain: false };
    this.#ending.set(zone.id, ending);
    if (command.kind === 'next') this.#skips.set(zone.id, (this.#skips.get(zone.id) ?? 0) + 1);
    const otherwise = 'What should not play now could not be ended';
    void this.#tell(zone, command, otherwise).then(async (isDone) => {
      // Nothing to go on with, for instance: it is not heard all the same.
      if (!isDone && command.kind === 'next') await this.#tell(zone, { kind: 'pause' }, otherwise);
      if (this.#ending.get(zone.id) === ending) this.#ending.delete(zone.id);
      if (ending.isPutOnAgain) this.#watch(zone);
    });
  }

  /** What holds in this zone now: nothing where an alarm rings. */
  #holding(zone: string): QuietHoursSettings {
    const { now, isExempt } = this.#parts;
    if (isExempt(zone)) return [];
    const moment = now();
    return this.#times.filter((time) => (!time.zones || time.zones.includes('all') || time.zones.includes(zone)) && isQuietAt(time, moment, this.#zone));
  }

  /** Resolves with whether it was done. */
  async #tell(zone: ZoneView, command: Command, otherwise: string): Promise<boolean> {
    try {
      await zone.player.dispatch([command], origin);
      return true;
    } catch (error) {
      this.#parts.log.warn(otherwise, { zone: zone.id, error });
      return false;
    }
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end[Symbol.dispose]();
  }
}
