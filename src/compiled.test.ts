import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileCacheFolder, runCompiled } from './compiled.ts';

// Else V8 remembers within this process what it has compiled, and never looks at what was kept.
setFlagsFromString('--no-compilation-cache');

/** As scripts/build.mjs writes a file. */
const wrapped = (code: string) => `(function(exports,require,module,here){"use strict";${code}})`;
const said = globalThis as { said?: unknown[] };

let folder: string;
let cache: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tonearm-compiled-'));
  cache = join(folder, 'cache');
  said.said = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  delete said.said;
});

/** Runs `main.cjs` with these other files; resolves the waits at once. Returns how often it had something to keep. */
function run(files: Readonly<Record<string, string>>, { build = 'one', into = cache }: { build?: string; into?: string | null } = {}): number {
  for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), wrapped(code));
  const waiting: (() => void)[] = [];
  runCompiled({ entry: './main.cjs', from: pathToFileURL(join(folder, 'main.js')).href, build, cache: into ?? undefined, later: (work) => void waiting.push(work) });
  let turns = 0;
  for (let work = waiting.shift(); work; work = waiting.shift()) {
    work();
    turns++;
  }
  return turns;
}

const two = {
  'main.cjs': `const other = require('./other.cjs'); said.push(other.greet('house'), require('node:path').sep);`,
  'other.cjs': `exports.greet = (name) => 'hello ' + name; exports.here = here; said.push(here.slice(0, 5), module.exports === exports);`,
};
const withSum = (code: Buffer) => Buffer.concat([createHash('sha256').update(code).digest(), code]);
const heard = ['file:', true, 'hello house', '/'];
const version = (letter: string | number) => `${String(letter).repeat(16)}-v20.20.2-x64`;
const kept = () => {
  const [made] = readdirSync(cache);
  return join(cache, made ?? '');
};

