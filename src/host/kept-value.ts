import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One plain value of a data folder as it is stored, without opening or making anything; null when there is none that can be read. */
export async function keptValue(folder: string, name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, 'values', `${name}.json`), 'utf8'));
  } catch {
    return null;
  }
}
