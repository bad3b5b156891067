import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Code for a thread or a process of its own, built from source as one file; the file goes when it is disposed of. */
export interface BuiltProgram extends AsyncDisposable {
  readonly url: URL;
  readonly path: string;
}

/** Rejects when `source` does not build. */
export async function buildProgram(source: URL): Promise<BuiltProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-program-'));
  const path = join(folder, 'program.mjs');
  const banner = { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" };
  await build({ entryPoints: [fileURLToPath(source)], outfile: path, bundle: true, platform: 'node', format: 'esm', target: 'node20.19', conditions: ['source'], banner, logLevel: 'silent' });
  return { url: pathToFileURL(path), path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
