import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Launched, LaunchOptions } from '#core';
import { TonearmError, type Clock } from '#foundation';

/** Of what a program says, its end is kept. */
const mostText = 2000;
/** Whoever was asked to end and does not is made to after this long. Shorter than the daemon may take to close. */
const grace = 1000;
/** So long the last words of a program that has ended may take: what it has started may hold the line for ever. */
const lastWords = 500;
/** What programs get of our own environment: nothing in it is secret. */
const handedOn = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'LC_ALL', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'PULSE_SERVER'];

/** As `openLauncher` says. */
export async function runProgram(program: string, list: readonly string[], { environment, signal, said }: LaunchOptions, clock: Clock): Promise<Launched> {
  signal.throwIfAborted();
  const own = Object.fromEntries(handedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = spawn(program, [...list], { cwd: '/', env: { ...own, ...environment }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  } catch (cause) {
    throw notStarted(program, cause);
  }
  let output = '';
  const timers: Disposable[] = [];
  // With everything it has started.
  const kill = (how: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, how);
    } catch {
      // Gone already.
    }
  };
  const stop = () => {
    kill('SIGTERM');
    timers.push(clock.timer(grace, () => kill('SIGKILL')));
  };
  try {
    const end = new Promise<Launched>((resolve, reject) => {
      child.once('error', (cause) => reject(notStarted(program, cause)));
      child.once('exit', (code, killedBy) => {
        // Whoever of them did not listen.
        if (signal.aborted) kill('SIGKILL');
        timers.push(clock.timer(lastWords, () => resolve({ code, killedBy })));
        child.once('close', () => resolve({ code, killedBy }));
      });
    });
    // Without a free file handle there are none.
    for (const stream of streamsOf(child)) stream.setEncoding('utf8').on('data', (text: string) => void (output = ended(output + text)));
    signal.addEventListener('abort', stop, { once: true });
    const launched = await end;
    signal.throwIfAborted();
    return launched;
  } finally {
    signal.removeEventListener('abort', stop);
    for (const timer of timers) timer[Symbol.dispose]();
    for (const stream of streamsOf(child)) stream.destroy();
    if (output.trim() !== '') said(output.trim());
  }
}

function streamsOf({ stdout, stderr }: { readonly stdout: Readable | undefined; readonly stderr: Readable | undefined }): readonly Readable[] {
  return [stdout, stderr].filter((stream) => stream !== undefined);
}

/** The end of a text, in whole lines: half a line may be half a secret that nobody knows for one. */
function ended(text: string): string {
  if (text.length <= mostText) return text;
  const end = text.slice(-mostText);
  return end.slice(end.indexOf('\n') + 1);
}

function notStarted(program: string, cause: unknown): TonearmError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new TonearmError({ kind: 'not-found', code: 'host/program-missing', message: `There is no program ${program}. Write its full path, and look whether it is there for the user Tonearm runs as.`, cause });
  return new TonearmError({ kind: 'unavailable', code: 'host/program-not-started', message: `${program} could not be started (${code ?? message}). Look whether the user Tonearm runs as may run it.`, cause });
}
