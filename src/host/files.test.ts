import { chmod, chown, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomically } from './files.ts';

const isRoot = process.getuid?.() === 0;

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-files-'));
  path = join(folder, 'configuration.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const shown = async () => {
  const { uid, gid, mode } = await stat(path);
  return { uid, gid, mode: mode & 0o777, text: await readFile(path, 'utf8') };
};

describe('a file that is replaced', () => {
  it('is for its owner only, unless it is to be for those of the one before', async () => {
    await writeFileAtomically(path, 'one');
    expect(await shown()).toMatchObject({ mode: 0o600, text: 'one' });
    await chmod(path, 0o664);
    await writeFileAtomically(path, 'two', await stat(path));
    expect(await shown()).toMatchObject({ mode: 0o664, text: 'two' });
    await writeFileAtomically(path, 'three');
    expect(await shown()).toMatchObject({ mode: 0o600, text: 'three' });
  });

  it.runIf(isRoot)('stays its owner’s and its group’s', async () => {
    await writeFileAtomically(path, 'one');
    await chown(path, 65_534, 65_533);
    await writeFileAtomically(path, 'two', await stat(path));
    expect(await shown()).toEqual({ uid: 65_534, gid: 65_533, mode: 0o600, text: 'two' });
  });

  it('is written also by one who cannot give it away, with its mode but for what its group might do', async () => {
    await asSomebody(() => writeFileAtomically(path, 'one', { uid: 0, gid: 0, mode: 0o100_640 }));
    expect(await shown()).toMatchObject({ uid: isRoot ? 65_534 : process.getuid?.(), mode: 0o600, text: 'one' });
  });

  it.runIf(isRoot)('stays its group’s where that is one of the writer’s', async () => {
    const { setgroups, getgroups } = process as Required<typeof process>;
    const before = getgroups();
    setgroups([65_532]);
    try {
      await asSomebody(() => writeFileAtomically(path, 'one', { uid: 0, gid: 65_532, mode: 0o100_640 }));
    } finally {
      setgroups(before);
    }
    expect(await shown()).toEqual({ uid: 65_534, gid: 65_532, mode: 0o640, text: 'one' });
  });
});

/** As a user who may not do everything. */
async function asSomebody(work: () => Promise<void>): Promise<void> {
  if (!isRoot) {
    await work();
    return;
  }
  await chown(folder, 65_534, 65_534);
  process.setegid?.(65_534);
  process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
