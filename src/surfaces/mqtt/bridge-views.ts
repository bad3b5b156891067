import type { AutomationsPicture, AutomationView, Forecast, Preset, RunView, TagRead, TagsPicture, TagView } from '#core';
import { toPercent } from './wire/index.ts';

/** Values of core as our topics say them: times in ISO 8601, volume in percent, underscores in names. */
type View = Readonly<Record<string, unknown>>;

export function presetView({ id, name, uri, from, shuffle, level, zones }: Preset): View {
  return {
    id, name, kind: kindOf(uri), uri,
    ...(from !== undefined && { from }), ...(shuffle !== undefined && { shuffle }), ...(level !== undefined && { volume: toPercent(level) }), ...(zones && { zones }),
  };
}

function kindOf(uri: string): string {
  return /^spotify:(?:user:[^:]+:)?([a-z]+)/.exec(uri)?.[1] ?? /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? 'other';
}

export function runView({ automation, at, ended, trigger, result, why, steps }: RunView): View {
  return { automation, at: iso(at), ended: ended === null ? null : iso(ended), trigger, result, why, steps: steps.map((step) => ({ ...step, at: iso(step.at) })) };
}

export function forecastView({ automation, firings }: Forecast): View {
  return { automation, firings: firings.map(({ at, runs, why }) => ({ at: iso(at), runs, why })) };
}

/** What `bridge/automations` holds. */
export function automationsView({ automations, enabled, guestMode, quiet, people, rooms }: AutomationsPicture): View {
  const alarms = automations.flatMap(({ kind, enabled: isOn, next }) => (kind === 'alarm' && isOn && next !== null ? [next] : []));
  return {
    enabled,
    guest_mode: guestMode,
    quiet,
    next_alarm: alarms.length === 0 ? null : iso(Math.min(...alarms)),
    automations: automations.map(automationView),
    people: people.map(({ id, name, presence, room }) => ({ id, name, presence, room })),
    rooms: rooms.map(({ id, presence }) => ({ id, presence })),
  };
}

/** What `bridge/tags` holds. */
export function tagsView({ readers, tags, learning }: TagsPicture): View {
  return { readers, tags: tags.map(tagView), learning: learning && { name: learning.name, until: iso(learning.until) } };
}

function tagView({ tag, wish, name, isFixed }: TagView): View {
  return { tag, ...wish, name, fixed: isFixed };
}

/** Without one everything is null: Home Assistant's templates want every key. */
export function tagReadView(read: TagRead | null): View {
  const { tag = null, reader = null, zone = null, at = null, outcome = null, name = null, why = null } = read ?? {};
  return { tag, reader, zone, at: at === null ? null : iso(at), outcome, name, why };
}

function automationView({ id, name, kind, enabled, next, skipsNext, last, zones, alarm }: AutomationView): View {
  return {
    id, name, kind, enabled,
    next_run: next === null ? null : iso(next),
    skips_next: skipsNext,
    last_run: last === null ? null : iso(last.at),
    last_result: last?.result ?? null,
    last_why: last?.why ?? null,
    zones,
    ...(alarm && { time: alarm.time, days: alarm.days, state: alarm.state, snoozed_until: alarm.snoozedUntil === null ? null : iso(alarm.snoozedUntil) }),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
