import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { AutomationsSettings } from '#automations';
import { applyEnvironment, hasOverrides, placed, type Environment } from './environment.ts';
import { explain } from './explain.ts';
import { suggestionFor } from './nearest.ts';
import { ConfigError, formatPath, formatProblem, type ConfigProblem, type Path } from './problem.ts';
import { loadSettingsSchema } from './schema-tree.ts';
import { PlainSettings } from './settings.ts';
import { slugOf } from './slug.ts';
import { parseYaml, type YamlFile } from './yaml-file.ts';

export type ZoneConfig = PlainSettings['zones'][number] & { readonly id: string };

/** Everything Tonearm was told, checked and complete. */
export type Config = Omit<PlainSettings, 'zones' | 'data' | 'discovery'> & {
  /** Null when none of it is set. */
  readonly automations: AutomationsSettings | null;
  readonly zones: readonly ZoneConfig[];
  /** Absolute path of the folder for what is kept. */
  readonly data: string;
  readonly discovery: Omit<PlainSettings['discovery'], 'address'> & { /** Where the pairing port listens. */ readonly address: string };
};

export interface ConfigSource {
  readonly path: string;
  readonly environment: Environment;
  /** Used when neither the file nor the environment names a data folder. */
  readonly defaultData: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly path: string;
  /** The file as written, for changing it later without losing comments. */
  readonly file: YamlFile;
  readonly text: string;
}

/**
 * Reads, completes and checks the configuration. Rejects with `ConfigError`: `config/file-missing`, `config/file-unreadable`, or
 * `config/invalid` with every problem in it. Never writes anything.
 */
export async function loadConfig(source: ConfigSource): Promise<LoadedConfig> {
  return checkConfig(await readText(source.path), source);
}

/** The same of a text that is to become the file. */
export async function checkConfig(text: string, { path, environment, defaultData }: ConfigSource): Promise<LoadedConfig> {
  const file = parseYaml(text, path, {
    variable: (name) => environment[name] ?? null,
    secret: secretsBeside(path),
  });
  if (hasOverrides(environment)) await loadSettingsSchema();
  const overrides = applyEnvironment(file.value, environment);
  const placeOf = (at: Path, aboutKey: boolean) => {
    const variable = overrides.variableOf(at);
    return variable === null ? file.locate(at, aboutKey) : { variable };
  };
  const problems: ConfigProblem[] = [...file.problems, ...overrides.problems];
  const { parsed, value } = await parse(overrides.value, file);
  // What the parser could not read would only be reported a second time as missing.
  const readable = file.document.errors.length === 0;
  if (!parsed.success && readable) {
    await loadSettingsSchema(); // names and kinds of all settings, for saying what was meant
    const said = new Set(problems.map(({ key }) => key));
    for (const { path: at, aboutKey, ...rest } of parsed.error.issues.flatMap((issue) => explain(issue, value))) {
      if (!said.has(formatPath(at))) problems.push({ place: placeOf(at, aboutKey), key: formatPath(at), ...rest });
    }
  }
  if (readable) {
    for (const { path: at, message } of [...repeatedIds('zones', overrides.value), ...repeatedIds('presets', overrides.value)]) problems.push({ place: placeOf(at, false), key: formatPath(at), message, suggestion: null });
  }
  if (parsed.success && parsed.automations) {
    const { automationProblems } = await import('#automations');
    for (const { path: at, message, name } of await automationProblems(parsed.automations, parsed.data.zones.map(({ id, name }) => id ?? slugOf(name)))) problems.push({ place: placeOf(at, false), key: formatPath(at), message, suggestion: suggestionFor(name) });
  }
  if (!parsed.success || problems.length > 0) throw invalid(path, problems);
  const { zones, data, discovery, cloud, sounds, ...rest } = parsed.data;
  const { automations } = parsed;
  const folder = dirname(resolve(path));
  const config: Config = {
    ...rest,
    automations: automations && { ...automations, holidays: automations.holidays && { ...automations.holidays, files: automations.holidays.files.map((one) => resolve(folder, one)) } },
    sounds: { ...sounds, folders: sounds.folders.map((one) => resolve(folder, one)) },
    zones: zones.map((zone) => ({ ...zone, id: zone.id ?? slugOf(zone.name) })),
    data: data === undefined ? defaultData : resolve(folder, data),
    discovery: { ...discovery, address: discovery.address ?? (isLoopbackOnly(discovery.interfaces) ? '127.0.0.1' : '::') },
    cloud: cloud?.certificates === undefined ? cloud : { ...cloud, certificates: await certificates(cloud.certificates, folder) },
  };
  return { config, path, file, text };
}

