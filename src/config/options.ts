import { TonearmError } from '#foundation';
import { applyEnvironment, hasOverrides, type Environment } from './environment.ts';
import { nearest } from './nearest.ts';
import { ConfigError, formatPath, type Path } from './problem.ts';
import { keysOf, loadSettingsSchema, nodesAt } from './schema-tree.ts';

/**
 * What whoever may ask over MQTT or the API can change. Everything else reaches further than the music and the home: secrets, doors and
 * who may enter, files of this machine, other people's topics, and whatever a slip in it would shut out the one who made it.
 */
const open: readonly string[] = [
  'presets', 'location', 'quietHours', 'holidays.countries', 'holidays.dates', 'accounts', 'log', 'network.friendlyPorts',
  // Not discovery.interfaces: without an address of its own, pairing listens where they say.
  'discovery.exclude', 'discovery.responder',
  'mqtt.artwork', 'mqtt.queue', 'mqtt.logging', 'mqtt.keepalive', 'mqtt.qos', 'mqtt.retain',
  'mqtt.discovery.enabled', 'mqtt.discovery.entities', 'mqtt.discovery.minimum',
];

const secret = 'It holds a secret, and secrets are not sent around.';
const door = 'It says which doors are open, and that is for whoever can write the file.';
const files = 'It reaches files of this machine.';
const broker = 'A mistake in how Tonearm and the broker meet would shut you out of this very way in.';

/** The nearest reason, most precise keys first. */
const reasons: readonly (readonly [key: string, why: string])[] = [
  ['mqtt.password', secret], ['broker.password', secret], ['network.proxy', secret], ['http.keys', secret], ['store', secret],
  ['zones', 'Zones have requests of their own: player/add, player/remove, player/rename and player/options.'],
  ['automations', 'Rules and alarms have requests of their own: automation/set and automation/remove.'],
  ['alarms', 'Rules and alarms have requests of their own: automation/set and automation/remove.'],
  ['presence', 'It hears MQTT with Tonearm\'s own login at the broker.'],
  ['tags', 'It hears MQTT with Tonearm\'s own login at the broker. What tags stand for is learnt with tag/learn.'],
  ['mqtt', broker], ['broker', broker],
  ['http', door], ['login', door], ['discovery', door],
  ['holidays.urls', secret], ['sounds', files], ['holidays', files], ['data', files],
];

export type Options = Readonly<Record<string, unknown>>;

/** Rejects for what is not there, not to be changed from outside, or set by the environment. */
export async function checkOptions(options: Options, environment: Environment): Promise<void> {
  await loadSettingsSchema();
  const overrides = hasOverrides(environment) ? applyEnvironment({}, environment) : null;
  for (const path of leavesOf(options)) {
    const key = formatPath(path).slice(0, 100);
    refuseUnknown(path);
    if (!open.some((one) => isIn(key, one))) throw new TonearmError({ kind: 'invalid', code: 'config/closed-option', message: `"${key}" cannot be changed from outside. ${reasonFor(key)} Change it in the configuration file. Nothing was changed.` });
    const variable = overrides?.variableNear(path) ?? null;
    if (variable !== null) throw new TonearmError({ kind: 'conflict', code: 'config/set-by-environment', message: `"${key}" is set by the environment variable ${variable}, which goes before the configuration file. Change it there. Nothing was changed.` });
  }
}

/** Whether nothing of it needs a restart. */
export const isLive = (options: Options): boolean => leavesOf(options).every((path) => formatPath(path) === 'log.level');

/** No setting lies deeper; what does is as unknown at this depth. */
const deepest = 8;

/** Where values stand; an empty group is one, too: some mean something. */
function leavesOf(group: Options, at: Path = []): Path[] {
  return Object.entries(group).flatMap(([key, value]) => {
    const path = [...at, key];
    const isGroup = path.length < deepest && typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    return isGroup ? leavesOf(value as Options, path) : [path];
  });
}

function refuseUnknown(path: Path): void {
  const from = path.findIndex((_, index) => nodesAt(path.slice(0, index + 1)).length === 0);
  if (from < 0) return;
  const known = keysOf(nodesAt(path.slice(0, from)));
  const near = nearest(String(path[from]), known);
  const advice = near !== null ? ` Did you mean "${near}"?` : known.length > 0 ? ` Known here: ${known.join(', ')}.` : '';
  throw new ConfigError('config/invalid', `There is no setting "${formatPath(path.slice(0, from + 1)).slice(0, 100)}".${advice} Nothing was changed.`);
}

function reasonFor(key: string): string {
  // A whole group is refused for what it is, not for one secret in it.
  return (reasons.find(([one]) => isIn(key, one)) ?? reasons.find(([one]) => isIn(one, key)))?.[1] ?? 'It is for whoever can write the file.';
}

const isIn = (key: string, group: string) => key === group || key.startsWith(`${group}.`);
