// Turns proto/*.proto into one static module with types: src/spotify/wire/proto/generated.{js,d.ts}.
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pbjs from 'protobufjs-cli/pbjs.js';
import pbts from 'protobufjs-cli/pbts.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'proto');
const out = join(root, 'src/spotify/wire/proto');
const files = readdirSync(folder).filter((name) => name.endsWith('.proto')).sort().map((name) => join(folder, name));
const target = join(out, 'generated.js');
const newest = Math.max(...files.map((path) => statSync(path).mtimeMs), statSync(fileURLToPath(import.meta.url)).mtimeMs);
if (files.length > 0 && !(existsSync(target) && statSync(target).mtimeMs > newest)) {
  mkdirSync(out, { recursive: true });
  await promisify(pbjs.main)([
    '--target', 'static-module', '--wrap', 'es6', '--es6', '--force-number', '--null-defaults', '--keep-case',
    '--no-create', '--no-verify', '--no-delimited', '--no-beautify', '--no-service', '--no-typeurl',
    '--path', folder, '--out', target, ...files,
  ]);
  await promisify(pbts.main)(['--out', join(out, 'generated.d.ts'), target]);
}