describe('a program whose compiled code is kept', () => {
  it('runs, keeps what was compiled, and compiles nothing at the next start', () => {
    expect(run(two)).toBeGreaterThan(0);
    expect(said.said).toEqual(heard);
    expect(readdirSync(kept()).sort()).toEqual(['main.cjs.bin', 'other.cjs.bin']);
    expect(statSync(kept()).mode & 0o777).toBe(0o700);
    expect(statSync(join(kept(), 'main.cjs.bin')).mode & 0o777).toBe(0o600);
    expect(run(two)).toBe(0);
    expect(said.said).toEqual([...heard, ...heard]);
  });

  it('keeps a file that is loaded later, too', () => {
    const lazy = { ...two, 'main.cjs': `if (said.length > 0) require('./other.cjs'); said.push('main');` };
    run(lazy);
    expect(readdirSync(kept())).toEqual(['main.cjs.bin']);
    run(lazy);
    expect(readdirSync(kept()).sort()).toEqual(['main.cjs.bin', 'other.cjs.bin']);
    expect(run(lazy)).toBe(0);
  });

  const damages: readonly [string, (file: Buffer) => Buffer][] = [
    ['is empty', () => Buffer.alloc(0)],
    ['is cut off', (file) => file.subarray(0, -100)],
    ['has a wrong byte in the middle', (file) => Buffer.concat([file.subarray(0, 300), Buffer.from([(file[300] ?? 0) ^ 1]), file.subarray(301)])],
    ['was made with other flags', (file) => withSum(Buffer.concat([file.subarray(32, 44), Buffer.alloc(4, 7), file.subarray(48)]))],
  ];
  it.each(damages)('makes anew what %s', (_, damage) => {
    run(two);
    const path = join(kept(), 'other.cjs.bin');
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    expect(run(two)).toBeGreaterThan(0);
    expect(readFileSync(path)).not.toEqual(damaged);
    expect(run(two)).toBe(0);
    expect(said.said).toEqual([...heard, ...heard, ...heard]);
  });

  it('takes nothing of another build, even where the files are as long', () => {
    run(two);
    run({ ...two, 'main.cjs': two['main.cjs'].replace('house', 'HOUSE') }, { build: 'two' });
    expect(said.said?.slice(4)).toEqual(['file:', true, 'hello HOUSE', '/']);
    expect(readdirSync(cache)).toHaveLength(2);
  });

  it('neither reads nor writes where others can write', () => {
    run(two);
    const before = readFileSync(join(kept(), 'main.cjs.bin'));
    chmodSync(kept(), 0o777);
    writeFileSync(join(kept(), 'main.cjs.bin'), 'planted');
    expect(run(two)).toBe(1);
    expect(readFileSync(join(kept(), 'main.cjs.bin'), 'utf8')).toBe('planted');
    expect(before.length).toBeGreaterThan(7);
    expect(said.said).toEqual([...heard, ...heard]);
  });

  it.each([
    ['there is no folder', null],
    ['the folder is a file', '/dev/null/cache'],
  ])('runs where nothing can be kept: %s', (_, into) => {
    run(two, { into });
    expect(said.said).toEqual(heard);
    expect(existsSync(cache)).toBe(false);
  });

  it('forgets versions nobody has started for a month, and no others', () => {
    for (const [name, days] of [[version('a'), 31], [version('b'), 29], ['of-others', 31]] as const) {
      mkdirSync(join(cache, name), { recursive: true });
      const then = Date.now() / 1000 - days * 24 * 3600;
      utimesSync(join(cache, name), then, then);
    }
    run(two);
    expect(readdirSync(cache).sort()).toEqual([version('b'), 'of-others', expect.stringMatching(/^one-/)]);
  });

  it('keeps no more than five others, the newest', () => {
    for (let age = 1; age <= 7; age++) {
      mkdirSync(join(cache, version(age)), { recursive: true });
      const then = Date.now() / 1000 - age * 3600;
      utimesSync(join(cache, version(age)), then, then);
    }
    run(two);
    expect(readdirSync(cache).filter((name) => !name.startsWith('one-')).sort()).toEqual([1, 2, 3, 4, 5].map(version));
  });

  it('keeps all of it also where tidying fails', () => {
    mkdirSync(cache);
    symlinkSync('/nowhere', join(cache, version('c')));
    run(two);
    expect(run(two)).toBe(0);
  });

  it.runIf(process.getuid?.() === 0)('makes nothing in a folder of somebody else', () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    chownSync(home, 65_534, 65_534);
    run(two, { into: join(home, '.cache/tonearm/compiled') });
    expect(readdirSync(home)).toEqual([]);
  });

  it('passes on what a file throws, and loads it again when asked again', () => {
    const broken = {
      'main.cjs': `for (const turn of [1, 2]) try { require('./other.cjs'); } catch (error) { said.push(turn + ' ' + error.message); }`,
      'other.cjs': `throw new Error('no ' + said.length);`,
    };
    run(broken);
    expect(said.said).toEqual(['1 no 0', '2 no 1']);
  });

  it('lets files require each other in a circle', () => {
    run({
      'main.cjs': `exports.name = () => 'main'; said.push(require('./other.cjs').ask());`,
      'other.cjs': `const main = require('./main.cjs'); exports.ask = () => main.name();`,
    });
    expect(said.said).toEqual(['main']);
  });
});

describe('where compiled code is kept', () => {
  it.each([
    [{ HOME: '/home/a' }, '/home/a/.cache/tonearm/compiled'],
    [{ HOME: '/home/a', XDG_CACHE_HOME: '/tmp/b' }, '/tmp/b/tonearm/compiled'],
    [{ HOME: '/', CACHE_DIRECTORY: '/var/cache/tonearm:/var/cache/more' }, '/var/cache/tonearm/compiled'],
    [{ HOME: '/home/a', CACHE_DIRECTORY: '/var/cache/tonearm', NODE_COMPILE_CACHE: '/data/cache' }, '/data/cache/compiled'],
    [{ HOME: '/home/a', NODE_DISABLE_COMPILE_CACHE: '1' }, undefined],
    [{}, undefined],
  ])('%j: %s', (environment, folder) => {
    expect(compileCacheFolder(environment)).toBe(folder);
  });
});
