import { spawn } from 'node:child_process';

const mostErrorText = 2000;

/** Runs a program to its end; returns null when it ended well, else its last words. */
export function tryProgram(program: string, list: readonly string[], signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, list, { stdio: ['ignore', 'ignore', 'pipe'], signal, killSignal: 'SIGKILL' });
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      text = (text + part).slice(-mostErrorText);
    });
    child.on('error', (error) => resolve((error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not installed' : signal.aborted ? 'it does not answer' : error.message));
    child.on('close', (code) => resolve(code === 0 ? null : text.trim().split('\n').pop() || (signal.aborted ? 'it does not answer' : `it ended with code ${code ?? 'none'}`)));
  });
}
