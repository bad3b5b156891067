import { randomBytes } from 'node:crypto';
import type { Store } from '#core';

/**
 * The Connect device id of a zone: 40 hex digits, made at random once and kept, so that accounts and phones recognise the speaker after a restart.
 */
export async function deviceIdentity(store: Pick<Store, 'read' | 'write'>, zone: string): Promise<string> {
  return await kept(store, `device-id/${zone}`, 20);
}

/** Names this installation on the network: 8 hex digits, made once and kept. */
export async function instanceIdentity(store: Pick<Store, 'read' | 'write'>): Promise<string> {
  return await kept(store, 'instance-id', 4);
}

async function kept(store: Pick<Store, 'read' | 'write'>, name: string, bytes: number): Promise<string> {
  const saved = await store.read(name);
  if (typeof saved === 'string' && saved.length === 2 * bytes && /^[0-9a-f]+$/.test(saved)) return saved;
  const made = randomBytes(bytes).toString('hex');
  await store.write(name, made);
  return made;
}
