// What the bundle is made from, with the licence of each: their terms ask for it.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The text for dist/licences.txt, from the inputs esbuild lists. */
export function licences(root, inputs) {
  const folders = new Set(inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  const packages = [...folders].map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file && existsSync(join(root, folder, file)) ? readFileSync(join(root, folder, file), 'utf8').trim() : `Licence: ${license ?? 'see its home page'}. Author: ${typeof author === 'string' ? author : (author?.name ?? 'unknown')}.`;
    return { title: `${name} ${version} (${license ?? 'see below'})`, text };
  });
  packages.sort((a, b) => a.title.localeCompare(b.title));
  const line = '-'.repeat(80);
  return `Tonearm's bundle contains these packages, unchanged but for what scripts/build.mjs says.\n\n${packages.map(({ title, text }) => `${line}\n${title}\n${line}\n\n${text}\n`).join('\n')}`;
}
