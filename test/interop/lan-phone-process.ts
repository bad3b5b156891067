import { type AskOf, startFar } from './far-process.ts';
import type { PhoneRequests } from './lan-phone.ts';
import type { Machine } from './lan.ts';

/** Asks the phone's process. */
export type Ask = AskOf<PhoneRequests>;

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
export function startPhone(machine: Machine, folder: string, name = 'phone'): Promise<Ask> {
  return startFar<PhoneRequests>(machine, folder, { source: new URL('lan-phone.ts', import.meta.url), ready: 'phone is here', name });
}
