// Makes a fresh clone ready: packages when the lock file changed, build when a source changed. No dependencies of its own.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => join(root, ...parts);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Tonearm needs Node.js 20.19 or newer; this is ${process.version}. Install a newer Node.js and try again.`);

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

function run(file, args, stdio, sentence) {
  const { status, error } = spawnSync(file, args, { cwd: root, stdio });
  if (error || status !== 0) fail(`${sentence}${error ? ` (${error.message})` : ''}`);
}

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

function packages() {
  const wanted = createHash('sha256').update(read(at('package-lock.json'))).digest('hex');
  const mark = at('node_modules', '.tonearm-lock');
  if (read(mark) === wanted) return;
  console.error('Tonearm: installing packages (only the first time, or after an update) …');
  // The npm that runs us, if one does: it need not be the first in the path.
  const npm = process.env.npm_execpath;
  const [file, args] = npm?.endsWith('npm-cli.js') ? [process.execPath, [npm]] : ['npm', []];
  // --include=dev: with NODE_ENV=production the build tools would be left out.
  run(file, [...args, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], ['ignore', 'ignore', 'inherit'], 'Tonearm: npm could not install the packages; what it said stands above. Check the network and try again.');
  writeFileSync(mark, wanted);
}

function sources() {
  const hash = createHash('sha256').update(process.version);
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else if (!path.endsWith('.test.ts') && !path.includes('/generated.')) {
      hash.update(`${path.slice(root.length)}:${stat.size}:${stat.mtimeMs}\n`);
    }
  };
  for (const path of ['src', 'homebridge-plugin/src', 'proto', 'scripts/build.mjs', 'scripts/bundle.mjs', 'scripts/licences.mjs', 'scripts/plugin.mjs', 'scripts/proto.mjs', 'package.json', 'package-lock.json']) visit(at(path));
  return hash.digest('hex');
}

function build() {
  const wanted = sources();
  const mark = at('dist', '.tonearm-build');
  if (read(mark) === wanted) return;
  console.error('Tonearm: building …');
  run(process.execPath, [at('scripts', 'build.mjs')], ['ignore', 'inherit', 'inherit'], 'Tonearm: the build failed; what is wrong stands above.');
  writeFileSync(mark, wanted);
}

packages();
build();
