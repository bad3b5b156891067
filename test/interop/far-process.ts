import { build } from 'esbuild';
import { join } from 'node:path';
import type { Machine } from './lan.ts';

/** What a process can be asked: plain data goes in and out. */
type Requests<Table> = { readonly [Name in keyof Table]: (...input: never[]) => Promise<unknown> };
export type AskOf<Table extends Requests<Table>> = <Name extends keyof Table & string>(name: Name, ...input: Parameters<Table[Name]>) => Promise<Awaited<ReturnType<Table[Name]>>>;

export interface FarProcess {
  /** The program. */
  readonly source: URL;
  /** What it says once it can be asked. */
  readonly ready: string;
  /** Tells several of one source apart. */
  readonly name: string;
  readonly args?: readonly string[];
}

/** Starts a program on that machine, built into `folder`; resolves with a way to ask it. */
export async function startFar<Table extends Requests<Table>>(machine: Machine, folder: string, { source, ready, name, args = [] }: FarProcess): Promise<AskOf<Table>> {
  const outfile = join(folder, `${name}.mjs`);
  const banner = { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" };
  await build({ entryPoints: [source.pathname], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20.19', conditions: ['source'], banner, logLevel: 'error' });
  const running = machine.start(process.execPath, [outfile, ...args]);
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  running.child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(result as never);
    else one?.reject(new Error(error));
  });
  running.child.once('close', () => {
    for (const { reject } of waiting.values()) reject(new Error(`The process “${name}” ended: ${running.output}`));
  });
  await running.said(ready, 60_000);
  let last = 0;
  return (request, ...[input]) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      running.child.send({ id, name: request, input });
    });
}
