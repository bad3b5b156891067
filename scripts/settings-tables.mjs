// The settings as Markdown tables, one per group.

const groups = (node) => [node, ...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

/** What may be written there, in a few words. */
function kindOf(node) {
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(', ');
  const choices = node.anyOf ?? node.oneOf;
  if (choices) {
    const kinds = choices.flatMap((one) => (one.properties?.kind?.const === undefined ? [] : [one.properties.kind.const]));
    return kinds.length > 0 ? `one of the kinds ${kinds.map(code).join(', ')}` : [...new Set(choices.map(kindOf))].join(', ');
  }
  if (node.type === 'array') return `list of ${kindOf(node.items ?? {})}s`;
  if (node.type === 'object') return 'group';
  if (node.type === 'integer' || node.type === 'number') {
    const name = node.type === 'integer' ? 'whole number' : 'number';
    const bounded = Math.abs(node.minimum ?? -Infinity) < 1e9 && Math.abs(node.maximum ?? Infinity) < 1e9;
    return bounded ? `${name} ${node.minimum} to ${node.maximum}` : name;
  }
  if (node.type === 'boolean') return '`true` or `false`';
  return 'text';
}

function defaultOf(node, isRequired) {
  if (node.default !== undefined && typeof node.default !== 'object') return code(node.default);
  if (Array.isArray(node.default) && node.default.length === 0) return 'empty';
  return isRequired ? 'required' : '';
}

/** Every setting of the schema. */
export function settingsTables(schema) {
  const tables = [];
  const table = (path, title, node) => {
    const rows = [];
    const inner = [];
    const required = new Set(node.required ?? []);
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      const own = path === '' ? key : `${path}.${key}`;
      rows.push(`| \`${key}\` | ${cell(kindOf(child))} | ${cell(defaultOf(child, required.has(key)))} | ${cell(child.description ?? '')} |`);
      if (child.type === 'array' && child.items?.properties) inner.push([`${own}[]`, `Each of \`${own}\``, child.items]);
      else if (child.properties) inner.push([own, `\`${own}\``, child]);
      const choices = child.oneOf ?? child.anyOf ?? [];
      for (const one of choices) {
        const isRepeatable = one.properties !== undefined && choices.some(({ items }) => JSON.stringify(items) === JSON.stringify(one));
        if (isRepeatable) inner.push([own, `\`${own}\`, or each of several`, one]);
        const kind = one.properties?.kind?.const;
        const { kind: _kind, ...rest } = one.properties ?? {};
        if (kind !== undefined && Object.keys(rest).length > 0) inner.push([own, `\`${own}\` with \`kind: ${kind === 'null' ? '"null"' : kind}\``, { ...one, properties: rest }]);
      }
    }
    tables.push(`### ${title}\n\n| Setting | Value | Default | Meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`);
    for (const [at, name, child] of inner) table(at, name, child);
  };
  table('', 'Top level', groups(schema)[0]);
  return tables.join('\n');
}
