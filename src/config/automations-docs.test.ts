import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from './load.ts';

it('takes every example of docs/automations.md as it stands', async () => {
  const text = await readFile(new URL('../../docs/automations.md', import.meta.url), 'utf8');
  // What belongs into other programs says so in its first line.
  const examples = [...text.matchAll(/```yaml\n(?!# ESPHome)([\s\S]*?)```/g)].map(([, yaml]) => yaml ?? '');
  expect(examples.length).toBeGreaterThan(3);
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-examples-'));
  try {
    for (const yaml of examples) {
      const path = join(folder, 'configuration.yaml');
      // An example may leave out the zones it speaks of.
      const rooms = /^zones:/m.test(yaml) ? [] : [...new Set([...yaml.matchAll(/\b(?:zones?|to): ([a-z_]+)/g)].map(([, id]) => id))].filter((id) => id !== 'all' && !/present|absent|unknown/.test(id ?? ''));
      await writeFile(path, rooms.length === 0 ? yaml : `zones: [${rooms.map((id) => `{ name: ${id}, id: ${id} }`).join(', ')}]\n${yaml}`);
      await writeFile(join(folder, 'secrets.yaml'), [...yaml.matchAll(/!secret (\w+)/g)].map(([, name]) => `${name}: planted\n`).join(''));
      await loadConfig({ path, environment: {}, defaultData: folder });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
