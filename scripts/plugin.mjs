// Bundles the Homebridge plugin into homebridge-plugin/dist: the plugin and the server of its settings page. `node scripts/plugin.mjs [--outdir PATH]`
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, writeLicences } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const home = join(root, 'homebridge-plugin');

/** Everything it needs is in the bundle, so that nothing else is installed with it. */
export async function buildPlugin(outdir = join(home, 'dist')) {
  rmSync(outdir, { recursive: true, force: true });
  const metafile = await bundle({
    absWorkingDir: root,
    entryPoints: { index: join(home, 'src/index.ts'), 'settings-server': join(home, 'src/settings-page/entry.ts') },
    outdir,
    // Native helpers of ws that nobody needs.
    external: ['bufferutil', 'utf-8-validate'],
  });
  writeLicences(root, metafile, outdir);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { outdir: { type: 'string' } } });
  await buildPlugin(values.outdir && resolve(values.outdir)).catch(() => (process.exitCode = 1));
}
