// Runs the benchmarks: `npm run bench`, or `npm run bench -- NAME…` for some. One JSON line per figure on standard output.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outfile = join(root, 'node_modules/.cache/tonearm-bench.mjs');
mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ['test/bench/bench.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  conditions: ['source'],
  external: ['speaker', 'wasm-media-encoders'],
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
});
const { runBenches } = await import(outfile);
process.exitCode = await runBenches(root, process.argv.slice(2));
setTimeout(() => process.exit(), 200);
