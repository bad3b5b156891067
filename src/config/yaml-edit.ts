import { isDeepStrictEqual } from 'node:util';
import { isAlias, isMap, isNode, isScalar, visit, type Document, type Node, type YAMLMap } from 'yaml';
import { ConfigError } from './problem.ts';
import { plainText } from './yaml-file.ts';

/** No setting lies deeper, by far. */
const deepest = 32;

/** Puts settings into a group, at any depth, and keeps what is not named and the comments. Null takes one out, for the default. */
export function mergeInto(document: Document, group: YAMLMap, settings: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(settings)) {
    const wanted = plainTexts(value);
    const written = group.get(key, true);
    if (isWritten(document, written, wanted)) continue;
    freeOf(document, isAlias(written) ? new Set([written.source]) : anchorsIn(written));
    const inner = group.get(key, true);
    if (value === null) group.delete(key);
    else if (isMap(inner) && isRecord(value)) mergeInto(document, inner, value);
    else if (isRecord(value)) putGroup(document, group, key, value);
    // As it stands there, with the comment beside it.
    else if (isScalar(inner) && inner.tag === undefined && typeof value !== 'object') inner.value = wanted;
    else group.set(key, withCommentsOf(inner, document.createNode(wanted)));
  }
}

/** A group that is not there yet. Nulls take nothing out of it; one of nothing else is not made. */
function putGroup(document: Document, group: YAMLMap, key: string, settings: Readonly<Record<string, unknown>>): void {
  const made = document.createNode({}) as unknown as YAMLMap;
  mergeInto(document, made, settings);
  if (made.items.length > 0 || Object.keys(settings).length === 0) group.set(key, withCommentsOf(group.get(key, true), made));
}

export function withCommentsOf(written: unknown, node: Node): Node {
  return isNode(written) ? Object.assign(node, { commentBefore: written.commentBefore, spaceBefore: written.spaceBefore, comment: written.comment }) : node;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether exactly this stands there. */
export const isWritten = (document: Document, node: unknown, value: unknown): boolean => isNode(node) && isDeepStrictEqual(node.toJS(document), value);

/** What somebody sends must not look into our environment, at any depth; and that depth must not overwhelm us. */
export function plainTexts(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return plainText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === deepest) throw new ConfigError('config/invalid', 'What was sent is nested too deeply. Nothing was changed.');
  if (Array.isArray(value)) return value.map((one) => plainTexts(one, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainTexts(one, depth + 1)]));
}

/** Names that aliases elsewhere may refer to. */
export function anchorsIn(part: unknown): ReadonlySet<string> {
  const anchors = new Set<string>();
  if (isNode(part)) visit(part, { Value: (_key, { anchor }) => void anchors.add(anchor ?? '') });
  anchors.delete('');
  return anchors;
}

/** Writes out what aliases to these anchors stand for: what they refer to goes away, or is no more the same. */
export function freeOf(document: Document, anchors: ReadonlySet<string>): void {
  if (anchors.size === 0) return;
  visit(document, {
    Alias(_key, alias) {
      const copy = anchors.has(alias.source) ? alias.resolve(document)?.clone() : undefined;
      if (copy) visit(copy as Node, { Value: (_at, node) => { delete node.anchor; } });
      return copy as Node | undefined;
    },
  });
}