type Parsed =
  | { readonly success: true; readonly data: PlainSettings; readonly automations: AutomationsSettings | null }
  | { readonly success: false; readonly error: z.core.$ZodError };

const automationKeys: readonly (keyof AutomationsSettings)[] = ['automations', 'alarms', 'presence', 'location', 'quietHours', 'holidays', 'tags'];

/** Checks what was written, taking letters where a text is wanted; `value` is what was looked at in the end. */
async function parse(written: Readonly<Record<string, unknown>>, file: YamlFile): Promise<{ readonly parsed: Parsed; readonly value: unknown }> {
  const isPlain = automationKeys.every((key) => written[key] === undefined);
  const plain = isPlain ? PlainSettings.safeParse(written) : null;
  if (plain?.success) return { parsed: { ...plain, automations: null }, value: written };
  const { Settings } = await import('./whole-settings.ts');
  const first = Settings.safeParse(written);
  const value = first.success ? written : withTexts(written, first.error.issues, file);
  const last = value === written ? first : Settings.safeParse(value);
  if (!last.success) return { parsed: last, value };
  const { automations, alarms, presence, location, quietHours, holidays, tags, ...data } = last.data;
  return { parsed: { success: true, data, automations: isPlain ? null : { automations, alarms, presence, location, quietHours, holidays, tags } }, value };
}

/** A password such as 0123 is a number to YAML. Where a text is wanted, its letters are taken as they stand. */
function withTexts(value: unknown, issues: readonly z.core.$ZodIssue[], file: YamlFile): unknown {
  return issues.reduce<unknown>((result, issue) => {
    const isText = (issue.code === 'invalid_type' && issue.expected === 'string') || (issue.code === 'invalid_value' && issue.values.every((one) => typeof one === 'string'));
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    const letters = isText ? file.lettersAt(path) : null;
    return letters === null ? result : placed(result, path, letters);
  }, value);
}

export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ConfigError('config/file-missing', `There is no configuration file ${path}. Check the path, or start once without --config to have one made.`);
    throw new ConfigError('config/file-unreadable', `The configuration file ${path} cannot be read (${code ?? 'unknown reason'}). Correct its permissions.`);
  }
}

/** Looks into `secrets.yaml` at the first `!secret`. */
function secretsBeside(path: string): (name: string) => string | null {
  let secrets: YamlFile | null | undefined;
  return (name) => {
    if (secrets === undefined) secrets = readSecrets(join(dirname(path), 'secrets.yaml'));
    if (!secrets || !Object.hasOwn(secrets.value, name)) return null;
    const found = secrets.value[name];
    return typeof found === 'string' ? found : secrets.lettersAt([name]);
  };
}

function readSecrets(path: string): YamlFile | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  const file = parseYaml(text, path, { variable: () => null, secret: () => null });
  if (file.problems.length > 0) throw invalid(path, file.problems);
  return file;
}

function invalid(path: string, problems: readonly ConfigProblem[]): ConfigError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`).join('\n');
  return new ConfigError('config/invalid', `The configuration ${path} has ${count}. Nothing was started or changed.\n${lines}`, problems);
}

/** Two zones of one id would share topics and identity, two presets the name they are asked for by. Looked for in what was written, so that it is said together with everything else. */
function repeatedIds(key: 'zones' | 'presets', written: Readonly<Record<string, unknown>>): { readonly path: Path; readonly message: string }[] {
  const things = written[key];
  if (!Array.isArray(things)) return [];
  const first = new Map<string, number>();
  const found: { readonly path: Path; readonly message: string }[] = [];
  for (const [index, thing] of (things as unknown[]).entries()) {
    if (typeof thing !== 'object' || thing === null) continue;
    const { id, name } = thing as { id?: unknown; name?: unknown };
    const own = typeof id === 'string' ? id : typeof name === 'string' ? slugOf(name.trim(), key.slice(0, -1)) : null;
    if (own === null) continue;
    const before = first.get(own);
    if (before === undefined) first.set(own, index);
    else found.push({ path: [key, index, typeof id === 'string' ? 'id' : 'name'], message: `has the same id as ${key}[${before}], "${own}". Give one of them another name, or an "id" of its own.` });
  }
  return found;
}

function isLoopbackOnly(interfaces: readonly string[]): boolean {
  return interfaces.length > 0 && interfaces.every((one) => one === 'lo' || one.startsWith('127.'));
}

async function certificates(text: string, folder: string): Promise<string> {
  if (text.includes('-----BEGIN ')) return text;
  const path = resolve(folder, text);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError('config/certificates', `The certificates under "cloud" cannot be read from ${path} (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`);
  }
}
