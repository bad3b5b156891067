#!/usr/bin/env node
/** The program: arguments, signals, exit codes. Everything heavy is imported once it is known to be needed. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import type { Config } from '#config';
import type { LogLevel } from '#foundation';
import type { OpenHost } from '#host';
import type { Tonearm } from './tonearm.ts';

// A small young generation and code made for size: a few milliseconds at start, several megabytes for as long as it runs.
setFlagsFromString('--max-semi-space-size=1');
setFlagsFromString('--optimize-for-size');

/** Exit codes; those above 1 are the BSD `sysexits` ones. */
const exit = { fine: 0, failed: 1, usage: 64, occupied: 69, configuration: 78 } as const;
type ExitCode = (typeof exit)[keyof typeof exit];

const closingLimit = 3000;

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
  rotate-key         encrypt what is stored with a new key

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

/** Reads the configuration; makes the first one where that is ours to do. Says whether it did. */
async function configure(options: Options): Promise<{ readonly config: Config; readonly path: string; readonly isNew: boolean }> {
  const { defaultLocations, loadConfig, writeFirstConfiguration } = await import('#config');
  const environment = process.env;
  const locations = defaultLocations(environment);
  const path = resolve(options.config ?? environment['TONEARM_CONFIG'] ?? locations.config);
  // A path on the command line that leads nowhere is more likely a mistake than a wish.
  const isNew = options.config === undefined && options.check !== true && (await writeFirstConfiguration(path));
  const { config } = await loadConfig({ path, environment, defaultData: locations.data });
  return {
    path,
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
  const { isCommand, runCommand } = await import('#command-line');
  if (!isCommand(name)) {
    process.stderr.write(`There is no command "${name.slice(0, 40)}".\nSee --help.\n`);
    return exit.usage;
  }
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(help);
    return exit.fine;
  }
  const terminal = await openTerminal();
  try {
    const { values } = parseArgs({ args: [...argv], strict: false, allowPositionals: true, options: { config: { type: 'string' }, data: { type: 'string' } } });
    const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
    const { config } = await configure({ config: textOf(values['config']), data: textOf(values['data']) });
    await runCommand(name, argv, {
      config,
      version: version(),
      say: (text) => void process.stdout.write(`${text}\n`),
      write: (line) => void process.stderr.write(line),
      readLine: terminal.readLine,
      isTerminal: process.stdout.isTTY,
    });
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

/** Asks on the terminal, or reads a pipe line by line. */
async function openTerminal(): Promise<{ readonly readLine: (question: string, signal: AbortSignal) => Promise<string | null>; readonly close: () => void }> {
  const { createInterface } = await import('node:readline');
  let isUsed = false;
  const readLine = (question: string, signal: AbortSignal) =>
    new Promise<string | null>((resolve) => {
      isUsed = true;
      const lines = createInterface({ input: process.stdin, ...(process.stdin.isTTY && { output: process.stdout }) });
      let line: string | null = null;
      const close = () => lines.close();
      lines.once('line', (text) => {
        line = text;
        close();
      });
      lines.once('close', () => {
        signal.removeEventListener('abort', close);
        process.stdin.pause();
        resolve(line);
      });
      signal.addEventListener('abort', close, { once: true });
      if (signal.aborted) close();
      else if (process.stdin.isTTY) {
        lines.setPrompt(question);
        lines.prompt();
      }
    });
  // An input that somebody holds open must not hold the command.
  const close = () => {
    if (isUsed) process.stdin.destroy();
  };
  return { readLine, close };
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
      const { path, config } = await configure(options);
      process.stdout.write(`${path} is fine: ${config.zones.map(({ name, id }) => `zone "${name}" (${id})`).join(', ')}.\n`);
      return exit.fine;
    }
    await start(options);
    return 'running';
  } catch (error) {
    return await explainFailure(error);
  }
}

async function start(options: Options): Promise<void> {
  const stopping = new AbortController();
  let open: { readonly host: OpenHost; tonearm?: Tonearm } | undefined;
  let starting: Promise<unknown> = Promise.resolve();

  const stop = async (signal: NodeJS.Signals) => {
    // The second time somebody asks, or when closing takes too long, we just go.
    if (stopping.signal.aborted) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
    stopping.abort();
    open?.host.log.info('Stopping', { signal });
    setTimeout(() => {
      open?.host.log.warn('Closing took too long; leaving anyway', { limit: closingLimit });
      process.exit(exit.failed);
    }, closingLimit).unref();
    await starting.catch(() => undefined);
    let code: ExitCode = exit.fine;
    for (const part of [open?.tonearm, open?.host]) {
      try {
        await part?.[Symbol.asyncDispose]();
      } catch (error) {
        code = exit.failed;
        open?.host.log.error('A part could not be closed cleanly', { error });
      }
    }
    process.exit(code);
  };
  process.on('SIGINT', (signal) => void stop(signal));
  process.on('SIGTERM', (signal) => void stop(signal));
  // Whoever reads our output may go away first; that is no reason to stop the music.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);

  const work = async () => {
    const { config, path, isNew } = await configure(options);
    const [{ openHost }, { openTonearm }] = await Promise.all([import('#host'), import('./tonearm.ts')]);
    const { log: { format } } = config;
    const write = (line: string) => void process.stdout.write(line);
    const host = await openHost(config, { version: version(), write, colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined });
    const { log } = host;
    open = { host };
    const unexpected = (error: unknown) => {
      log.error('Something unexpected happened inside Tonearm; it stops, so that it can be started afresh', { error });
      process.exitCode = exit.failed;
      void Promise.race([host[Symbol.asyncDispose](), new Promise((done) => setTimeout(done, 500))]).finally(() => process.exit(exit.failed));
    };
    process.on('uncaughtException', unexpected);
    process.on('unhandledRejection', unexpected);
    try {
      const tonearm = await openTonearm(config, host);
      open.tonearm = tonearm;
      const lines = [`Tonearm ${host.version} is ready after ${Math.round(performance.now())} ms.`, ...tonearm.report(), `Settings: ${path}${isNew ? ' (made just now: look into it)' : ''}`, `Data: ${config.data}`];
      if (format === 'json') for (const line of lines) log.info(line);
      else write(`${lines.join('\n')}\n`);
      setTimeout(() => void letGoOfStart(), 4000).unref();
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  };
  starting = work();
  await starting;
}

/**
 * Reading settings, opening parts and logging in leave code and data behind that are not needed again; by itself V8 would keep
 * them for hours, because an idle daemon gives it no reason to look. Code is let go once it has been passed over several times.
 * About 2 MB; each look takes some 10 ms of this thread, and none of the one that plays.
 */
async function letGoOfStart(): Promise<void> {
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let look = 0; look < 8; look++) {
    collect();
    await new Promise((resolve) => void setTimeout(resolve, 50).unref());
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

const result = await main();
// Output may be a pipe that is still being read, so nothing is cut off by exiting at once.
if (result !== 'running') process.exitCode = result;
