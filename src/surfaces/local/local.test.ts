import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, TonearmError } from '#foundation';
import { FakeAccounts } from '../../../test/contract/fake-accounts.ts';
import { keptLog } from '../../../test/contract/surface-fake-player.ts';
import { local } from './index.ts';
import { Lines, longestAnswer, socketName } from './wire/index.ts';

let folder: string;
let accounts: FakeAccounts;
let open: AsyncDisposable[];
let log: ReturnType<typeof keptLog>;

const path = () => join(folder, socketName);

async function start(where = folder): Promise<AsyncDisposable> {
  const surface = await local.open({ folder: where }, { zones: [], host: { clock: new FakeClock(), log } as never, accounts, rotateKey: () => Promise.resolve(5) });
  open.push(surface);
  return surface;
}

/** Sends bytes and collects answers until `count` have come or the far side closes. */
function talk(bytes: string, count = 1): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const lines = new Lines();
    const got: unknown[] = [];
    const socket = net.connect(path(), () => socket.write(bytes));
    socket.on('data', (chunk) => {
      got.push(...lines.push(chunk));
      if (got.length >= count) socket.destroy();
    });
    socket.on('close', () => resolve(got));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(got) : reject(error)));
  });
}

const request = (name: string, fields?: object, id = 1) => `${JSON.stringify({ id, do: name, ...(fields && { with: fields }) })}\n`;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-local-'));
  accounts = new FakeAccounts();
  open = [];
  log = keptLog();
});

afterEach(async () => {
  for (const surface of open) await surface[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

it('a request is short, and an answer may be long', () => {
  const answer = Buffer.from(`${JSON.stringify({ id: 1, ok: { runs: 'x'.repeat(300 * 1024) } })}\n`);
  const pushed = (lines: Lines) => [answer.subarray(0, 280 * 1024), answer.subarray(280 * 1024)].flatMap((chunk) => lines.push(chunk));
  expect(pushed(new Lines(longestAnswer))).toHaveLength(1);
  expect(() => pushed(new Lines())).toThrow(expect.objectContaining({ code: 'local/not-understood' }));
});

describe('the local socket', () => {
  it('is for its owner only, and gone at the end', async () => {
    const surface = await start();
    expect(((await stat(path())).mode & 0o777).toString(8)).toBe('600');
    await surface[Symbol.asyncDispose]();
    expect(await readdir(folder)).toEqual([]);
  });

  it('answers with whole names, each request with its number', async () => {
    await start();
    const got = await talk(request('account/list', undefined, 7) + request('account/answer', { allow: true }, 8) + request('key/rotate', undefined, 9), 3);
    expect(got).toHaveLength(3);
    expect(got).toContainEqual(expect.objectContaining({ id: 7, ok: expect.objectContaining({ accounts: [expect.objectContaining({ name: 'listener' })] }) }));
    expect(got).toContainEqual({ id: 8, ok: { question: '11112222', zone: 'kitchen', account: 'somebody', allowed: true } });
    expect(got).toContainEqual({ id: 9, ok: { values: 5 } });
  });

  it('says why not', async () => {
    await start();
    accounts.error = new TonearmError({ kind: 'conflict', code: 'accounts/x', message: 'no' });
    expect(await talk(request('account/login'))).toEqual([{ id: 1, error: { kind: 'conflict', code: 'accounts/x', message: 'no' } }]);
    expect(await talk(request('zone/explode'))).toMatchObject([{ error: { kind: 'not-found', code: 'local/unknown-request' } }]);
    expect(await talk(request('account/logout', {}))).toMatchObject([{ error: { code: 'accounts/bad-request' } }]);
  });

  it.each(['nonsense\n', '[]\n', '{"id":"x","do":"account/list"}\n', `{"id":1,"do":"${'x'.repeat(300_000)}`])('hangs up on %.20s', async (bytes) => {
    await start();
    expect(await talk(bytes)).toEqual([]);
    expect(await talk(request('key/rotate'))).toHaveLength(1);
  });

  it('takes the place of what a killed daemon left', async () => {
    await writeFile(path(), 'left over');
    await start();
    expect(await talk(request('key/rotate'))).toHaveLength(1);
  });

  it('is left out, with a word, where the path is too long', async () => {
    await start(join(folder, 'x'.repeat(120)));
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});
