import type { ZoneView } from '#core';
import type { Action } from './actions.ts';
import type { Condition } from './conditions.ts';
import { cronProblem } from './schedule.ts';
import type { AutomationsSettings } from './configuration.ts';
import type { RuleSettings } from './settings.ts';
import type { SubjectKeys } from './words.ts';

export interface ReferenceProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** A name that is not there, and those that could have been meant. */
  readonly name?: { readonly written: string; readonly known: readonly string[] };
}

/** What each setting of its own cannot know: whether schedules mean something, and the zones, automations, rooms and people it names are there. Pure. */
export function referenceProblems(settings: AutomationsSettings, zones: readonly string[]): readonly ReferenceProblem[] {
  const found: ReferenceProblem[] = [];
  const { automations, alarms, presence, location } = settings;
  const say = (path: ReferenceProblem['path'], message: string, written?: string, known: Iterable<string> = []) => void found.push({ path, message, ...(written !== undefined && { name: { written, known: [...known] } }) });
  const ids = [...automations.map(({ id }, index) => ({ id, path: ['automations', index, 'id'] as const })), ...alarms.map(({ id }, index) => ({ id, path: ['alarms', index, 'id'] as const }))];
  for (const [index, { id, path }] of ids.entries()) if (ids.findIndex((one) => one.id === id) < index) say(path, `is used twice: every automation and alarm needs an id of its own, and "${id}" is one already.`);

  const people = new Set([...presence.people.map(({ id }) => id), ...presence.sources.flatMap(({ person }) => (person === undefined ? [] : [person]))]);
  const rooms = new Set(presence.sources.flatMap(({ room, rooms: names }) => [...(room === undefined ? [] : [room]), ...Object.values(names)]));
  const hasTrackers = presence.sources.some(({ kind }) => kind === 'tracker');

  const zone = (path: ReferenceProblem['path'], names: readonly string[] | undefined) => {
    for (const name of names ?? []) if (name !== 'all' && !zones.includes(name)) say(path, `names the zone "${name}", which is not there. There is ${zones.map((one) => `"${one}"`).join(', ')}.`, name, zones);
  };
  const subject = (path: ReferenceProblem['path'], { person, room }: SubjectKeys) => {
    if (person !== undefined && !people.has(person)) say([...path, 'person'], `names "${person}", whom nothing under "presence" knows.${people.size > 0 ? ` It knows ${[...people].map((one) => `"${one}"`).join(', ')}.` : ''}`, person, people);
    // Trackers name rooms of their own.
    if (room !== undefined && !hasTrackers && !rooms.has(room)) say([...path, 'room'], `names the room "${room}", which no source under "presence" watches.${rooms.size > 0 ? ` They watch ${[...rooms].map((one) => `"${one}"`).join(', ')}.` : ''}`, room, rooms);
  };
  const other = (path: ReferenceProblem['path'], id: string) => {
    if (!ids.some((one) => one.id === id)) say(path, `names the automation "${id}", which is not there.`, id, ids.map((one) => one.id));
  };
  const alarm = (path: ReferenceProblem['path'], id: string) => {
    if (!alarms.some((one) => one.id === id)) say(path, `names the alarm "${id}", which is not there.`, id, alarms.map((one) => one.id));
  };
  const condition = (path: ReferenceProblem['path'], one: Condition): void => {
    if ('any' in one) one.any.forEach((inner, index) => condition([...path, 'any', index], inner));
    else if ('all' in one) one.all.forEach((inner, index) => condition([...path, 'all', index], inner));
    else if ('not' in one) condition([...path, 'not'], one.not);
    else if ('presence' in one) subject([...path, 'presence'], one.presence);
    else if ('zone' in one) zone([...path, 'zone'], [one.zone]);
    else if ('sun' in one && !location) say([...path, 'sun'], noLocation);
  };

  for (const [index, rule] of automations.entries()) {
    const at = ['automations', index];
    zone([...at, 'zone'], rule.zone);
    for (const [n, trigger] of rule.when.entries()) {
      const here = [...at, 'when', n];
      const problem = 'cron' in trigger ? cronProblem(trigger.cron) : null;
      if (problem !== null) say([...here, 'cron'], `must be a schedule: ${problem}.`);
      if ('sun' in trigger && !location) say([...here, 'sun'], noLocation);
      if ('presence' in trigger) subject([...here, 'presence'], trigger.presence);
      if ('playback' in trigger) zone([...here, 'zone'], trigger.zone);
      if ('alarm' in trigger && trigger.id !== undefined) alarm([...here, 'id'], trigger.id);
    }
    for (const [n, one] of rule.if.entries()) condition([...at, 'if', n], one);
    for (const [n, action] of rule.then.entries()) {
      const here = [...at, 'then', n];
      for (const key of ['run', 'enable', 'disable'] as const) if (key in action) other([...here, key], (action as Readonly<Record<typeof key, string>>)[key]);
      if ('transfer' in action) zone([...here, 'transfer'], [action.transfer]);
      if ('waitUntil' in action && 'presence' in action.waitUntil) subject([...here, 'waitUntil', 'presence'], action.waitUntil.presence);
      if ('waitUntil' in action && 'playback' in action.waitUntil) zone([...here, 'waitUntil', 'zone'], action.waitUntil.zone);
      const own = ownZones(action);
      for (const { key, names } of own ?? []) zone([...here, key], names);
      if (own && own.every(({ names }) => names === undefined) && rule.zone === undefined && zones.length > 1) say(here, `does not say in which zone. Give it, or the automation, a zone: one of ${zones.map((one) => `"${one}"`).join(', ')}, or all.`);
    }
    const circle = circleFrom(rule, automations);
    if (circle) say([...at, 'then'], `sets itself off again: ${circle.join(' → ')}.`);
  }
  for (const [index, { zone: name }] of alarms.entries()) {
    const there = `It rings in one of ${zones.map((one) => `"${one}"`).join(', ')}.`;
    if (name === undefined && zones.length > 1) say(['alarms', index], `does not say in which zone. ${there}`);
    else if (name !== undefined && !zones.includes(name)) say(['alarms', index, 'zone'], `names the zone "${name}", which is not there. ${there}`, name, zones);
  }
  for (const [index, { zone: name }] of (settings.tags?.readers ?? []).entries()) {
    const there = `Its tags play in one of ${zones.map((one) => `"${one}"`).join(', ')}.`;
    if (name === undefined && zones.length > 1) say(['tags', 'readers', index], `does not say in which zone. ${there}`);
    else if (name !== undefined && !zones.includes(name)) say(['tags', 'readers', index, 'zone'], `names the zone "${name}", which is not there. ${there}`, name, zones);
  }
  for (const [index, { run }] of (settings.tags?.known ?? []).entries()) if (run !== undefined) other(['tags', 'known', index, 'run'], run);
  const times = settings.quietHours ?? [];
  for (const [index, { zones: names }] of times.entries()) zone(times.length === 1 ? ['quietHours', 'zones'] : ['quietHours', index, 'zones'], names);
  return found;
}

