import { z } from 'zod';
import { type Accounts, answerAccountRequest, type Automations, type Control, isAccountRequest, type LogLines, type Presets, type Tags, tagWishOf, Uri, type ZoneView } from '#core';
import { base64, maskUser, TonearmError } from '#foundation';
import { logLevels } from './bridge-entities.ts';
import { forecastView, presetView, runView, tagReadView } from './bridge-views.ts';
import { type BridgeRequest, MqttError } from './wire/index.ts';

export type Answer = Readonly<Record<string, unknown>>;

/** What requests are answered from. */
export interface RequestPorts {
  readonly zones: readonly ZoneView[];
  readonly accounts?: Accounts | undefined;
  readonly presets?: Presets | undefined;
  readonly automations?: Automations | undefined;
  readonly control?: Control | undefined;
  readonly lines?: LogLines | undefined;
  /** Pictures of the daemon itself, by request. */
  readonly shown: Readonly<Record<'info' | 'health' | 'health_check' | 'players', () => Answer>>;
}

interface Row {
  /** For docs/mqtt.md. */
  readonly payload: string;
  readonly about: string;
  readonly run: (ports: RequestPorts, given: unknown, signal: AbortSignal) => Answer | Promise<Answer>;
}

function row<Schema extends z.ZodType>(
  payload: string,
  about: string,
  schema: Schema,
  run: (ports: RequestPorts, fields: z.output<Schema>, signal: AbortSignal) => Answer | Promise<Answer>,
  bare?: (text: string) => unknown,
): Row {
  return {
    payload,
    about,
    run(ports, given, signal) {
      const parsed = schema.safeParse(typeof given === 'string' && bare ? bare(given) : given);
      if (parsed.success) return run(ports, parsed.data, signal);
      throw new MqttError('invalid', 'mqtt/bad-request', `The request was not understood: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ')} It takes ${payload.replaceAll('`', '')}.`);
    },
  };
}

const Nothing = z.strictObject({});
const Id = z.string().min(1).max(100);
const ZoneId = z.string().min(1).max(64);
const Count = z.int().min(1).max(100);
/** Programs may take its digits for a number. */
const Tag = z.union([z.string().min(1).max(200), z.int().min(0).transform(String)]);
const byId = (id: string) => ({ id });
const byTag = (tag: string) => ({ tag });

/** Words for switches, as everywhere on our topics. */
const On = z.union([z.boolean(), z.enum(['ON', 'OFF', 'on', 'off', 'true', 'false']).transform((word) => word.toLowerCase() === 'on' || word === 'true')]);

/** Every request below `bridge/request/`, those about accounts excepted. */
export const bridgeRequests: Readonly<Record<string, Row>> = {
  info: row('–', 'as `bridge/info`', Nothing, ({ shown }) => shown.info()),
  health: row('–', 'as `bridge/health`', Nothing, ({ shown }) => shown.health()),
  health_check: row('–', '`healthy`; the `problems` if there are any', Nothing, ({ shown }) => shown.health_check()),
  players: row('–', '`players`, as `bridge/players`', Nothing, ({ shown }) => shown.players()),
  presets: row('–', '`presets`, as `bridge/presets`', Nothing, ({ presets }) => ({ presets: need(presets, 'presets').list.map(presetView) })),
  'preset/add': row(
    'JSON: `name`, `uri`; optional `id`, `from` (row or URI), `shuffle`, `volume` (0 to 100), `zones`',
    'the preset as it is kept',
    z.strictObject({ name: z.string().trim().min(1).max(100), uri: Uri, id: Id.optional(), from: z.union([Uri, z.int().min(0).max(100_000)]).optional(), shuffle: z.boolean().optional(), volume: z.number().min(0).max(100).optional(), zones: z.array(ZoneId).max(64).optional() }),
    async ({ presets }, { volume, ...preset }) => presetView(await need(presets, 'presets').add({ ...preset, ...(volume !== undefined && { level: volume / 100 }) })),
  ),
  'preset/remove': row('the `id`', '–', z.strictObject({ id: Id }), async ({ presets }, { id }) => {
    await need(presets, 'presets').remove(id);
    return { id };
  }, byId),
  'preset/play': row('id or name, or `{"preset": …, "zone": …}`', 'the `zones` it plays in: all it is offered in unless told', z.strictObject({ preset: Id, zone: ZoneId.optional() }), playPreset, (preset) => ({ preset })),
  'automation/run': row('the `id`', '– ; it has begun, conditions are not asked', z.strictObject({ id: Id }), async ({ automations }, { id }) => {
    await need(automations, 'automations').run(id, 'mqtt');
    return { id };
  }, byId),
  'automation/enable': row('the `id`, or JSON: `id` or `"all": true`, `enabled`', 'what is so now', z.strictObject({ id: Id.optional(), all: z.literal(true).optional(), enabled: On.default(true) }), ({ automations }, { id, all, enabled }) => enable(automations, { id, all, enabled }), byId),
  'automation/disable': row('the `id`, or `{"all": true}`', 'what is so now', z.strictObject({ id: Id.optional(), all: z.literal(true).optional() }), ({ automations }, { id, all }) => enable(automations, { id, all, enabled: false }), byId),
  'automation/skip': row('the `id`, or JSON: `id`, `"skip": false` takes it back', 'what is so now', z.strictObject({ id: Id, skip: On.default(true) }), async ({ automations }, { id, skip }) => {
    await need(automations, 'automations').skipNext(id, skip);
    return { id, skips_next: skip };
  }, byId),
  'automation/snooze': row('nothing, or the `id` of an alarm', '–', z.strictObject({ id: Id.optional() }), async ({ automations }, { id = null }) => {
    await need(automations, 'automations').snooze(id, 'mqtt');
    return {};
  }, byId),
  'automation/stop': row('nothing, or the `id` of an alarm', '–', z.strictObject({ id: Id.optional() }), async ({ automations }, { id = null }) => {
    await need(automations, 'automations').stop(id, 'mqtt');
    return {};
  }, byId),
  'automation/set_time': row('JSON: `id`, `time` (`07:15`)', 'what is so now', z.strictObject({ id: Id, time: z.string().regex(/^\d{1,2}:\d{2}(:00)?$/, 'must be a time such as 07:15') }), async ({ automations }, { id, time }) => {
    const [hours = '', minutes = ''] = time.split(':');
    const clock = `${hours.padStart(2, '0')}:${minutes}`;
    await need(automations, 'automations').setTime(id, clock);
    return { id, time: clock };
  }),
  'tag/learn': row(
    'nothing: for what is on where the tag is read; or `{"play": …}` (a preset or a URI) or `{"run": …}` (an automation)',
    '`until`: the next tag that is read before stands for it from then on',
    z.strictObject({ play: z.string().trim().min(1).max(2048).optional(), run: Id.optional() }).refine(({ play, run }) => play === undefined || run === undefined, 'takes play or run, not both'),
    ({ automations }, wish) => {
      const { until } = tagsOf(automations).learn(tagWishOf(wish));
      return { until: new Date(until).toISOString() };
    },
    (play) => ({ play }),
  ),
  'tag/forget': row('the `tag`', '–', z.strictObject({ tag: Tag }), async ({ automations }, { tag }) => {
    await tagsOf(automations).forget(tag);
    return { tag };
  }, byTag),
  'tag/scan': row('the `tag`, or `{"tag": …, "zone": …}`', 'what came of it, as if a reader had read the tag', z.strictObject({ tag: Tag, zone: ZoneId.optional() }), async ({ automations }, { tag, zone }) => tagReadView(await tagsOf(automations).scan(tag, zone)), byTag),
  'automation/set': row(
    'JSON: `rule` or `alarm`, as in the configuration, with its `id`',
    '`id`; it is in the configuration now, in place of the one of that id, and what was switched or moved by hand is forgotten; Tonearm restarts within itself if anything changed. Without `publish`, `mqtt`, `request` and `program`: those are for the file',
    z.union([z.strictObject({ rule: z.looseObject({}) }), z.strictObject({ alarm: z.looseObject({}) })]),
    async ({ control, automations }, given) => {
      const daemon = need(control, 'defining automations');
      const id = await ('rule' in given ? daemon.setAutomation('rule', given.rule) : daemon.setAutomation('alarm', given.alarm));
      await automations?.forget(id);
      return { id };
    },
  ),
  'automation/remove': row('the `id`', '– ; it is out of the configuration; Tonearm restarts within itself', z.strictObject({ id: Id }), async ({ control, automations }, { id }) => {
    await need(control, 'removing automations').removeAutomation(id);
    await automations?.forget(id);
    return { id };
  }, byId),
  'automation/forecast': row('the `id`, or JSON: `id`, `count` (1 to 100)', '`firings`: `at`, `runs`, `why`', z.strictObject({ id: Id, count: Count.default(10) }), async ({ automations }, { id, count }) => forecastView(await need(automations, 'automations').forecast(id, count)), byId),
  'automation/history': row('nothing, the `id`, or JSON: `id`, `count`', '`runs`, newest first', z.strictObject({ id: Id.optional(), count: Count.default(20) }), ({ automations }, { id = null, count }) => ({ runs: need(automations, 'automations').history(id, count).map(runView) }), byId),
  guest_mode: row('ON, OFF, or `{"enabled": …}`', 'what is so now', z.strictObject({ enabled: On }), async ({ automations }, { enabled }) => {
    await need(automations, 'automations').setGuestMode(enabled);
    return { guest_mode: enabled };
  }, (enabled) => ({ enabled })),
  restart: row('anything', '– ; what was wrong with the configuration, if it cannot be used', z.unknown(), async ({ control }) => {
    await need(control, 'restarting').restart();
    return {};
  }),
  log_level: row(`${logLevels.join(', ')}, or \`{"level": …}\``, 'what is so now, until the next start', z.strictObject({ level: z.enum(logLevels) }), ({ control }, { level }) => {
    need(control, 'changing the log level').setLogLevel(level);
    return { log_level: level };
  }, (level) => ({ level })),
  options: row(
    'JSON: `options`, settings [that can be changed from outside](configuration.md#changed-from-outside), as in the configuration; null for the default. Or `log_level`, until the next start',
    '`restarting`: they are in the configuration now, and Tonearm restarts within itself to use them; `restart_required`: somebody else has changed the file since; `log_level`',
    z.strictObject({ options: z.record(z.string(), z.unknown()).default({}), log_level: z.enum(logLevels).optional() }),
    async ({ control }, { options, log_level: level }) => {
      const daemon = need(control, 'options');
      const { restarts } = await daemon.changeOptions(options);
      if (level) daemon.setLogLevel(level);
      return { log_level: daemon.logLevel, restarting: restarts, restart_required: !restarts && daemon.restartRequired };
    },
  ),
  backup: row('anything', '`zip`, a backup as base64, for `tonearm restore`; `left_out`: what is secret and so not in it', z.unknown(), async ({ control }) => {
    const { zip, leftOut } = await need(control, 'backups').backup();
    return { zip: base64(zip), left_out: leftOut };
  }),
  'player/add': row('the name, or JSON: `name`, optional `id`', '`id`; Tonearm restarts within itself', z.strictObject({ name: z.string().trim().min(1).max(100), id: ZoneId.optional() }), async ({ control }, zone) => ({ id: await need(control, 'adding zones').addZone(zone) }), (name) => ({ name })),
  'player/remove': row('the `id`', '– ; Tonearm restarts within itself', z.strictObject({ id: ZoneId }), async ({ control }, { id }) => {
    await need(control, 'removing zones').removeZone(id);
    return { id };
  }, byId),
  'player/rename': row('JSON: `from` (id), `to` (new name)', '– ; the id, and so the topics, stay', z.strictObject({ from: ZoneId, to: z.string().trim().min(1).max(100) }), async ({ control }, { from, to }) => {
    await need(control, 'renaming zones').changeZone(from, { name: to });
    return { id: from, name: to };
  }),
  'player/options': row(
    'JSON: `id`, `options` (any of `bitrate`, `normalisation`, `autoplay`, `volume`, `device`, as in the configuration; null for the default)',
    '– ; they are in the configuration now; Tonearm restarts within itself',
    z.strictObject({ id: ZoneId, options: z.record(z.string(), z.unknown()) }),
    async ({ control }, { id, options }) => {
      await need(control, 'changing zones').changeZone(id, { options });
      return { id };
    },
  ),
  extract_log: row('nothing, or JSON: `count` (1 to 500), `level`', '`lines`, oldest first, without secrets', z.strictObject({ count: z.int().min(1).max(500).default(100), level: z.enum(logLevels).default('debug') }), ({ lines }, { count, level }) => {
    const least = logLevels.indexOf(level);
    const kept = need(lines, 'reading the log').recent.filter((line) => logLevels.indexOf(line.level) >= least).slice(-count);
    return { lines: kept.map(({ at, part, ...line }) => ({ at: new Date(at).toISOString(), namespace: part, ...line })) };
  }),
};

/** Requests that other bridges know, and why there are none here. */
const otherBridges: ReadonlyMap<string, string> = new Map([
  ['library/rescan', 'There is no library here to look through.'],
]);

/** Has it done; throws or rejects with a `TonearmError` that says why not. */
export function answerRequest(ports: RequestPorts, name: string, { argument, fields }: Pick<BridgeRequest, 'argument' | 'fields'>, signal: AbortSignal): Answer | Promise<Answer> {
  const given = argument ?? Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'transaction'));
  const [group, asked = ''] = name.split('/');
  if (ports.accounts && group === 'account' && isAccountRequest(asked)) return answerAccountRequest(ports.accounts, asked, given, maskUser, signal);
  const found = Object.hasOwn(bridgeRequests, name) ? bridgeRequests[name] : undefined;
  if (found) return found.run(ports, given, signal);
  const otherwise = otherBridges.get(name);
  if (otherwise !== undefined) throw new MqttError('unavailable', 'mqtt/not-supported', otherwise);
  throw new MqttError('not-found', 'mqtt/unknown-request', `There is no request "${name.slice(0, 64)}". Known are ${Object.keys(bridgeRequests).join(', ')}, and those below account/.`);
}

