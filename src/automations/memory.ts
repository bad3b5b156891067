import type { Host } from '#core';
import type { Memory } from './ports.ts';

const name = 'automations';

type Values = Readonly<Record<string, unknown>>;

/** What was switched by hand, read once and written at every change: people switch seldom. */
export async function openMemory({ store, log }: Pick<Host, 'store' | 'log'>): Promise<Memory & AsyncDisposable> {
  const values = new Map<string, Values>(entriesOf(await store.read(name)));
  let written: Promise<void> = Promise.resolve();
  const save = (id: string): Promise<void> =>
    (written = store.write(name, Object.fromEntries(values)).catch((error: unknown) => log.warn('What was switched could not be saved; it holds until the next start', { automation: id, error })));
  return {
    get: (id, key) => values.get(id)?.[key],
    async set(id, key, value) {
      const { [key]: before, ...rest } = values.get(id) ?? {};
      if (before === value) return;
      const next = value === undefined ? rest : { ...rest, [key]: value };
      if (Object.keys(next).length === 0) values.delete(id);
      else values.set(id, next);
      await save(id);
    },
    async forget(id) {
      if (values.delete(id)) await save(id);
    },
    // A restart begins soon after the answer; what is read then must be there.
    [Symbol.asyncDispose]: () => written,
  };
}

function entriesOf(stored: unknown): [string, Values][] {
  if (typeof stored !== 'object' || stored === null) return [];
  return Object.entries(stored).filter((entry): entry is [string, Values] => typeof entry[1] === 'object' && entry[1] !== null);
}
