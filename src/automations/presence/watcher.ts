import type { Millis } from '#core';
import type { Log } from '#foundation';
import type { SourceInput } from './connection.ts';
import type { SourceView } from './house-machine.ts';
import { earsOf, type Ear } from './presets.ts';
import type { Reading } from './readings.ts';
import { newSensor, stepSensor, type SensorState } from './sensor-machine.ts';
import type { PresenceSource } from './settings.ts';
import { newTracker, stepTracker, type TrackerState } from './tracker-machine.ts';

interface Outcome {
  readonly hasChanged: boolean;
  readonly isEdge: boolean;
}

/** Rooms as products spell them become ids: `Living Room` → `living-room`. */
function idOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
}

/** Products that speak while they see, and are silent when they do not. */
const silentWhenAway = new Set(['espresense', 'room-assistant', 'plain']);

/** One source of the configuration with its state. */
export class Watcher {
  readonly ears: readonly Ear[];
  /** When it wants to be told the time, monotonic ms. */
  wake: Millis | null = null;
  readonly #source: PresenceSource;
  readonly #log: Log;
  readonly #rooms: ReadonlyMap<string, string>;
  #sensor: SensorState = newSensor;
  #tracker: TrackerState = newTracker;

  constructor(source: PresenceSource, log: Log) {
    this.#source = source;
    this.#log = log;
    this.#rooms = new Map(Object.entries(source.rooms).map(([name, id]) => [name.trim().toLowerCase(), id]));
    this.ears = earsOf(source);
  }

  get view(): SourceView {
    const { id, kind, person = null, room = null } = this.#source;
    const isTracker = kind === 'tracker';
    return {
      id,
      person: kind === 'room' ? null : person,
      watches: kind === 'room' ? room : null,
      isTracker,
      value: isTracker ? this.#tracker.settling.value : this.#sensor.settling.value,
      room: isTracker ? this.#tracker.room : null,
    };
  }

  up(now: Millis): Outcome {
    return this.#step({ type: 'up' }, now);
  }

  down(now: Millis): Outcome {
    return this.#step({ type: 'down' }, now);
  }

  time(now: Millis): Outcome {
    return this.#step({ type: 'time' }, now);
  }

  read(reading: Reading, isRetained: boolean, wall: Millis, now: Millis): Outcome {
    const { hint } = this.#source.kind === 'tracker' ? this.#tracker : this.#sensor;
    if (reading.type === 'unknown' && reading.hint !== null && reading.hint !== hint) this.#log.warn(`The presence source “${this.#source.id}” cannot be understood, so it counts as unknown. ${reading.hint}`);
    return this.#step({ type: 'reading', reading: this.#named(reading), isRetained, wall }, now);
  }

  #named(reading: Reading): Reading {
    if (!('room' in reading)) return reading;
    return { ...reading, room: this.#rooms.get(reading.room.trim().toLowerCase()) ?? idOf(reading.room) };
  }

  #step(input: SourceInput, now: Millis): Outcome {
    const { kind, preset, roomFrom, enterAfter, clearAfter, staleAfter = null, isMomentary, awayAfter, maxDistance = null, switchMargin, dwell } = this.#source;
    if (kind === 'tracker') {
      const isSilenceAway = silentWhenAway.has(preset) && (preset !== 'plain' || roomFrom?.startsWith('topic:') === true);
      const step = stepTracker(this.#tracker, input, { enterAfter, awayAfter, staleAfter, maxDistance, switchMargin, dwell, isSilenceAway }, now);
      this.#tracker = step.state;
      this.wake = step.wake;
      return step;
    }
    const step = stepSensor(this.#sensor, input, { enterAfter, clearAfter: clearAfter ?? (kind === 'room' ? 60_000 : 0), staleAfter, isMomentary }, now);
    this.#sensor = step.state;
    this.wake = step.wake;
    return step;
  }
}
