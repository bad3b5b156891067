import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const at = (file: string) => new URL(`../../${file}`, import.meta.url);
const { homepage: home } = JSON.parse(await readFile(at('package.json'), 'utf8')) as { readonly homepage: string };

/** Where the address of the repository stands, and what comes behind it there. */
it.each<[file: string, place: RegExp, behind: string]>([
  ['package.json', /(?<="repository": \{[^}]*"url": ")[^"]*/, '.git'],
  ['repository.yaml', /(?<=^url: ).*/m, ''],
  ['addon/config.yaml', /(?<=^url: ).*/m, ''],
  ['homebridge-plugin/package.json', /(?<="homepage": ")[^"]*/, ''],
  ['homebridge-plugin/package.json', /(?<="repository": \{[^}]*"url": ")[^"]*/, '.git'],
  ['homebridge-plugin/package.json', /(?<="bugs": \{[^}]*"url": ")[^"]*/, '/issues'],
  ['homebridge-plugin/README.md', /(?<=\[Tonearm\]\()[^)]*/, ''],
])('the address in %s at %s is that of package.json (or run with UPDATE_DOCS=1)', async (file, place, behind) => {
  const text = await readFile(at(file), 'utf8');
  if (process.env['UPDATE_DOCS']) await writeFile(at(file), text.replace(place, home + behind));
  else expect(place.exec(text)?.[0]).toBe(home + behind);
});
