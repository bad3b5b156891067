// Runs the benchmarks: `npm run bench`, or `npm run bench -- NAME…` for some. One JSON line per figure on standard output.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../scripts/bundle.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outfile = join(root, 'node_modules/.cache/tonearm-bench.mjs');
mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
await bundle({
  absWorkingDir: root,
  entryPoints: ['test/bench/bench.ts'],
  outfile,
  splitting: false,
  external: ['speaker', 'wasm-media-encoders'],
});
const { runBenches } = await import(outfile);
process.exitCode = await runBenches(root, process.argv.slice(2));
setTimeout(() => process.exit(), 200);
