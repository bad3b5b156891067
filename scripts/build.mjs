// Bundles what ships into dist/: one file per program, shared chunks beside them.
import { existsSync, rmSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

await import('./proto.mjs');

const root = fileURLToPath(new URL('..', import.meta.url));
const programs = {
  main: 'src/main.ts',
  demo: 'src/demo.ts',
  simulator: 'src/simulator/main.ts',
  'audio-thread': 'src/audio/thread/entry.ts',
  'puzzle-thread': 'src/spotify/accounts/puzzle/entry.ts',
  'speaker-child': 'src/outputs/speaker/entry.ts',
};
const entryPoints = Object.fromEntries(Object.entries(programs).filter(([, path]) => existsSync(join(root, path))));

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  conditions: ['source'],
  chunkNames: 'chunk-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  sourcemap: false,
  // Native, optional, or only for the demo: resolved from node_modules at run time.
  external: ['speaker', 'wasm-media-encoders'],
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
});
if (existsSync(join(root, 'dist/main.js'))) chmodSync(join(root, 'dist/main.js'), 0o755);
