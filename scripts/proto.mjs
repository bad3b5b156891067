// Turns proto/*.proto into src/spotify/wire/proto/generated.{js,d.ts}: a table of fields per message, which
// src/spotify/wire/proto/message.ts reads and writes, and one exact type per message. Generated encoders would be
// fifty times the size and could not say which fields are always there.
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'proto');
const out = join(root, 'src/spotify/wire/proto');
const files = readdirSync(folder).filter((name) => name.endsWith('.proto')).sort().map((name) => join(folder, name));
const targets = [join(out, 'generated.js'), join(out, 'generated.d.ts')];
const newest = Math.max(...[...files, fileURLToPath(import.meta.url)].map((path) => statSync(path).mtimeMs));
if (!targets.every((path) => existsSync(path) && statSync(path).mtimeMs > newest)) {
  mkdirSync(out, { recursive: true });
  const [code, types] = generate(protobuf.loadSync(files).resolveAll());
  writeFileSync(targets[0], code);
  writeFileSync(targets[1], types);
}

function generate(parsed) {
  const note = '// Generated from proto/*.proto by scripts/proto.mjs; do not edit.\n';
  const code = [note];
  const types = [note, `import type { Message } from './message.ts';\n`];
  for (const space of parsed.nestedArray) {
    const members = [];
    const declarations = [];
    for (const item of space.nestedArray) {
      if (item instanceof protobuf.Enum) {
        members.push(`  ${item.name}: ${JSON.stringify(item.values)},`);
        declarations.push(`  const ${item.name}: {${Object.entries(item.values).map(([key, value]) => ` readonly ${key}: ${value};`).join('')} };`);
      } else {
        const fields = item.fieldsArray.map(field);
        members.push(`  ${item.name}: { name: '${space.name}.${item.name}', fields: [${fields.map(([table]) => `\n    ${table},`).join('')}\n  ] },`);
        declarations.push(`  interface ${item.name} {${fields.map(([, type]) => `\n    ${type}`).join('')}\n  }\n  const ${item.name}: Message<${item.name}>;`);
      }
    }
    code.push(`export const ${space.name} = {\n${members.join('\n')}\n};\n`);
    types.push(`export namespace ${space.name} {\n${declarations.join('\n')}\n}\n`);
  }
  return [code.join('\n'), types.join('\n')];
}

/** One row of the table, and one line of the type. */
function field(item) {
  const { name, id, resolvedType } = item;
  const isMessage = resolvedType instanceof protobuf.Type;
  const scalar = resolvedType instanceof protobuf.Enum ? 'int32' : item.type;
  const oneof = item.partOf && !item.partOf.isProto3Optional ? item.partOf.name : null;
  const rule = ruleOf(item, isMessage, oneof);
  const table = [
    `id: ${id}`,
    `name: '${name}'`,
    `rule: '${rule}'`,
    isMessage ? `of: () => ${resolvedType.parent.name}.${resolvedType.name}` : `type: '${scalar}'`,
    ...(item.map ? [`key: '${item.keyType}'`] : []),
    ...(oneof ? [`oneof: '${oneof}'`] : []),
  ];
  const one = isMessage ? `${resolvedType.parent.name}.${resolvedType.name}` : scalarType(scalar);
  const type = rule === 'map' ? `Readonly<Record<string, ${one}>>` : rule === 'packed' || rule === 'repeated' ? `readonly ${one}[]` : rule === 'optional' ? `${one} | null` : one;
  return [`{ ${table.join(', ')} }`, `readonly ${name}: ${type};`];
}

function ruleOf(item, isMessage, oneof) {
  if (item.map) return 'map';
  if (item.repeated) return item.packed && !isMessage && item.type !== 'string' && item.type !== 'bytes' ? 'packed' : 'repeated';
  if (item.required) return 'required';
  return isMessage || oneof || item.hasPresence ? 'optional' : 'implicit';
}

function scalarType(name) {
  if (name === 'string') return 'string';
  if (name === 'bytes') return 'Buffer';
  return name === 'bool' ? 'boolean' : 'number';
}