function need<T>(port: T | undefined, what: string): T {
  if (port !== undefined) return port;
  throw new MqttError('unavailable', 'mqtt/not-here', `This Tonearm was started without ${what}, so the request cannot be answered.`);
}

function tagsOf(automations: Automations | undefined): Tags {
  if (automations?.tags) return automations.tags;
  throw new MqttError('unavailable', 'mqtt/not-here', 'Tags are not set up. Put a section "tags" into the configuration; "tags: {}" is enough.');
}

async function enable(automations: Automations | undefined, { id, all, enabled }: { readonly id: string | undefined; readonly all: true | undefined; readonly enabled: boolean }): Promise<Answer> {
  // Everything at once is never what an empty message means.
  if ((id === undefined) === (all === undefined)) throw new MqttError('invalid', 'mqtt/bad-request', 'Say which automation is meant: "id", or "all": true.');
  await need(automations, 'automations').enable(id ?? null, enabled);
  return { ...(id === undefined ? { all: true } : { id }), enabled };
}

async function playPreset({ zones, presets }: RequestPorts, { preset, zone }: { readonly preset: string; readonly zone?: string | undefined }, signal: AbortSignal): Promise<Answer> {
  const known = need(presets, 'presets');
  const wanted = zones.filter(({ id }) => (zone === undefined || id === zone) && known.find(preset, id) !== null);
  if (wanted.length === 0) throw new MqttError('not-found', 'mqtt/no-such-preset', `There is no preset "${preset}"${zone === undefined ? '' : ` in the zone "${zone.slice(0, 64)}"`}. Look at bridge/presets for those there are.`);
  const outcomes = await Promise.allSettled(wanted.map(({ player }) => player.dispatch([{ kind: 'preset', preset }], 'mqtt', signal)));
  const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  // Some zones may have no account; that must not look as if nothing had happened.
  if (failed.length === wanted.length) throw failed[0] instanceof Error ? failed[0] : new TonearmError({ kind: 'internal', code: 'mqtt/command-failed', message: 'The preset could not be played.' });
  return { zones: Object.fromEntries(wanted.map(({ id }, at) => [id, outcomes[at]?.status === 'fulfilled' ? 'ok' : 'failed'])) };
}
