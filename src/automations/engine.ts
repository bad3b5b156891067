import type { Automations, AutomationsPicture, AutomationView, Millis, PlayerState, RunView, ZoneView } from '#core';
import { Emitter, Scope, TonearmError } from '#foundation';
import { openAlarms } from './alarm/index.ts';
import type { Condition } from './conditions.ts';
import { isPlaying, type Facts } from './facts.ts';
import { Heard } from './heard.ts';
import { openHistory } from './history.ts';
import { noHolidays, openHolidays } from './holidays.ts';
import { Interrupts } from './interrupts.ts';
import { LiveRule, type RuleWorld } from './live-rule.ts';
import { openMemory } from './memory.ts';
import type { AutomationsContext, OpenAlarms } from './ports.ts';
import { missingPresets } from './missing-presets.ts';
import { openPresence } from './presence/index.ts';
import { QuietHours } from './quiet-hours.ts';
import type { AutomationsSettings } from './configuration.ts';
import { openTags } from './tags/tags.ts';
import { openTimetable } from './timetable.ts';
import { Unfinished } from './unfinished.ts';
import type { Notice } from './watch.ts';
import { systemTimeZone } from './zone-time.ts';
import { zonesOfRule } from './references.ts';

export interface OpenAutomations extends Automations, AsyncDisposable {}

/** What holds for all of them is kept under this name, which no rule can have. */
const everything = '*';
/** A message that comes back within this time on a topic we have just used is our own doing. */
const echo = 2000;

