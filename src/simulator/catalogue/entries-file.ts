import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { TonearmError } from '#foundation';
import type { CatalogueEntry } from './entry.ts';

const Names = z.array(z.string());
const Entry = z.strictObject({
  kind: z.enum(['track', 'episode']).optional(),
  title: z.string(),
  artists: Names.optional(),
  album: z.string().optional(),
  number: z.number().int().optional(),
  disc: z.number().int().optional(),
  /** Milliseconds. */
  duration: z.number().int().min(0),
  explicit: z.boolean().optional(),
  uri: z.string().optional(),
  filesIn: z.enum(['extension', 'track', 'both']).optional(),
  restrictions: z.array(z.strictObject({ allowed: Names.optional(), forbidden: Names.optional(), catalogues: Names.optional() })).optional(),
  alternatives: Names.optional(),
  listed: z.boolean().optional(),
  files: z.array(z.strictObject({ format: z.number().int(), path: z.string() })).default([]),
});

/** Reads a list of entries from JSON: like `CatalogueEntry`, files as `{format, path}` with paths relative to the list. Rejects with a sentence for people. */
export async function readEntriesFile(path: string): Promise<readonly CatalogueEntry[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-catalogue', message: `The catalogue ${path} cannot be read.`, cause });
  });
  const result = z.array(Entry).safeParse(jsonOf(text));
  if (!result.success) throw new TonearmError({ kind: 'invalid', code: 'simulator/bad-catalogue', message: `The catalogue ${path} is not as it must be: ${z.prettifyError(result.error)}` });
  const folder = dirname(path);
  return result.data.map(({ files, ...entry }) => ({
    ...(entry as Omit<CatalogueEntry, 'files'>),
    files: files.map(({ format, path: file }) => ({ format, content: { path: resolve(folder, file) } })),
  }));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
