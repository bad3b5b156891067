import type { z } from 'zod';
import { nearest } from './nearest.ts';
import type { Path } from './problem.ts';
import { alternatives, keysOf, nodesAt } from './schema-tree.ts';

export interface Explanation {
  readonly path: Path;
  readonly message: string;
  readonly suggestion: string | null;
  /** The name of the setting is what is wrong, not its value. */
  readonly aboutKey: boolean;
}

type Issue = z.core.$ZodIssue;

/** Turns what the schema says into sentences for people; one issue may be several. */
export function explain(issue: Issue, root: unknown, base: Path = []): Explanation[] {
  const path: Path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  const about = (message: string, suggestion: string | null = null): Explanation[] => [{ path, message, suggestion, aboutKey: false }];
  const found = valueAt(root, path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysOf(nodesAt(path));
      const present = typeof found === 'object' && found !== null ? Object.keys(found) : [];
      return issue.keys.map((key) => {
        const advice = loginAdvice(key, path, present.length === 0 ? undefined : (found as Readonly<Record<string, unknown>>)[key]);
        if (advice !== null) return { path: [...path, key], message: advice, suggestion: null, aboutKey: true };
        const near = nearest(key, known.filter((name) => !present.includes(name))) ?? nearest(key, known);
        const list = near === null && known.length <= 12 ? ` Known here: ${known.join(', ')}.` : '';
        return { path: [...path, key], message: `there is no setting of this name.${list}`, suggestion: near, aboutKey: true };
      });
    }
    case 'invalid_type':
      return about(found === undefined ? `${expectation(issue.expected)} is missing.` : `must be ${expectation(issue.expected)}, but is ${show(found)}.`);
    case 'invalid_value':
      return choice(issue.values);
    case 'too_small':
      return about(issue.origin === 'string' ? 'must not be empty.' : issue.origin === 'array' ? `needs at least ${issue.minimum} of these.` : `must be ${issue.minimum} or more, but is ${show(found)}.`);
    case 'too_big':
      return about(
        issue.origin === 'string' ? `must not be longer than ${issue.maximum} characters.` : issue.origin === 'array' ? `takes at most ${issue.maximum} of these.` : `must be ${issue.maximum} or less, but is ${show(found)}.`,
      );
    // A name people choose themselves, in a list of such names.
    case 'invalid_key':
      return [{ path, message: ended(issue.issues[0]?.message ?? issue.message), suggestion: null, aboutKey: true }];
    case 'invalid_union': {
      const kinds = choicesAt([...path]);
      const branches = issue.errors.filter((errors) => errors.length > 0);
      // Only literals to choose from, or a discriminator that names no branch.
      if (branches.length === 0 || branches.every((errors) => errors.every((one) => one.code === 'invalid_value' && one.path.length === 0))) {
        const values = branches.flatMap((errors) => errors.flatMap((one) => (one.code === 'invalid_value' ? one.values : [])));
        return choice(values.length > 0 ? values : kinds);
      }
      // The branch that got furthest is the one that was meant: of the right shape, with everything it cannot do without, with the fewest faults.
      const isMissing = (one: Issue) => one.code !== 'unrecognized_keys' && one.path.length === 1 && valueAt(found, one.path as Path) === undefined;
      const faults = (branch: readonly Issue[]) => branch.length + (branch.some((one) => one.path.length === 0 && one.code !== 'unrecognized_keys') ? 2000 : 0) + (branch.some(isMissing) ? 1000 : 0);
      const best = branches.reduce((first, one) => (faults(one) < faults(first) ? one : first));
      // Where the name that tells the kinds apart is misspelt, that is what is wrong, and not that it is missing.
      const isMisspelt = best.some(isMissing) && best.some(({ code }) => code === 'unrecognized_keys');
      const meant = isMisspelt ? best.filter((one) => !isMissing(one)) : best;
      return meant.flatMap((one) => explain(one, root, path));
    }
    default:
      return about(ended(issue.message));
  }

  function choice(values: readonly unknown[]): Explanation[] {
    const words = values.map(String);
    // Without quotes YAML takes this one for no value at all.
    const shown = list(words.map((word) => (word === 'null' ? '"null"' : word)));
    if (found === undefined) return about(`is missing; it can be ${shown}.`);
    return about(`must be ${shown}, but is ${show(found)}.`, typeof found === 'string' ? nearest(found, words) : null);
  }
}

const passwordKeys: ReadonlySet<string> = new Set(['username', 'user', 'user_name', 'email', 'password', 'pass', 'passwd', 'credentials']);
const tokenKeys: ReadonlySet<string> = new Set(['token', 'accesstoken', 'access_token', 'spotify_token', 'refresh_token', 'refreshtoken']);

/** Where people put a Spotify login that other receivers once took. Null for any other key. */
function loginAdvice(key: string, path: Path, value: unknown): string | null {
  const isPlace = path.length === 0 || path[0] === 'zones' || path[0] === 'accounts' || path[0] === 'login';
  if (!isPlace) return null;
  const name = key.toLowerCase();
  const inside = name === 'spotify' && typeof value === 'object' && value !== null ? Object.keys(value).map((one) => one.toLowerCase()) : [];
  if (passwordKeys.has(name) || inside.some((one) => passwordKeys.has(one))) {
    return 'Spotify no longer takes user name and password from speakers (since July 2024), so nothing was tried with them. Remove this; pick the speaker in the Spotify app, or run "tonearm login" (docs/accounts.md).';
  }
  if (tokenKeys.has(name) || inside.some((one) => tokenKeys.has(one))) {
    return 'a token of an account does not belong into this file, and ends after an hour. Remove it; pick the speaker in the Spotify app, or run "tonearm login" (docs/accounts.md).';
  }
  return null;
}

function choicesAt(path: Path): unknown[] {
  return [...new Set(nodesAt(path).flatMap(alternatives).flatMap((node) => (node.const !== undefined ? [node.const] : [...(node.enum ?? [])])))];
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined), root);
}

function expectation(type: string): string {
  switch (type) {
    case 'object':
    case 'record':
      return 'a group of settings ("name: value" lines, indented)';
    case 'array':
      return 'a list (each entry beginning with "- ")';
    case 'string':
      return 'a text';
    case 'number':
      return 'a number';
    case 'int':
      return 'a whole number';
    case 'boolean':
      return 'true or false';
    default:
      return `of the type ${type}`;
  }
}

/** Secrets are short texts too: what is shown of a text is cut. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 37)}…` : value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of settings';
  return String(value);
}

function list(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

function ended(text: string): string {
  const lower = text.charAt(0).toLowerCase() + text.slice(1);
  return /[.!?]$/.test(lower) ? lower : `${lower}.`;
}