const noLocation = 'needs to know where you are: set location with latitude and longitude.';

/** Where an action happens, by the key that says so; null for one that happens nowhere. */
function ownZones(action: Action): readonly { readonly key: string; readonly names: readonly string[] | undefined }[] | null {
  if ('pause' in action) return [{ key: 'pause', names: action.pause }];
  if ('resume' in action) return [{ key: 'resume', names: action.resume }];
  if ('stop' in action) return [{ key: 'stop', names: action.stop }];
  if ('next' in action) return [{ key: 'next', names: action.next }];
  if ('transfer' in action) return [{ key: 'from', names: action.from === undefined ? undefined : [action.from] }];
  if ('wait' in action || 'waitUntil' in action || 'run' in action || 'publish' in action || 'request' in action || 'program' in action || 'enable' in action || 'disable' in action) return null;
  return [{ key: 'zone', names: action.zone }];
}

/** Zones a rule may act on. */
export function zonesOfRule(rule: RuleSettings, zones: readonly Pick<ZoneView, 'id'>[]): readonly string[] {
  const all = zones.map(({ id }) => id);
  const names = new Set<string>();
  for (const action of rule.then) {
    if ('transfer' in action) names.add(action.transfer);
    for (const { names: own } of ownZones(action) ?? []) for (const name of own ?? rule.zone ?? (all.length === 1 ? all : [])) names.add(name);
  }
  return names.has('all') ? all : all.filter((id) => names.has(id));
}

/** Automations that run each other in a circle, from this one back to it. */
function circleFrom(rule: RuleSettings, all: readonly RuleSettings[]): readonly string[] | null {
  const seen = new Set<string>();
  const walk = (id: string, way: readonly string[]): readonly string[] | null => {
    for (const action of all.find((one) => one.id === id)?.then ?? []) {
      if (!('run' in action)) continue;
      if (action.run === rule.id) return [...way, rule.id];
      if (seen.has(action.run)) continue;
      seen.add(action.run);
      const found = walk(action.run, [...way, action.run]);
      if (found) return found;
    }
    return null;
  };
  return walk(rule.id, [rule.id]);
}
