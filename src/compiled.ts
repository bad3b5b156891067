import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { threadId } from 'node:worker_threads';

/** One file of a bundle, as scripts/build.mjs writes it: `(function (exports, require, module, here) {…})`. */
type Chunk = (exports: object, require: (name: string) => unknown, module: { exports: object }, here: string) => void;

export interface CompiledProgram {
  /** The file beside the caller that begins. */
  readonly entry: string;
  /** Address of the caller, as `import.meta.url`. */
  readonly from: string;
  /** Changes with every change of the bundle. */
  readonly build: string;
  /** Where what V8 compiled is kept; undefined: nowhere. */
  readonly cache: string | undefined;
  /** Calls back after so many milliseconds, if the process is still there. */
  readonly later?: (work: () => void, ms: number) => void;
}

/**
 * So long after a file had to be compiled, in ms, the start is over and what it needed has run: that is kept. Before the
 * housekeeper (host/) has V8 let go of code that does not run any more.
 */
const settled = 3000;
const day = 24 * 3600 * 1000;
/** What was written so long ago belongs to a version that is gone, or is made anew. Milliseconds. */
const longestKept = 30 * day;
/** And more versions than these, besides our own, only somebody has who builds them. */
const mostKept = 5;
/** Between two files that are kept, in ms: each takes a few milliseconds of the thread's time. */
const breath = 10;

/**
 * Runs a bundle, and keeps what V8 made of it for the next start: parsing and compiling are a third of the time until the
 * speaker is announced. What another version, processor or set of flags has made is refused by V8 itself, and made anew. Without
 * a folder, or with one that cannot be used, everything is compiled at every start.
 */
export function runCompiled({ entry, from, build, cache, later = (work, ms) => void setTimeout(work, ms).unref() }: CompiledProgram): void {
  const requireOther = createRequire(from);
  const loaded = new Map<string, { exports: object }>();
  const folder = cache === undefined ? undefined : join(cache, `${build}-${process.version}-${process.arch}`);
  const isKept = folder !== undefined && isOurs(folder);
  const fresh = new Map<string, Script>();

  const load = (name: string): unknown => {
    if (!name.startsWith('./')) return requireOther(name);
    const known = loaded.get(name);
    if (known) return known.exports;
    const module = { exports: {} };
    loaded.set(name, module);
    try {
      const path = fileURLToPath(new URL(name, from));
      const chunk = compile(name, path).runInThisContext() as Chunk;
      chunk(module.exports, load, module, pathToFileURL(path).href);
    } catch (error) {
      loaded.delete(name);
      throw error;
    }
    return module.exports;
  };

  const compile = (name: string, filename: string): Script => {
    const cachedData = isKept ? readKept(folder, name) : undefined;
    const script = new Script(readFileSync(filename, 'utf8'), { filename, ...(cachedData && { cachedData }) });
    if (folder !== undefined && (!cachedData || script.cachedDataRejected === true)) {
      fresh.set(name, script);
      if (fresh.size === 1) later(() => keep(folder, drain(fresh)), settled);
    }
    return script;
  };

  const keep = (into: string, [next, ...others]: readonly (readonly [string, Script])[]): void => {
    if (!next) forgetOthers(into);
    // Where one cannot be kept no other can.
    else if (write(into, ...next)) later(() => keep(into, others), breath);
  };

  load(entry);
}

/**
 * Where compiled code is kept: what Node.js calls so (NODE_COMPILE_CACHE), what systemd gave the service (CacheDirectory=), or the
 * user's folder for such things. Undefined when it is not wanted (NODE_DISABLE_COMPILE_CACHE) or there is no such place.
 */
export function compileCacheFolder(environment: NodeJS.ProcessEnv): string | undefined {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_COMPILE_CACHE, CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = environment;
  if (NODE_DISABLE_COMPILE_CACHE) return undefined;
  const [ofService] = (CACHE_DIRECTORY ?? '').split(':');
  const base = NODE_COMPILE_CACHE || ofService || (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'tonearm') : HOME && join(HOME, '.cache', 'tonearm'));
  return base ? join(base, 'compiled') : undefined;
}

/** Whether nobody else can write there: what lies in it is run as it is. */
function isOurs(folder: string): boolean {
  try {
    const { uid, mode } = statSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}

function drain<Key, Value>(map: Map<Key, Value>): readonly (readonly [Key, Value])[] {
  const all = [...map];
  map.clear();
  return all;
}

/** A checksum stands before the code: V8 would run into what a power cut has left of a file. */
const sumOf = (code: Buffer) => createHash('sha256').update(code).digest();
const sumLength = 32;
const fileOf = (folder: string, name: string) => join(folder, `${name.slice('./'.length)}.bin`);

function readKept(folder: string, name: string): Buffer | undefined {
  try {
    const file = readFileSync(fileOf(folder, name));
    const code = file.subarray(sumLength);
    return sumOf(code).equals(file.subarray(0, sumLength)) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it could be kept. What cannot be kept costs time at the next start, nothing else. */
function write(folder: string, name: string, script: Script): boolean {
  const path = fileOf(folder, name);
  // What is left of it when the process ends in between goes with its version.
  const aside = `${path}.${process.pid}-${threadId}`;
  try {
    // Root in somebody's home makes no folders there that are not theirs.
    if (statSync(existingPartOf(folder)).uid !== process.getuid?.()) return false;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs(folder)) return false;
    const code = script.createCachedData();
    writeFileSync(aside, Buffer.concat([sumOf(code), code]), { mode: 0o600 });
    renameSync(aside, path);
    return true;
  } catch {
    return false;
  }
}

/** Versions nobody needs any more; nothing that is not ours by its name. */
function forgetOthers(folder: string): void {
  const all = join(folder, '..');
  try {
    const others = readdirSync(all).filter((name) => /^[0-9a-f]{16}-v\d/.test(name)).map((name) => join(all, name)).filter((path) => path !== folder);
    const byAge = others.map((path) => ({ path, age: Date.now() - statSync(path).mtimeMs })).sort((a, b) => a.age - b.age);
    for (const [index, { path, age }] of byAge.entries()) if (index >= mostKept || age > longestKept) rmSync(path, { recursive: true, force: true });
  } catch {
    // Somebody else tidies, too.
  }
}

function existingPartOf(folder: string): string {
  let part = folder;
  while (!existsSync(part) && part !== dirname(part)) part = dirname(part);
  return part;
}
