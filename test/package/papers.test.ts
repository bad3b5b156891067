import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './program.ts';

const read = (path: string) => readFile(join(repository, path), 'utf8');

async function filesBelow(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(join(repository, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending)).map((entry) => join(entry.parentPath, entry.name));
}

describe('the papers', () => {
  it('explain every error code people can meet', async () => {
    const explained = await read('docs/troubleshooting.md');
    const missing = new Set<string>();
    for (const path of await filesBelow('src', '.ts')) {
      if (/\.(test|fixture)\.ts$|\/(simulator|demo|wire|test-kit)\//.test(path)) continue;
      for (const [, code = ''] of (await readFile(path, 'utf8')).matchAll(/code: '([a-z-]+\/[a-z-]+)'/g)) if (!explained.includes(`\`${code}\``)) missing.add(code);
    }
    expect([...missing].sort()).toEqual([]);
  });

  it('link to what is there', async () => {
    const papers = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...(await readdir(join(repository, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
    const broken: string[] = [];
    for (const paper of papers) {
      const text = await read(paper);
      for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? paper : join(dirname(paper), path);
        const found = await read(target).catch((error: unknown) => ((error as NodeJS.ErrnoException).code === 'EISDIR' ? '' : null));
        const headings = found?.match(/^#+ .*$/gm)?.map((line) => line.replace(/^#+ /, '').toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')) ?? [];
        if (found === null || (anchor !== undefined && !headings.includes(anchor))) broken.push(`${paper}: ${link}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('carry one version', async () => {
    const { version } = JSON.parse(await read('package.json')) as { version: string };
    expect(await read('CHANGELOG.md')).toContain(`## ${version}`);
    expect(await read('addon/config.yaml')).toContain(`version: "${version}"`);
    expect(JSON.parse(await read('homebridge-plugin/package.json'))).toMatchObject({ version });
    expect(JSON.parse(await read('addon/custom_components/tonearm/manifest.json'))).toMatchObject({ version });
  });
});
