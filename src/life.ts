import { closeSync, openSync } from 'node:fs';
import { inspect } from 'node:util';
import type { Config, ConfigSource, LoadedConfig, OpenControl } from '#config';
import type { Log } from '#foundation';
import type { OpenHost } from '#host';
import { afterChanges } from './after-changes.ts';
import type { Tonearm } from './tonearm.ts';

const closingLimit = 3000;
/** Closing everything before it is opened again: many zones say goodbye to the cloud one after the other. Milliseconds. */
const restartLimit = 60_000;

/** What there is to start with. */
export interface Configured {
  readonly config: Config;
  readonly source: ConfigSource;
  readonly loaded: LoadedConfig;
  /** It was made just now. */
  readonly isNew: boolean;
}

/** Everything that is open, in the order it is closed. */
interface Running {
  readonly host: OpenHost;
  readonly tonearm: Tonearm;
  readonly control: OpenControl;
}

export interface Beginning {
  /** Reads the configuration as it is now. */
  readonly configure: () => Promise<Configured>;
  readonly version: string;
  readonly codes: { readonly fine: number; readonly failed: number };
  /** Says on standard error why it cannot start; resolves with the exit code. */
  readonly explainFailure: (error: unknown) => Promise<number>;
}

/**
 * The daemon's life: opens everything, starts again when asked (SIGHUP, a surface), closes on SIGINT and SIGTERM and ends the
 * process. Rejects when the first start fails.
 */
export async function live({ configure, version, codes, explainFailure }: Beginning): Promise<void> {
  const stopping = new AbortController();
  let running: Running | undefined;
  let log: Log | undefined;
  /** What it runs on; what it goes back to. */
  let current: Configured | undefined;
  /** What is being opened or closed now; never two at once. */
  let work: Promise<unknown> = Promise.resolve();
  let isAsked = false;

  const close = async (): Promise<number> => {
    let code = codes.fine;
    const parts = running;
    running = undefined;
    // First, so that what is asked meanwhile is refused, and nothing is written any more when the file is read again.
    for (const part of [parts?.control, parts?.tonearm, parts?.host]) {
      try {
        await part?.[Symbol.asyncDispose]();
      } catch (error) {
        code = codes.failed;
        log?.error('A part could not be closed cleanly', { error });
      }
    }
    return code;
  };

  const open = async (configured: Configured, began: number): Promise<void> => {
    const { config, source, loaded, isNew } = configured;
    const [{ openHost, writeFileAtomically }, { openTonearm }, { openControl }] = await Promise.all([import('#host'), import('./tonearm.ts'), import('#config')]);
    const write = (line: string) => void process.stdout.write(line);
    const host = await openHost(config, { version, write, colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined });
    log = host.log;
    const control = openControl({ source, loaded, clock: host.clock, log: host.log, write: writeFileAtomically, restart: again, keep: async () => running?.tonearm.keep(), store: host.store, version });
    try {
      const tonearm = await openTonearm(config, host, control);
      running = { host, tonearm, control };
      current = configured;
      const lines = [`Tonearm ${host.version} is ready after ${Math.round(performance.now() - began)} ms.`, ...tonearm.report(), `Settings: ${source.path}${isNew ? ' (made just now: look into it)' : ''}`, `Data: ${config.data}`];
      if (config.log.format === 'json') for (const line of lines) host.log.info(line);
      else write(`${lines.join('\n')}\n`);
    } catch (error) {
      await control[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
      throw error;
    }
  };

  /** Closes and opens again; with what it ran on before, when the new configuration turns out not to work. */
  const again = () => {
    // What is read then holds what was asked for until then.
    if (isAsked) return;
    isAsked = true;
    void restart();
  };

  // Loads nothing new here: the package may have been replaced underneath.
  const restart = async () => {
    if (running) await afterChanges(running.host.clock, running.control);
    if (stopping.signal.aborted) return;
    const before = current;
    if (!running || !before) {
      // In the middle of a start, which may have read the configuration as it was before.
      isAsked = false;
      void work.then(again, () => undefined);
      return;
    }
    log?.info('Starting again, with the configuration as it is now');
    work = (async () => {
      const limit = setTimeout(() => {
        log?.error('A part does not close, so Tonearm ends, to be started afresh', { limit: restartLimit });
        process.exit(codes.failed);
      }, restartLimit);
      await close();
      clearTimeout(limit);
      // Changes that were finished while closing ask, too; they are in the file that is read now.
      isAsked = false;
      const began = performance.now();
      try {
        await open(await configure(), began);
      } catch (error) {
        log?.error(`Tonearm cannot run on the configuration as it is now, and goes on with the one before. ${(error as Error).message}`);
        await open(before, began);
      }
    })();
    void work.catch(async (error: unknown) => process.exit(await explainFailure(error)));
  };

  const stop = async (signal: NodeJS.Signals) => {
    // The second time somebody asks, or when closing takes too long, we just go.
    if (stopping.signal.aborted) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
    stopping.abort();
    log?.info('Stopping', { signal });
    setTimeout(() => {
      log?.warn('Closing took too long; leaving anyway', { limit: closingLimit });
      process.exit(codes.failed);
    }, closingLimit).unref();
    await work.catch(() => undefined);
    process.exit(await close());
  };
  process.on('SIGINT', (signal) => void stop(signal));
  process.on('SIGTERM', (signal) => void stop(signal));
  const isInTerminal = process.stdout.isTTY && hasTerminal();
  // The same signal says that the terminal it runs in was closed: then nobody is left who could end it.
  process.on('SIGHUP', (signal) => void (isInTerminal && !hasTerminal() ? stop(signal) : reload()));
  // Whoever reads our output may go away first; that is no reason to stop the music.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  const unexpected = (error: unknown) => {
    if (log) log.error('Something unexpected happened inside Tonearm; it stops, so that it can be started afresh', { error });
    else process.stderr.write(`${inspect(error)}\n`);
    process.exitCode = codes.failed;
    void Promise.race([running?.host[Symbol.asyncDispose](), new Promise((done) => setTimeout(done, 500))]).finally(() => process.exit(codes.failed));
  };

  /** What SIGHUP asks of a daemon: read the file again. One that cannot be used changes nothing. */
  const reload = async () => {
    try {
      await configure();
      again();
    } catch (error) {
      log?.error(`The configuration was not read again. ${(error as Error).message}`);
    }
  };

  process.on('uncaughtException', unexpected);
  process.on('unhandledRejection', unexpected);
  work = configure().then((configured) => open(configured, 0));
  await work;
}

/** Whether there is still a terminal behind us. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
