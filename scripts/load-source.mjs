// Lets scripts use the TypeScript sources: bundles one module into the cache and imports it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Imports a module of `src/`, given by its path in the repository. */
export async function loadSource(path) {
  const folder = join(root, 'node_modules/.cache/tonearm');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${path.replaceAll(/[^a-z0-9]/gi, '-')}-${process.pid}.mjs`);
  await build({ absWorkingDir: root, entryPoints: [path], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19', conditions: ['source'], packages: 'external', logLevel: 'warning' });
  return await import(pathToFileURL(outfile).href);
}
