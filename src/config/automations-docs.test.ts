import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from './load.ts';

it('takes every example of docs/automations.md as it stands', async () => {
  const text = await readFile(new URL('../../docs/automations.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml ?? '');
  expect(examples.length).toBeGreaterThan(3);
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-examples-'));
  try {
    for (const yaml of examples) {
      const path = join(folder, 'configuration.yaml');
      await writeFile(path, yaml);
      await loadConfig({ path, environment: {}, defaultData: folder });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
