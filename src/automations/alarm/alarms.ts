import type { AutomationView } from '#core';
import { Emitter, Scope, TonearmError } from '#foundation';
import { parseTimeOfDay } from '../duration.ts';
import { daysOf } from '../holidays.ts';
import type { AlarmParts, OpenAlarms } from '../ports.ts';
import { Alarm } from './alarm.ts';
import type { AlarmSettings } from './settings.ts';

/** Rejects with `invalid` for an alarm that has no zone to ring in. */
export async function openAlarms(settings: readonly AlarmSettings[], parts: AlarmParts): Promise<OpenAlarms> {
  const log = parts.host.log.child('alarms');
  const emitter = new Emitter<{ changed: undefined }>((error) => log.error('A listener to alarms failed.', { error }));
  const scope = new Scope();
  const alarms: Alarm[] = [];
  try {
    for (const one of settings) {
      const alarm = new Alarm(one, parts, { zone: zoneOf(one, parts), skipDays: daysOf(one.skip), log, changed: () => emitter.emit('changed', undefined) });
      alarms.push(scope.use(alarm));
    }
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
  for (const alarm of alarms) alarm.resume();

  const find = (id: string): Alarm => {
    const alarm = alarms.find((one) => one.id === id);
    if (alarm) return alarm;
    throw new TonearmError({ kind: 'not-found', code: 'alarm/unknown', message: `There is no alarm “${id}”. ${alarms.length === 0 ? 'None is configured.' : `There is ${alarms.map((one) => `“${one.id}”`).join(', ')}.`}` });
  };
  /** The named one, or all; it must ring. */
  const ringing = (id: string | null): readonly Alarm[] => {
    const found = (id === null ? alarms : [find(id)]).filter((alarm) => alarm.isRinging);
    if (found.length === 0) throw new TonearmError({ kind: 'conflict', code: 'alarm/silent', message: `${id === null ? 'No alarm' : `The alarm “${id}”`} is ringing, so there is nothing to stop or to snooze.${id === null ? '' : ' To keep it from ringing tomorrow, skip the next one or switch it off.'}` });
    return found;
  };
  return {
    events: emitter.events,
    get views(): readonly AutomationView[] {
      return alarms.map((alarm) => alarm.view);
    },
    async enable(id, on, byPerson) {
      await find(id).enable(on, byPerson);
    },
    async run(id, by) {
      const alarm = await Promise.resolve(find(id));
      alarm.ring(by);
    },
    async forget(id) {
      await find(id).forget();
    },
    async skipNext(id, on) {
      await find(id).skipNext(on);
    },
    async setTime(id, time) {
      const alarm = find(id);
      const moment = parseTimeOfDay(time);
      if (moment === null || moment >= 86_400_000) throw new TonearmError({ kind: 'invalid', code: 'alarm/no-time', message: `“${time}” is no time of day. Write hours and minutes, as in 06:30.` });
      await alarm.setTime(time);
    },
    async snooze(id, by) {
      for (const alarm of await Promise.resolve(ringing(id))) alarm.snooze(by);
    },
    async stop(id, by) {
      for (const alarm of await Promise.resolve(ringing(id))) alarm.stop(by);
    },
    async forecast(id, count) {
      return Promise.resolve(find(id).forecast(count));
    },
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

function zoneOf({ id, zone }: AlarmSettings, { zones }: AlarmParts) {
  const found = zone === undefined && zones.length === 1 ? zones[0] : zones.find((one) => one.id === zone);
  if (found) return found;
  throw new TonearmError({
    kind: 'invalid',
    code: 'alarm/no-zone',
    message: `The alarm “${id}” ${zone === undefined ? 'does not say in which zone it rings, and there are several' : `is to ring in “${zone}”, and there is no such zone`}. Set its zone to one of ${zones.map((one) => `“${one.id}”`).join(', ')}.`,
  });
}
