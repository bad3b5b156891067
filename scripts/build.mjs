// Bundles what ships into dist/: one file per program, chunks beside them. `node scripts/build.mjs [--outdir PATH] [--sizes] [--maps]`
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, transform } from 'esbuild';
import { bundle, writeLicences } from './bundle.mjs';
import { buildPlugin } from './plugin.mjs';

await import('./proto.mjs');

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { outdir: { type: 'string', default: join(root, 'dist') }, sizes: { type: 'boolean', default: false }, maps: { type: 'boolean', default: false } } });
const programs = {
  main: 'src/main.ts',
  demo: 'src/demo.ts',
  simulator: 'src/simulator/main.ts',
  'audio-thread': 'src/audio/thread/entry.ts',
  'puzzle-thread': 'src/spotify/accounts/puzzle/entry.ts',
  'holidays-thread': 'src/automations/countries/entry.ts',
  'speaker-child': 'src/outputs/speaker/entry.ts',
};
const groups = [['main'], ['demo', 'simulator'], ['audio-thread'], ['puzzle-thread'], ['holidays-thread'], ['speaker-child']];
/** Started again and again, and waited for: what V8 makes of them is kept (src/compiled.ts). Traces are only readable without. */
const compiled = values.maps ? [] : ['main', 'audio-thread'];

/** `import { z }` takes all of zod with every language; as a namespace import only what is used is kept (half a megabyte less to load). */
const slimZod = {
  name: 'slim-zod',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      const contents = (await readFile(path, 'utf8')).replace(/^import \{ z \} from 'zod';$/m, "import * as z from 'zod';");
      return { contents, loader: 'ts' };
    });
  },
};

/** Replaces text in a package; the build stops when an update of it no longer has that text. */
const patched = (name, filter, changes) => ({
  name,
  setup({ onLoad }) {
    onLoad({ filter }, async ({ path }) => {
      let contents = await readFile(path, 'utf8');
      for (const [from, to] of changes) {
        if (!contents.includes(from)) return { errors: [{ text: `${name}: ${path} no longer contains ${JSON.stringify(from)}; look at scripts/build.mjs` }] };
        contents = contents.replace(from, to);
      }
      return { contents, loader: 'js' };
    });
  },
});

const leanMqtt = [
  // At the first packet it would make 65,536 buffers, one for each two-byte number: 80 ms and several megabytes.
  patched('mqtt-numbers', /[\\/]mqtt-packet[\\/]writeToStream\.js$/, [
    ['let writeNumber = writeNumberCached', 'let writeNumber = writeNumberGenerated'],
    ['let toGenerate = true', 'let toGenerate = false'],
  ]),
  // Proxies and browser workers: there are no settings of ours that lead there.
  patched('mqtt-socks', /[\\/]mqtt[\\/]build[\\/]lib[\\/]connect[\\/](tcp|tls)\.js$/, [['require("./socks")', '{}']]),
  patched('mqtt-timers', /[\\/]mqtt[\\/]build[\\/]lib[\\/]get-timer\.js$/, [['require("worker-timers")', '{}']]),
];

/** Settings are checked once in a life, commands now and then: code compiled for each of their shapes costs more than it saves. */
const plainZod = patched('plain-zod', /[\\/]zod[\\/]v4[\\/]classic[\\/]schemas\.js$/, [['core.$ZodObjectJIT.init(inst, def)', 'core.$ZodObject.init(inst, def)']]);

// Built aside and then exchanged, so that whoever starts Tonearm meanwhile finds the old files or the new ones.
const target = resolve(values.outdir);
const fresh = `${target}.new-${process.pid}`;
const old = `${target}.old-${process.pid}`;
try {
  // A call for each, because a shared chunk holds whatever any of its users needs: 4 MB more in the audio thread, which
  // shares no compiled code with the others anyway.
  const metafiles = await Promise.all(groups.map((names) => bundlePrograms(names.filter((name) => existsSync(join(root, programs[name]))))));
  await makeCompiled(Object.keys(Object.assign({}, ...metafiles.map(({ outputs }) => outputs))).filter((path) => path.endsWith('.cjs')));
  const metafile = { outputs: Object.assign({}, ...metafiles.map(({ outputs }) => outputs)) };
  if (existsSync(join(fresh, 'main.js'))) chmodSync(join(fresh, 'main.js'), 0o755);
  copyFileSync(join(root, 'src/surfaces/http/api.d.ts'), join(fresh, 'api.d.ts'));
  writeLicences(root, metafile, fresh);
  if (existsSync(target)) renameSync(target, old);
  renameSync(fresh, target);
  if (values.sizes) printSizes(metafile);
  // The plugin is a package of its own, with a dist/ of its own.
  if (target === join(root, 'dist')) await buildPlugin();
} catch (error) {
  // esbuild has already said what is wrong, with file and line.
  if (!Array.isArray(error.errors)) console.error(error);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}

/** Programs that share chunks. */
function bundlePrograms(names) {
  return bundle({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(names.map((name) => [name, programs[name]])),
    outdir: fresh,
    ...(compiled.includes(names[0]) && { outExtension: { '.js': '.cjs' }, banner: {} }),
    minifyWhitespace: true,
    // Half a megabyte less in memory, 1.5 MB while playing. `--maps` makes traces readable: node --enable-source-maps dist/main.js
    minifyIdentifiers: !values.maps,
    sourcemap: values.maps,
    plugins: [slimZod, plainZod, ...leanMqtt],
    // The same streams again, as a package for other platforms.
    alias: { 'readable-stream': 'node:stream' },
    // Native, optional, or only for the demo: resolved from node_modules at run time.
    external: ['speaker', 'wasm-media-encoders'],
  });
}

/** Makes each file a function that `runCompiled` calls, and a beginning for each program that calls it. */
async function makeCompiled(paths) {
  const hash = createHash('sha256');
  for (const path of paths.sort()) {
    const file = join(root, path);
    const { code } = await transform(readFileSync(file, 'utf8'), {
      format: 'cjs',
      platform: 'node',
      target: 'node20.19',
      minifyWhitespace: true,
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': 'here' },
      banner: '(function(exports,require,module,here){"use strict";',
      footer: '})',
    });
    hash.update(code);
    writeFileSync(file, code);
  }
  const id = hash.digest('hex').slice(0, 16);
  for (const name of compiled) {
    const first = name === 'main' ? "#!/usr/bin/env node\nimport './thrift.ts';\n" : '';
    const contents = `${first}import { compileCacheFolder, runCompiled } from './compiled.ts';\nrunCompiled({ entry: './${name}.cjs', from: import.meta.url, build: '${id}', cache: compileCacheFolder(process.env) });\n`;
    const shape = { format: 'esm', platform: 'node', target: 'node20.19', bundle: true, minify: true };
    await build({ stdin: { contents, resolveDir: join(root, 'src'), loader: 'ts' }, outfile: join(fresh, `${name}.js`), ...shape });
  }
}

function printSizes({ outputs }) {
  for (const [path, { bytes, inputs }] of Object.entries(outputs).sort(([, a], [, b]) => b.bytes - a.bytes)) {
    console.log(`${String(bytes).padStart(9)}  ${basename(path)}`);
    const largest = Object.entries(inputs).sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput).slice(0, 5);
    for (const [input, { bytesInOutput }] of largest) console.log(`${String(bytesInOutput).padStart(20)}  ${input}`);
  }
}
