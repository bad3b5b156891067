import { z } from 'zod';
import { TonearmError } from '#foundation';
import type { ApiKeys, KeyView } from './api-keys.ts';
import { Scope } from './http/wire/words.ts';

const requests = {
  list: { about: 'nothing', fields: z.strictObject({}) },
  add: { about: '{"name": whose it is, "scope"?: "read" or "control"}', fields: z.strictObject({ name: z.string(), scope: Scope.default('read') }) },
  remove: { about: '{"id": of the key}', fields: z.strictObject({ id: z.string().min(1).max(64) }) },
} as const;

/** What the owner can ask about API keys. Only for ways in that are the owner's own: the answer to `add` holds the key. */
export async function answerKeyRequest(keys: ApiKeys, name: string, fields: unknown): Promise<Readonly<Record<string, unknown>>> {
  switch (name) {
    case 'list':
      read('list', fields);
      return { keys: keys.list.map(shown) };
    case 'add': {
      const wish = read('add', fields);
      const { key, view } = await keys.add(wish.name, wish.scope);
      return { ...shown(view), key: key.reveal() };
    }
    case 'remove':
      return shown(await keys.remove(read('remove', fields).id));
    default:
      throw new TonearmError({ kind: 'not-found', code: 'local/unknown-request', message: `Nothing is known of "api-key/${name.slice(0, 40)}".` });
  }
}

function read<Name extends keyof typeof requests>(name: Name, given: unknown): z.output<(typeof requests)[Name]['fields']> {
  const parsed = requests[name].fields.safeParse(given);
  if (!parsed.success) throw new TonearmError({ kind: 'invalid', code: 'keys/bad-request', message: `The request was not understood: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ')} It takes ${requests[name].about}.` });
  return parsed.data as z.output<(typeof requests)[Name]['fields']>;
}

function shown({ created, used, ...view }: KeyView): Readonly<Record<string, unknown>> {
  const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return { ...view, created: iso(created), used: iso(used) };
}
