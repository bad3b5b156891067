#!/usr/bin/env node
/** The program: arguments, signals, exit codes. Everything heavy is imported once it is known to be needed. */
import './thrift.ts';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ConfigSource } from '#config';
import type { LogLevel } from '#foundation';
import type { Configured } from './life.ts';

/** Exit codes; those above 1 are the BSD `sysexits` ones. */
const exit = { fine: 0, failed: 1, usage: 64, occupied: 69, configuration: 78 } as const;
type ExitCode = (typeof exit)[keyof typeof exit];

const help = `Tonearm: a Spotify Connect speaker for the smart home.

Usage: tonearm [options]          (in a clone of the repository: npm start -- [options])
       tonearm COMMAND [options]  (whether the daemon runs or not)

  --config PATH      configuration file; default $TONEARM_CONFIG, then
                     $XDG_CONFIG_HOME/tonearm/configuration.yaml, then ~/.config/tonearm/configuration.yaml
  --data PATH        folder for what is kept (identity, encrypted credentials, volume);
                     default $XDG_DATA_HOME/tonearm, then ~/.local/share/tonearm
  --log-level LEVEL  trace, debug, info, warn or error
  --check            check the configuration, say what is wrong with it, and exit
  --version          print the version and exit
  --help             print this and exit

Commands, for those who have no phone at hand or more than one account; see docs/accounts.md:

  login              log in with a code on another screen; --browser: in any browser; --zone ID: for one zone;
                     --web: for looking things up in Spotify's web API
  accounts           who is remembered, who is logged in, what ends when, who waits for an answer
  logout NAME        end a login and wipe what is stored of it; --all: of everybody; --zone ID: in one zone
  use NAME           log a remembered account in again
  answer yes|no      let a guest in who waits, or not
  keys               who may use the API; keys add NAME [--scope control]: a new key, shown once; keys remove ID
  automations        what happens by itself, when next, and why it did or did not; see docs/automations.md
  rotate-key         encrypt what is stored with a new key
  restore FILE.zip   put a backup in its place; --force: also over what is there; see docs/install.md

A running daemon reads its configuration again when it is sent SIGHUP (kill -HUP, systemctl reload).

Every setting can also be given as TONEARM_CONFIG_<PATH>, for example TONEARM_CONFIG_MQTT_URL=mqtt://192.0.2.10:1883
or TONEARM_CONFIG_ZONES_0_NAME=Kitchen; with _FILE at the end the value is read from a file.

Exit codes: 0 fine · 1 failed · 64 wrong usage · 69 a port or the data folder is in use by another · 78 wrong configuration
`;

const levels: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error'] satisfies LogLevel[];

interface Options {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
  readonly 'log-level'?: string | undefined;
  readonly check?: boolean | undefined;
  readonly version?: boolean | undefined;
  readonly help?: boolean | undefined;
}

function readOptions(): Options | string {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: 'string' },
        data: { type: 'string' },
        'log-level': { type: 'string' },
        check: { type: 'boolean' },
        version: { type: 'boolean', short: 'v' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const level = values['log-level'];
    if (level !== undefined && !levels.includes(level)) return `--log-level takes ${levels.join(', ')}; "${level}" is none of them.`;
    return values;
  } catch (error) {
    return (error as Error).message;
  }
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

let isFirstTime = true;

async function sourceOf(options: Pick<Options, 'config'>): Promise<ConfigSource> {
  const { defaultLocations } = await import('#config');
  const environment = process.env;
  const locations = defaultLocations(environment);
  return { path: resolve(options.config ?? environment['TONEARM_CONFIG'] ?? locations.config), environment, defaultData: locations.data };
}

/** Reads the configuration; at a start, makes the first one where that is ours to do. Later, a file that is gone is a fault. */
async function configure(options: Options): Promise<Configured> {
  const { loadConfig, writeFirstConfiguration } = await import('#config');
  const source = await sourceOf(options);
  // A path on the command line that leads nowhere is more likely a mistake than a wish.
  const isNew = isFirstTime && options.config === undefined && options.check !== true && (await writeFirstConfiguration(source.path));
  isFirstTime = false;
  const loaded = await loadConfig(source);
  const { config } = loaded;
  return {
    source,
    loaded,
    isNew,
    config: {
      ...config,
      data: options.data === undefined ? config.data : resolve(options.data),
      log: { ...config.log, level: (options['log-level'] as LogLevel | undefined) ?? config.log.level },
    },
  };
}

