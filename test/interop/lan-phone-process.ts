import { build } from 'esbuild';
import { join } from 'node:path';
import type { PhoneRequests } from './lan-phone.ts';
import type { Machine } from './lan.ts';

type Name = keyof PhoneRequests;
/** Asks the phone's process. */
export type Ask = <K extends Name>(name: K, ...input: Parameters<PhoneRequests[K]>) => Promise<Awaited<ReturnType<PhoneRequests[K]>>>;

/** Asks again and again until the answer is accepted. */
export async function eventually<T>(get: () => Promise<T>, test: (value: T) => boolean, limit = 10_000): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const value = await get();
    if (test(value)) return value;
    if (performance.now() > end) throw new Error(`It was never as expected; the last was ${JSON.stringify(value, null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Cloud, phone and a second mDNS implementation, in a process on that machine. */
export async function startPhone(machine: Machine, folder: string, name = 'phone'): Promise<Ask> {
  const outfile = join(folder, `${name}.mjs`);
  const banner = { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" };
  await build({ entryPoints: [new URL('lan-phone.ts', import.meta.url).pathname], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20.19', conditions: ['source'], banner, logLevel: 'error' });
  const running = machine.start(process.execPath, [outfile]);
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  running.child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(result as never);
    else one?.reject(new Error(error));
  });
  running.child.once('close', () => {
    for (const { reject } of waiting.values()) reject(new Error(`The phone's process ended: ${running.output}`));
  });
  await running.said('phone is here', 60_000);
  let last = 0;
  return (name, ...[input]) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      running.child.send({ id, name, input });
    });
}
