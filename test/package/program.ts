import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const bundle = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A program run from outside, as its user would, with everything it says. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #started = performance.now();
  readonly exit: Promise<number | string>;
  stdout = '';
  stderr = '';
  #watchers = new Set<() => void>();

  /** The environment is empty but for the path: nothing of this machine's owner gets in. */
  constructor(file: string, args: readonly string[], { cwd, environment = {} }: RunOptions = {}) {
    const { PATH = '' } = process.env;
    // A group of its own, so that what a shell or npm started ends with it.
    this.#child = spawn(file, args, { cwd, env: { PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child.stdout?.on('data', (data: Buffer) => this.#heard('stdout', data));
    this.#child.stderr?.on('data', (data: Buffer) => this.#heard('stderr', data));
    this.exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve(signal ?? code ?? 'unknown'));
    });
    this.exit.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  #heard(stream: 'stdout' | 'stderr', data: Buffer): void {
    this[stream] += data.toString();
    for (const watch of this.#watchers) watch();
  }

  /** Resolves with the match and the milliseconds since the start, once the output matches; rejects when the program ends first. */
  async says(pattern: RegExp): Promise<{ readonly match: RegExpExecArray; readonly after: number }> {
    let watch = () => undefined as void;
    const said = new Promise<{ match: RegExpExecArray; after: number }>((resolve) => {
      watch = () => {
        const match = pattern.exec(this.stdout);
        if (match) resolve({ match, after: performance.now() - this.#started });
      };
      this.#watchers.add(watch);
      watch();
    });
    const ended = this.exit.then((code) => {
      throw new Error(`It ended (${code}) without saying ${String(pattern)}.\n${this.stdout}${this.stderr}`);
    });
    try {
      return await Promise.race([said, ended]);
    } finally {
      this.#watchers.delete(watch);
    }
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      try {
        process.kill(-this.pid, 'SIGKILL');
      } catch {
        // Gone in this very moment.
      }
    }
    await this.exit.catch(() => undefined);
  }
}

/** Runs the bundled daemon. */
export function tonearm(args: readonly string[], options: RunOptions = {}): Program {
  return new Program(process.execPath, [bundle, ...args], options);
}
