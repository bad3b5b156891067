import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { nearest } from './nearest.ts';
import type { ConfigProblem, Path } from './problem.ts';
import { alternatives, childrenOf, settingsSchema, type SchemaNode } from './schema-tree.ts';

const prefix = 'TONEARM_CONFIG_';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Target {
  readonly path: Path;
  readonly nodes: readonly SchemaNode[];
}

export interface Overrides {
  readonly value: Readonly<Record<string, unknown>>;
  readonly problems: readonly ConfigProblem[];
  /** Which variable a setting came from, if it came from one. */
  variableOf(path: Path): string | null;
  /** Which variable sets this, something in it, or the group it is in. */
  variableNear(path: Path): string | null;
}

export function hasOverrides(environment: Environment): boolean {
  return Object.keys(environment).some((name) => name.startsWith(prefix) && environment[name] !== undefined);
}

/**
 * Lays `TONEARM_CONFIG_<PATH>` over the file's values: `TONEARM_CONFIG_MQTT_URL`, `TONEARM_CONFIG_ZONES_0_NAME`.
 * With `_FILE` at the end the value is read from the file named, for passwords. Nothing of it is written back.
 * With any of them there the schema has to be loaded.
 */
export function applyEnvironment(value: Readonly<Record<string, unknown>>, environment: Environment): Overrides {
  const variables = Object.keys(environment).filter((name) => name.startsWith(prefix) && environment[name] !== undefined).sort();
  const problems: ConfigProblem[] = [];
  const origins: { readonly path: Path; readonly variable: string }[] = [];
  let result: unknown = value;
  for (const variable of variables) {
    const complain = (message: string, suggestion: string | null = null) => problems.push({ place: { variable }, key: '', message, suggestion });
    const words = variable.slice(prefix.length).toLowerCase().split('_');
    const direct = resolve([settingsSchema()], words);
    const fromFile = direct === null && words.at(-1) === 'file' ? resolve([settingsSchema()], words.slice(0, -1)) : null;
    const target = direct ?? fromFile;
    if (!target) {
      complain('there is no setting of this name.', nearest(variable, allVariables()));
      continue;
    }
    let text = environment[variable] ?? '';
    if (fromFile) {
      try {
        // Files made by hand or by Docker end with a line feed that is not part of the password.
        text = readFileSync(text, 'utf8').replace(/\r?\n$/, '');
      } catch (error) {
        complain(`the file ${JSON.stringify(text)} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}).`);
        continue;
      }
    }
    origins.push({ path: target.path, variable });
    result = placed(result, target.path, isText(target.nodes) ? text : asYaml(text));
  }
  return {
    value: result as Record<string, unknown>,
    problems,
    variableOf(path) {
      const origin = origins.findLast(({ path: own }) => own.every((part, index) => path[index] === part));
      return origin?.variable ?? null;
    },
    variableNear(path) {
      return origins.find(({ path: own }) => own.every((part, index) => index >= path.length || path[index] === part))?.variable ?? null;
    },
  };
}

/** Finds the setting a variable means. Keys may hold separators themselves (`client_id`), so words are joined until one fits. */
function resolve(nodes: readonly SchemaNode[], words: readonly string[], path: Path = []): Target | null {
  if (words.length === 0) return path.length > 0 ? { path, nodes } : null;
  for (let count = words.length; count > 0; count--) {
    const word = words.slice(0, count).join('');
    const keys: (string | number)[] = nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {}).filter((key) => squeeze(key) === word));
    if (count === 1 && /^\d{1,2}$/.test(word)) keys.push(Number(word));
    for (const key of new Set(keys)) {
      const children = nodes.flatMap((node) => childrenOf(node, key));
      const found = children.length === 0 ? null : resolve(children, words.slice(count), [...path, key]);
      if (found) return found;
    }
  }
  return null;
}

function squeeze(key: string): string {
  return key.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** A copy with the value at this path. */
export function placed(container: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === 'number') {
    const list = Array.isArray(container) ? [...(container as unknown[])] : [];
    list[key] = placed(list[key], rest, value);
    return list;
  }
  const group = typeof container === 'object' && container !== null && !Array.isArray(container) ? (container as Record<string, unknown>) : {};
  return { ...group, [key]: placed(group[key], rest, value) };
}

/** Text stays as it is, so that a password may look like a number. */
function isText(nodes: readonly SchemaNode[]): boolean {
  const types = nodes.flatMap(alternatives).flatMap((node) => node.type ?? []);
  return types.length > 0 && types.every((type) => type === 'string');
}

function asYaml(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}

function allVariables(): string[] {
  const names: string[] = [];
  const visit = (node: SchemaNode, words: readonly string[]) => {
    for (const one of alternatives(node)) {
      for (const [key, child] of Object.entries(one.properties ?? {})) {
        const inner = [...words, key.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()];
        names.push(prefix + inner.join('_'));
        visit(child, inner);
      }
      if (one.items) visit(one.items, [...words, '0']);
    }
  };
  visit(settingsSchema(), []);
  return [...new Set(names)];
}
