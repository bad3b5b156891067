import { isAlias, isCollection, isPair, isScalar, visit, type Document, type Node, type Scalar } from 'yaml';
import { Secret } from '#foundation';
import type { LoadedConfig } from './load.ts';
import { formatPath, type Path } from './problem.ts';
import { anchorsIn, freeOf } from './yaml-edit.ts';

const mark = ' left out of the backup';

export interface WithoutSecrets {
  readonly text: string;
  /** Keys whose values are not in it. */
  readonly leftOut: readonly string[];
}

/** Looked for also where the environment says something else and hides the file's own value. */
const secretKeys: readonly Path[] = [['mqtt', 'password'], ['broker', 'password'], ['network', 'proxy'], ['store', 'secret'], ['store', 'previousSecret'], ['holidays', 'urls']];

/** The file with nothing secret in it: no secret settings, no logins in addresses, and no comments, as these keep settings of other days. */
export function withoutSecrets({ config, file: { document } }: LoadedConfig): WithoutSecrets {
  withoutComments(document);
  const secrets = [...secretKeys, ...keysOf(document), ...secretsIn(config, [])].filter((path) => isSet(document, path));
  const places = secrets.flatMap(placesOf).filter((path) => isSet(document, path));
  // First where they are: what aliases elsewhere stand for goes with them.
  for (const path of secrets) visit(nodeAt(document, path), { Scalar: (_key, scalar) => void blank(scalar) });
  freeOf(document, anchorsIn(document.contents));
  for (const path of places) document.setIn(path, blank(document.createNode(null)));
  const leftOut = cleaned(document);
  return { text: document.toString({ lineWidth: 0 }), leftOut: [...new Set(leftOut)].sort() };
}

function withoutComments(document: Document): void {
  const none = { comment: null, commentBefore: null };
  Object.assign(document, none);
  visit(document, { Node: (_key, node) => void Object.assign(node, none) });
}

/** Every setting that is a secret by its kind. */
function secretsIn(part: unknown, path: Path): Path[] {
  if (part instanceof Secret) return [path];
  if (typeof part !== 'object' || part === null) return [];
  if (Array.isArray(part)) return part.flatMap((one: unknown, index) => secretsIn(one, [...path, index]));
  return Object.entries(part).flatMap(([key, one]) => secretsIn(one, [...path, key]));
}

function keysOf(document: Document): Path[] {
  const list = nodeAt(document, ['http', 'keys']);
  return isCollection(list) ? list.items.map((_item, index) => ['http', 'keys', index, 'key']) : [];
}

/** What stands there, through aliases. */
function nodeAt(document: Document, path: Path): Node | null {
  return path.reduce<Node | null>((node, key) => (isCollection(node) ? meant(document, node.get(key, true)) : null), meant(document, document.contents));
}

const meant = (document: Document, node: unknown): Node | null => (isAlias(node) ? node.resolve(document) ?? null : isScalar(node) || isCollection(node) ? node : null);

function isSet(document: Document, path: Path): boolean {
  const node = nodeAt(document, path);
  return node !== null && !(isScalar(node) && node.value === null);
}

function blank(scalar: Scalar): Scalar {
  delete scalar.tag;
  return Object.assign(scalar, { value: null, comment: mark });
}

/** What has to go with a secret, so that what is left can be used: the list it is in; and a broker without password stays on this machine. */
function placesOf(path: Path): Path[] {
  const inList = path.findIndex((part) => typeof part === 'number');
  if (inList >= 0) return [path.slice(0, inList)];
  return formatPath(path) === 'broker.password' ? [path, ['broker', 'username'], ['broker', 'address']] : [path];
}

/** Cuts logins out of addresses, in place; gives what is to be told of this document. */
function cleaned(document: Document): string[] {
  const found: string[] = [];
  visit(document, {
    Scalar(role, node, ancestors) {
      const key = formatPath(ancestors.flatMap((one) => (isPair(one) && isScalar(one.key) ? [String(one.key.value)] : [])));
      if (node.comment === mark) found.push(key);
      if (typeof node.value !== 'string') return;
      // The name is no secret, and the value is in another file, which stays where it is.
      if (node.tag === '!secret') return void found.push(`secrets.yaml: ${node.value}`);
      if (role !== 'key' && isSecretHeader(key)) {
        blank(node);
        return void found.push(key);
      }
      const without = withoutLogin(node.value);
      if (without === node.value) return;
      node.value = without;
      found.push(`${key} (a login in an address)`);
    },
  });
  return found;
}

const secretName = /token|secret|passw|pwd|^pass$|key$|auth(?!or$)|sig$|signature|credential/i;

/** What a request of a rule says of who asks, and what a program is told in secret: `automations.then.headers.authorization`. */
function isSecretHeader(key: string): boolean {
  const [, name] = /\.(?:headers|environment)\.(.+)$/.exec(key) ?? [];
  return name !== undefined && (secretName.test(name) || /cookie|(?:^|_)(?:pass|pin|pw)$/i.test(name));
}

/** Addresses without user and password, and without values of parameters such as `token`. */
export function withoutLogin(text: string): string {
  if (!/:[/\\]/.test(text)) return text;
  // A text that is an address as a whole may hold blanks and quotes in its password; one that mentions an address ends it there.
  const isAddress = /^\s*[a-z][a-z0-9+.-]*:[/\\]/i.test(text);
  return (isAddress ? text.replace(/^([^/\\]*[/\\]+)[^/\\?#]*@/, '$1') : text)
    .replace(/:\/\/[^\s"/?#]*@/g, '://')
    .replace(isAddress ? /([?&#;])([^?&#;=]+)=[^&#]+/g : /([?&#;])([^\s"?&#;=]+)=[^\s"&#]+/g, (whole, sign: string, name: string) => (secretName.test(name) ? `${sign}${name}=` : whole));
}
