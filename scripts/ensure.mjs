// Makes a fresh clone ready: packages when the lock file changed, build when a source changed. No dependencies of its own.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => join(root, ...parts);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Tonearm needs Node.js 20.19 or newer; this is ${process.version}. Install a newer Node.js and try again.`);
  process.exit(1);
}

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

function packages() {
  const wanted = createHash('sha256').update(read(at('package-lock.json'))).digest('hex');
  const mark = at('node_modules', '.tonearm-lock');
  if (read(mark) === wanted) return;
  console.error('Tonearm: installing packages (only the first time, or after an update) …');
  const npm = process.env.npm_execpath;
  const [file, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  // --include=dev: with NODE_ENV=production the build tools would be left out.
  execFileSync(file, [...args, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(mark, wanted);
}

function sources() {
  const hash = createHash('sha256');
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else if (!path.endsWith('.test.ts') && !path.includes('/generated.')) {
      hash.update(`${path.slice(root.length)}:${stat.size}:${stat.mtimeMs}\n`);
    }
  };
  for (const path of ['src', 'proto', 'homebridge-plugin/src', 'scripts', 'package.json']) visit(at(path));
  return hash.digest('hex');
}

function build() {
  const wanted = sources();
  const mark = at('dist', '.tonearm-build');
  if (read(mark) === wanted) return;
  console.error('Tonearm: building …');
  execFileSync(process.execPath, [at('scripts', 'build.mjs')], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  writeFileSync(mark, sources());
}

packages();
build();
