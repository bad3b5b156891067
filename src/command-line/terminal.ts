import { createInterface } from 'node:readline';

export interface Terminal {
  /** Null at the end of the input. */
  readonly readLine: (question: string, signal: AbortSignal) => Promise<string | null>;
  readonly close: () => void;
}

/** Asks on the terminal, or reads a pipe line by line. */
export function openTerminal(): Terminal {
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