/** As `openAutomations`, which loads it. */
export async function openEngine(settings: AutomationsSettings, context: AutomationsContext): Promise<OpenAutomations> {
  const scope = new Scope();
  try {
    return await open(settings, context, scope);
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

async function open(settings: AutomationsSettings, context: AutomationsContext, scope: Scope): Promise<OpenAutomations> {
  const { zones, messages } = context;
  const host = { ...context.host, log: context.host.log.child('automations') };
  const { clock, log } = host;
  const timezone = settings.location?.timezone ?? systemTimeZone();
  const emitter = new Emitter<{ changed: AutomationsPicture; ran: RunView }>((error) => log.error('A listener failed', { error }));

  const [memory, history, holidays, unfinished, presence] = await Promise.all([
    openMemory(host).then((one) => scope.use(one)),
    openHistory(host).then((one) => scope.use(one)),
    openHolidays(settings.holidays ?? noHolidays, { host, fetch: context.fetch }).then((one) => scope.use(one)),
    Unfinished.open(host).then((one) => scope.use(one)),
    openPresence(settings.presence, { messages, host }).then((one) => scope.use(one)),
  ]);
  const timetable = scope.use(await openTimetable(host));
  const heard = scope.use(new Heard(messages));
  const interrupts = new Interrupts();
  const rules = new Map<string, LiveRule>();
  const said = new Map<string, { readonly automation: string; readonly at: Millis }>();
  /** Rules and alarms know each other; the alarms come second. */
  let ringers: OpenAlarms | null = null;

  const areAllEnabled = () => memory.get(everything, 'enabled') !== false;
  const guestMode = () => memory.get(everything, 'guest') === true;
  presence.setGuestMode(guestMode());

  let isTelling = false;
  const changed = () => {
    if (isTelling || scope.signal.aborted) return;
    isTelling = true;
    // Once for everything that happens together.
    queueMicrotask(() => {
      isTelling = false;
      if (!scope.signal.aborted) emitter.emit('changed', picture());
    });
  };
  const quiet = scope.use(new QuietHours(settings.quietHours ?? [], timezone, { zones, timetable, now: () => clock.now(), log, isExempt: (zone) => ringers?.views.some((view) => view.zones.includes(zone) && view.alarm?.state === 'ringing') === true, changed }));

  const factsAt = (now: Millis): Facts => ({
    now,
    timezone,
    place: settings.location ?? null,
    quiet: quiet.isQuiet(now),
    zone: (id) => zones.find((zone) => zone.id === id)?.player.state ?? null,
    presence: (subject) => presence.of(subject),
    holiday: holidays.on,
    message: (topic) => heard.get(topic),
  });

  function chainOf({ by, topic }: Notice): readonly string[] {
    if (by?.startsWith('automation:') === true) return chainBefore(by.slice('automation:'.length));
    const own = topic === undefined ? undefined : said.get(topic);
    return own && clock.monotonic() - own.at <= echo ? chainBefore(own.automation) : [];
  }
  const chainBefore = (id: string): readonly string[] => [...(rules.get(id)?.chain ?? []), id];

  const world: RuleWorld = {
    host,
    timezone,
    place: settings.location ?? null,
    memory,
    history,
    holidays,
    timetable,
    unfinished,
    factsAt,
    areAllEnabled,
    guestMode,
    chainOf,
    changed,
    doing: {
      clock,
      zones,
      presence,
      messages,
      interrupts,
      log,
      request: context.request,
      launch: context.launch,
      alarms: () => ringers,
      isLive: (key) => rules.get(key.slice(0, key.lastIndexOf('#')))?.isLive(key) === true,
      setOff(id, chain) {
        const rule = rules.get(id);
        if (rule) rule.fire({ kind: 'rule', text: `automation ${chain.at(-1) ?? ''}`, chain });
        else ringers?.run(id, `automation:${chain.at(-1) ?? ''}`).catch((error: unknown) => log.warn('An automation could not be set off', { automation: id, error }));
      },
      enable,
      said: (topic, automation) => void said.set(topic, { automation, at: clock.monotonic() }),
    },
  };

  const alarms = scope.use(await openAlarms(settings.alarms, { ...context, presence, timetable, memory, history, holidays, timezone, isEnabled: areAllEnabled }));
  ringers = alarms;
  for (const rule of settings.automations) {
    rules.set(rule.id, scope.use(new LiveRule(rule, world)));
    for (const topic of rule.if.flatMap(topicsOf)) heard.listen(topic);
  }
  for (const { message } of missingPresets(settings, zones.map(({ id }) => id), context.presets.list)) log.warn(`${message.slice(0, 1).toUpperCase()}${message.slice(1)} Correct the name, or add that preset`);
  for (const zone of zones) scope.use(zone.player.events.on('changed', ({ state, previous }) => noticePeople(zone, state, previous)));
  const tags = settings.tags && scope.use(await openTags(settings.tags, { ...context, run: (id) => run(id, 'tag'), automations: [...settings.automations, ...settings.alarms].map(({ id, name = id }) => ({ id, name })) }));
  holidays.onChanged(changed);
  scope.use(presence.events.on('changed', changed));
  scope.use(alarms.events.on('changed', () => quiet.refresh()));
  scope.use(history.events.on('ran', (view) => emitter.emit('ran', view)));
  for (const rule of rules.values()) rule.start();
  if (unfinished.hadAny) await unfinished.save();
  quiet.refresh();

  /** Whoever is no automation and not the daemon itself is a person, and goes first. */
  function noticePeople(zone: ZoneView, state: PlayerState, previous: PlayerState): void {
    const by = state.by.changed;
    const isPerson = by !== 'tonearm' && !by.startsWith('automation:');
    const isOther = state.source !== previous.source || state.track?.uri !== previous.track?.uri || state.by.started !== previous.by.started;
    const isStarting = isPlaying(state) && !isPlaying(previous);
    if (isStarting || state.source !== previous.source || (isPerson && (isOther || state.status !== previous.status))) interrupts.forget(zone.id);
    if (!isPerson) return;
    if (isPlaying(previous) && !isPlaying(state)) ownerOf(previous)?.refused();
    const what = takenBy(state, previous);
    if (what !== null) for (const rule of rules.values()) rule.lose(zone.id, `${what} by ${by}.`);
  }

  const ownerOf = ({ by: { started } }: PlayerState): LiveRule | undefined => (started?.startsWith('automation:') === true ? rules.get(started.slice('automation:'.length)) : undefined);

  /** `run`: which run does it, if one does. */
  async function enable(id: string | null, on: boolean, run?: string): Promise<void> {
    if (id === null) {
      const kept = memory.set(everything, 'enabled', on ? undefined : false);
      if (!on) for (const rule of rules.values()) rule.end('All automations were switched off.', ({ kind }) => kind !== 'hand');
      changed();
      await kept;
      return;
    }
    const rule = rules.get(id);
    if (rule && !on) rule.end('It was switched off.', (_, key) => key === undefined || key !== run);
    await (rule ? rule.enable(on) : alarmsFor(id).enable(id, on, run === undefined));
  }

  const alarmsFor = (id: string): OpenAlarms => {
    if (alarms.views.some((view) => view.id === id)) return alarms;
    throw notFound(id, [...rules.keys(), ...alarms.views.map((view) => view.id)]);
  };

  async function run(id: string, by: string): Promise<void> {
    const rule = rules.get(id);
    if (rule) rule.fire({ kind: 'hand', text: `by hand (${by})`, chain: [] });
    else await alarmsFor(id).run(id, by);
  }

  function picture(): AutomationsPicture {
    const views = [...rules.values()].map((rule): AutomationView => rule.view(history.list(rule.rule.id, 1)[0] ?? null, zonesOfRule(rule.rule, zones)));
    return {
      automations: [...views, ...alarms.views],
      enabled: areAllEnabled(),
      guestMode: guestMode(),
      quiet: quiet.isQuiet(clock.now()),
      people: presence.people,
      rooms: presence.rooms,
    };
  }

  return {
    get picture() {
      return picture();
    },
    events: emitter.events,
    tags: tags ?? null,
    enable: (id, on) => enable(id, on),
    async setGuestMode(on) {
      presence.setGuestMode(on);
      const kept = memory.set(everything, 'guest', on ? true : undefined);
      changed();
      await kept;
    },
    run,
    async forget(id) {
      await (alarms.views.some((view) => view.id === id) ? alarms.forget(id) : memory.forget(id));
      changed();
    },
    async skipNext(id, on) {
      const rule = rules.get(id);
      await (rule ? rule.skipNext(on) : alarmsFor(id).skipNext(id, on));
    },
    async setTime(id, time) {
      if (rules.has(id)) throw new TonearmError({ kind: 'invalid', code: 'automations/no-alarm', message: `“${id}” is an automation, and its times are in the configuration. Only alarms can be set to another time.` });
      await alarmsFor(id).setTime(id, time);
    },
    async snooze(id, by) {
      await (id === null ? alarms : alarmsFor(id)).snooze(id, by);
    },
    async stop(id, by) {
      await (id === null ? alarms : alarmsFor(id)).stop(id, by);
    },
    async forecast(id, count) {
      return rules.get(id)?.forecast(count) ?? (await alarmsFor(id).forecast(id, count));
    },
    history: (id, count) => history.list(id, count),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

/** What a person has done to whoever plays there, if that ends it: who merely skips or touches the volume goes on listening. */
function takenBy(state: PlayerState, previous: PlayerState): string | null {
  if (state.by.started !== previous.by.started) return state.source === null ? 'Stopped' : 'Taken over';
  if (isPlaying(state) || state.status === previous.status) return null;
  return state.status === 'paused' ? 'Paused' : 'Stopped';
}

/** Topics that are asked about by conditions. */
function topicsOf(condition: Condition): readonly string[] {
  if ('any' in condition) return condition.any.flatMap(topicsOf);
  if ('all' in condition) return condition.all.flatMap(topicsOf);
  if ('not' in condition) return topicsOf(condition.not);
  return 'mqtt' in condition ? [condition.mqtt] : [];
}

function notFound(id: string, known: readonly string[]): TonearmError {
  return new TonearmError({
    kind: 'not-found',
    code: 'automations/unknown',
    message: `There is no automation or alarm “${id}”. ${known.length === 0 ? 'None is configured.' : `There is ${known.map((one) => `“${one}”`).join(', ')}.`}`,
  });
}
