// Bundles the Homebridge plugin into homebridge-plugin/dist: the plugin and the server of its settings page. `node scripts/plugin.mjs [--outdir PATH]`
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { licences } from './licences.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const home = join(root, 'homebridge-plugin');

/** Everything it needs is in the bundle, so that nothing else is installed with it. */
export async function buildPlugin(outdir = join(home, 'dist')) {
  rmSync(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { index: join(home, 'src/index.ts'), 'settings-server': join(home, 'src/settings-page/entry.ts') },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    conditions: ['source'],
    chunkNames: 'chunk-[hash]',
    minifySyntax: true,
    legalComments: 'none',
    metafile: true,
    // Native helpers of ws that nobody needs.
    external: ['bufferutil', 'utf-8-validate'],
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  mkdirSync(outdir, { recursive: true });
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])));
  writeFileSync(join(outdir, 'licences.txt'), licences(root, inputs));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { outdir: { type: 'string' } } });
  await buildPlugin(values.outdir && resolve(values.outdir)).catch(() => (process.exitCode = 1));
}
