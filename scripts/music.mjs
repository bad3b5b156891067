// Renders the demo's music once; later runs copy it from a cache that is keyed by the code that makes it.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src/simulator/music');
const hash = createHash('sha256');
for (const name of readdirSync(source).sort()) if (name !== 'catalogue.ts') hash.update(name).update(readFileSync(join(source, name)));
const cache = join(root, 'node_modules/.cache/tonearm-music', hash.digest('hex').slice(0, 16));

if (!existsSync(cache)) {
  console.error('Tonearm: rendering the music of the demo (only the first time) …');
  const { build } = await import('esbuild');
  const program = `${cache}.mjs`;
  await build({ entryPoints: [join(source, 'render.ts')], outfile: program, bundle: true, format: 'esm', platform: 'node', target: 'node20.19', external: ['wasm-media-encoders'], logLevel: 'warning' });
  const { renderMusic } = await import(program);
  const unfinished = `${cache}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  await renderMusic(unfinished, (title) => console.error(`  ${title}`));
  renameSync(unfinished, cache);
  rmSync(program);
}
const target = join(root, 'dist/music');
if (!existsSync(target)) cpSync(cache, target, { recursive: true });
