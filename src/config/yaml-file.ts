import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair, type ScalarTag } from 'yaml';
import { formatPath, type ConfigProblem, type Path, type Place } from './problem.ts';

export interface YamlFile {
  /** Plain data: references resolved, settings without a value left out. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly problems: readonly ConfigProblem[];
  /** As written, with comments: for changing settings without touching anything else. */
  readonly document: Document;
  /** Where a setting stands; with `key` the place of its name instead of its value. A setting that is missing is looked for at its parent. */
  locate(path: Path, key?: boolean): Place;
  /** The letters of a number, true or false as they stand in the file: for settings that are text. */
  lettersAt(path: Path): string | null;
}

/** What values may refer to. Each gives null for a name it does not know. */
export interface References {
  /** `${NAME}` */
  variable(name: string): string | null;
  /** `!secret name` */
  secret(name: string): string | null;
}

/** More than this is no configuration any more (and aliases could make it endless). */
const mostNodes = 20_000;

/** A reference to the environment; with two signs the text itself is meant. */
const reference = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** What has to be written so that exactly this text is read: a name somebody gives must not look into our environment. */
export function plainText(text: string): string {
  return text.replace(reference, (whole) => `$${whole}`);
}

const secretTag: ScalarTag = { tag: '!secret', resolve: (text: string) => text };

export function parseYaml(text: string, file: string, references: References): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, customTags: [secretTag], uniqueKeys: true });
  const problems: ConfigProblem[] = [];
  const places = new Map<string, { readonly value: number; readonly key: number }>();
  const letters = new Map<string, string>();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problem = (offset: number, path: Path, message: string, suggestion: string | null = null) => {
    problems.push({ place: placeAt(offset), key: formatPath(path), message, suggestion });
  };
  for (const error of [...document.errors, ...document.warnings]) problem(error.pos[0], [], sentence(error.message));

  let nodes = 0;
  const read = (node: Node | null, path: Path): unknown => {
    nodes += 1;
    if (nodes > mostNodes) return undefined;
    if (isAlias(node)) return read(node.resolve(document) ?? null, path);
    if (isMap(node)) {
      const entries: [string, unknown][] = [];
      for (const pair of node.items as Pair<Node, Node | null>[]) {
        const name = isScalar(pair.key) ? String(pair.key.value) : pair.key.toString();
        const keyAt = pair.key.range?.[0] ?? 0;
        const inner = [...path, name];
        places.set(formatPath(inner), { key: keyAt, value: pair.value?.range?.[0] ?? keyAt });
        const value = read(pair.value, inner);
        // `mqtt:` with everything below commented out means: not set.
        if (value !== null && value !== undefined) entries.push([name, value]);
      }
      return Object.fromEntries(entries);
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const inner = [...path, index];
        const at = (item as Node).range?.[0] ?? 0;
        places.set(formatPath(inner), { key: at, value: at });
        return read(item as Node, inner);
      });
    }
    if (!isScalar(node)) return null;
    const offset = node.range?.[0] ?? 0;
    if (node.tag === '!secret') {
      const name = String(node.value);
      const found = references.secret(name);
      if (found === null) problem(offset, path, `the secret "${name}" is not in secrets.yaml beside this file.`);
      return found;
    }
    if (typeof node.value !== 'string') {
      // Null is no text: it says that there is none.
      if (node.source !== undefined && node.value !== null) letters.set(formatPath(path), node.source);
      return node.value;
    }
    return node.value.replace(reference, (whole, escape: string, name: string, fallback: string | undefined) => {
      if (escape !== '') return whole.slice(1);
      const found = references.variable(name) ?? fallback;
      if (found === undefined) problem(offset, path, `there is no variable "${name}" in the environment. (Write $\${${name}} if the text itself is meant.)`);
      return found ?? '';
    });
  };

  const root = document.errors.length > 0 ? {} : read(document.contents, []);
  if (nodes > mostNodes) problem(0, [], `there are more than ${mostNodes} values in it.`);
  const isObject = typeof root === 'object' && root !== null && !Array.isArray(root);
  if (!isObject && root !== null && root !== undefined) problem(0, [], 'the file must hold settings of the form "name: value".');

  return {
    value: isObject ? (root as Record<string, unknown>) : {},
    problems,
    document: document,
    lettersAt: (path) => letters.get(formatPath(path)) ?? null,
    locate(path, key = false) {
      for (let length = path.length; length > 0; length--) {
        const found = places.get(formatPath(path.slice(0, length)));
        if (found) return placeAt(key || length < path.length ? found.key : found.value);
      }
      return placeAt(0);
    },
  };
}

/** The parser's words, made to end like ours. */
function sentence(text: string): string {
  const first = text.split('\n')[0] ?? text;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
