import { isPair, isScalar, visit, type Document, type Node } from 'yaml';
import { Secret } from '#foundation';
import type { LoadedConfig } from './load.ts';
import { formatPath, type Path } from './problem.ts';
import { anchorsIn, freeOf } from './yaml-edit.ts';

const mark = ' left out of the backup';
const gone = '(left out)';

export interface WithoutSecrets {
  readonly text: string;
  /** Keys whose values are not in it. */
  readonly leftOut: readonly string[];
}

/** Left out also where the environment says something else, so that the file's own value is never looked at. */
const secretKeys: readonly Path[] = [['mqtt', 'password'], ['broker', 'password'], ['network', 'proxy'], ['http', 'keys'], ['store', 'secret'], ['store', 'previousSecret']];

/** The file as written, comments kept, with nothing secret in it: values, passwords in addresses, and what comments give away. */
export function withoutSecrets({ config, file: { document } }: LoadedConfig): WithoutSecrets {
  const secrets = secretsIn(config, []);
  const texts = secrets.map(({ text }) => text);
  const leftOut: string[] = [];
  // A secret may stand in one place and be meant in another.
  freeOf(document, anchorsIn(document.contents));
  for (const key of new Map([...secretKeys, ...secrets.map(({ path }) => path)].flatMap(placesOf).map((path) => [formatPath(path), path])).values()) {
    const written = document.getIn(key) ?? null;
    if (written === null) continue;
    if (typeof written === 'string') texts.push(written);
    const empty = document.createNode(null);
    empty.comment = mark;
    document.setIn(key, empty);
    leftOut.push(formatPath(key));
  }
  const said = texts.filter((text) => text.length >= 4);
  leftOut.push(...hidden(document, said));
  document.commentBefore = told(document.commentBefore, said);
  document.comment = told(document.comment, said);
  return { text: document.toString({ lineWidth: 0 }), leftOut: [...new Set(leftOut)].sort() };
}

/** Every setting that is a secret by its kind. */
function secretsIn(part: unknown, path: Path): { readonly path: Path; readonly text: string }[] {
  if (part instanceof Secret) return [{ path, text: String((part as Secret<unknown>).reveal()) }];
  if (typeof part !== 'object' || part === null) return [];
  if (Array.isArray(part)) return part.flatMap((one: unknown, index) => secretsIn(one, [...path, index]));
  return Object.entries(part).flatMap(([key, one]) => secretsIn(one, [...path, key]));
}

/** What has to go with a secret, so that what is left can be used: the list it is in; and a broker without password stays on this machine. */
function placesOf(path: Path): Path[] {
  const inList = path.findIndex((part) => typeof part === 'number');
  if (inList >= 0) return [path.slice(0, inList)];
  return formatPath(path) === 'broker.password' ? [path, ['broker', 'username'], ['broker', 'address']] : [path];
}

/** Mends values and comments in place; gives what is to be told of it. */
function hidden(document: Document, texts: readonly string[]): string[] {
  const found: string[] = [];
  visit(document, {
    Node(_key, node: Node, ancestors) {
      node.comment = told(node.comment ?? null, texts);
      node.commentBefore = told(node.commentBefore ?? null, texts);
      if (!isScalar(node) || typeof node.value !== 'string') return;
      // The name is no secret, and the value is in another file, which stays where it is.
      if (node.tag === '!secret') found.push(`secrets.yaml: ${node.value}`);
      const without = withoutPassword(node.value);
      if (without === node.value) return;
      node.value = without;
      found.push(`${formatPath(ancestors.flatMap((one) => (isPair(one) && isScalar(one.key) ? [String(one.key.value)] : [])))} (a password in an address)`);
    },
  });
  return found;
}

/** `http://user:password@host` without the password. */
export const withoutPassword = (text: string) => text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"]*):[^\s/?#@"]+@/gi, '$1@');

/** Comments keep settings of other days. */
function told(comment: string | null, texts: readonly string[]): string | null {
  if (comment === null) return null;
  const lines = withoutPassword(comment).split('\n').map((line) => line.replace(/(\b\w*(?:password|passwd|secret|token|key)["']?\s*[:=]\s*)(?!!secret\b)[^\s].*$/i, `$1${gone}`));
  return texts.reduce((rest, text) => rest.replaceAll(text, gone), lines.join('\n'));
}
