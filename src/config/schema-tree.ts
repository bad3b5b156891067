import { z } from 'zod';

/** The part of JSON Schema that zod writes and we read. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly allOf?: readonly SchemaNode[];
  readonly $ref?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

let whole: SchemaNode | undefined;

/** What people may write, as JSON Schema. Made when first needed: a good start needs none of it. */
export async function loadSettingsSchema(): Promise<SchemaNode> {
  const { Settings } = await import('./whole-settings.ts');
  whole ??= z.toJSONSchema(Settings, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => {
      // A value that is turned into something else: people still write text.
      if (zodSchema._zod.def.type === 'transform' && jsonSchema.type === undefined) jsonSchema.type = 'string';
    },
  }) as SchemaNode;
  return whole;
}

/** The same, once it has been loaded. */
export function settingsSchema(): SchemaNode {
  if (!whole) throw new Error('The schema of the settings was not loaded.');
  return whole;
}

/** The node itself, and those it may be instead. */
export function alternatives(node: SchemaNode): SchemaNode[] {
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
  return inner.length === 0 ? [node] : [node, ...inner.flatMap(alternatives)];
}

/** What may stand below this key. */
export function childrenOf(node: SchemaNode, key: string | number): SchemaNode[] {
  return alternatives(node).flatMap((one) => (typeof key === 'number' ? (one.items ? [one.items] : []) : one.properties && Object.hasOwn(one.properties, key) ? [one.properties[key] as SchemaNode] : []));
}

/** Names that may be used as keys in this node. */
export function keysOf(nodes: readonly SchemaNode[]): string[] {
  return [...new Set(nodes.flatMap(alternatives).flatMap((one) => Object.keys(one.properties ?? {})))];
}

/** Everything that may stand at this path. */
export function nodesAt(path: readonly (string | number)[]): SchemaNode[] {
  return path.reduce<SchemaNode[]>((nodes, key) => nodes.flatMap((node) => childrenOf(node, key)), [settingsSchema()]);
}
