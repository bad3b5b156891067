import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Programs } from '#core';

let built: Promise<Programs> | null = null;

/** The programs of other threads and processes, built from the sources as they are now. */
export function buildPrograms(): Promise<Programs> {
  built ??= make();
  return built;
}

async function make(): Promise<Programs> {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const outdir = `${root}node_modules/.cache/tonearm-programs-${process.pid}`;
  await mkdir(outdir, { recursive: true });
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  await build({
    absWorkingDir: root,
    entryPoints: { 'audio-thread': 'src/audio/thread/entry.ts', 'speaker-child': 'src/outputs/speaker/entry.ts' },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    conditions: ['source'],
    external: ['speaker'],
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  const folder = pathToFileURL(`${outdir}/`);
  const none = new URL('none.js', folder);
  return { audioThread: new URL('audio-thread.js', folder), speakerChild: new URL('speaker-child.js', folder), puzzleThread: none, holidaysThread: none };
}
