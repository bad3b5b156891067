// How what ships is bundled, the daemon and the plugin alike: one file per program, chunks beside them, licences in a file of their own.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { licences } from './licences.mjs';

/** Resolves with what went into it. Rejects after esbuild has said what is wrong. */
export async function bundle(options) {
  const { metafile } = await build({
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
    // Packages that are no ES modules ask for it.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'warning',
    ...options,
  });
  return metafile;
}

/** The licences of every file of which something is left in the bundle. */
export function writeLicences(root, { outputs }, outdir) {
  const used = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])));
  writeFileSync(join(outdir, 'licences.txt'), licences(root, used));
}