/** A command of the owner: done, and over. */
async function command(name: string, argv: readonly string[]): Promise<ExitCode> {
  const { isCommand, openTerminal, runCommand, runRestore } = await import('#command-line');
  if (!isCommand(name) && name !== 'restore') {
    process.stderr.write(`There is no command "${name.slice(0, 40)}".\nSee --help.\n`);
    return exit.usage;
  }
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(help);
    return exit.fine;
  }
  const terminal = openTerminal();
  try {
    const { values } = parseArgs({ args: [...argv], strict: false, allowPositionals: true, options: { config: { type: 'string' }, data: { type: 'string' } } });
    const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
    const world = { version: version(), say: (text: string) => void process.stdout.write(`${text}\n`), write: (line: string) => void process.stderr.write(line) };
    if (name === 'restore') {
      await runRestore(argv, { ...world, source: await sourceOf({ config: textOf(values['config']) }) });
      return exit.fine;
    }
    const { config } = await configure({ config: textOf(values['config']), data: textOf(values['data']) });
    await runCommand(name, argv, { ...world, config, readLine: terminal.readLine, isTerminal: process.stdout.isTTY });
    return exit.fine;
  } catch (thrown) {
    const { toTonearmError } = await import('#foundation');
    const error = toTonearmError(thrown);
    process.stderr.write(`${error.message} (${error.code})\n`);
    if (error.code === 'command/wrong-usage') return exit.usage;
    if (error.code === 'host/already-running') return exit.occupied;
    return error.code.startsWith('config/') ? exit.configuration : exit.failed;
  } finally {
    terminal.close();
  }
}

async function main(): Promise<ExitCode | 'running'> {
  const [name] = process.argv.slice(2);
  if (name !== undefined && !name.startsWith('-')) return command(name, process.argv.slice(3));
  const options = readOptions();
  if (typeof options === 'string') {
    process.stderr.write(`${options}\nSee --help.\n`);
    return exit.usage;
  }
  if (options.help === true) {
    process.stdout.write(help);
    return exit.fine;
  }
  if (options.version === true) {
    process.stdout.write(`${version()}\n`);
    return exit.fine;
  }
  try {
    if (options.check === true) {
      const { source, config, loaded } = await configure(options);
      const [{ findDoubts, formatProblem }, { findPrograms, keptValue }] = await Promise.all([import('#config'), import('#host')]);
      const doubts = await findDoubts({ config, file: loaded.file }, await keptValue(config.data, 'presets'), findPrograms());
      if (doubts.length > 0) process.stderr.write(`Tonearm starts with this, and yet (presets added since were looked for in ${config.data}):\n${doubts.map((doubt) => `  ${formatProblem(doubt)}\n`).join('')}`);
      process.stdout.write(`${source.path} ${doubts.length === 0 ? 'is fine' : 'can be used'}: ${config.zones.map(({ name, id }) => `zone "${name}" (${id})`).join(', ')}.\n`);
      return exit.fine;
    }
    const { live } = await import('./life.ts');
    await live({ configure: () => configure(options), version: version(), codes: exit, explainFailure });
    return 'running';
  } catch (error) {
    return await explainFailure(error);
  }
}

/** Says what went wrong, for people, and which exit code tells it to programs. */
async function explainFailure(thrown: unknown): Promise<ExitCode> {
  const { toTonearmError } = await import('#foundation');
  const error = toTonearmError(thrown);
  const detail = error.kind === 'internal' && thrown instanceof Error ? `\n${thrown.stack ?? ''}` : '';
  process.stderr.write(`Tonearm cannot start (${error.code}).\n${error.message}${detail}\n`);
  if (error.code === 'host/already-running' || isAddressInUse(error)) return exit.occupied;
  // Nothing else can be invalid at a start than what the owner wrote.
  return error.kind === 'invalid' ? exit.configuration : exit.failed;
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && ((error as NodeJS.ErrnoException).code === 'EADDRINUSE' || isAddressInUse(error.cause));
}

// No await here: this file becomes a function (scripts/build.mjs).
void main().then((result) => {
  // Output may be a pipe that is still being read, so nothing is cut off by exiting at once.
  if (result !== 'running') process.exitCode = result;
});
