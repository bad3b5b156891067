import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAddress, recipeOf } from './address.ts';

let root: string;
let music: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'tonearm-sounds-')));
  music = join(root, 'music');
  await mkdir(join(music, 'deep'), { recursive: true });
  await writeFile(join(music, 'deep', 'Guten Morgen #1.flac'), '');
  await writeFile(join(root, 'secret.txt'), '');
  await symlink(join(root, 'secret.txt'), join(music, 'way out.mp3'));
  await symlink(music, join(root, 'alias'));
});
afterAll(() => rm(root, { recursive: true }));

test.each([
  ['sound:chime', { kind: 'tone', tone: 'chime' }],
  ['sound:bell', { kind: 'tone', tone: 'bell' }],
  ['sound:gong', null],
  ['sound:toString', null],
  ['http://192.0.2.7:8123/api/tts_proxy/x.mp3', { kind: 'web', url: 'http://192.0.2.7:8123/api/tts_proxy/x.mp3' }],
  ['HTTPS://Example.org/a%20b', { kind: 'web', url: 'https://example.org/a%20b' }],
  ['https://open.spotify.com/track/x', null],
  ['https://spotify.link/x', null],
  ['https://notspotify.com/x.mp3', { kind: 'web', url: 'https://notspotify.com/x.mp3' }],
  ['file:///a/../b/c.mp3', { kind: 'file', path: '/b/c.mp3' }],
  ['file://host/b.mp3', null],
  ['file:///a%2Fb', null],
  ['/etc/passwd', null],
  ['spotify:track:x', null],
  ['ftp://example.org/x', null],
  ['http://', null],
  ['', null],
])('%j leads to %o', (uri, expected) => {
  expect(parseAddress(uri)).toEqual(expected);
});

describe('files', () => {
  const recipe = (path: string, folders = [music]) => {
    const uri = pathToFileURL(path).href;
    const address = parseAddress(uri);
    if (!address) throw new Error(uri);
    return recipeOf(uri, address, folders);
  };

  test('below a folder of the settings are played, under their name', async () => {
    const path = join(music, 'deep', 'Guten Morgen #1.flac');
    expect(await recipe(path)).toMatchObject({ bytes: { file: path }, format: 'any', track: { kind: 'file', title: 'Guten Morgen #1', duration: 0 } });
    expect(await recipe(join(root, 'alias', 'deep', 'Guten Morgen #1.flac'), [join(root, 'alias')])).toMatchObject({ bytes: { file: path } });
  });

  test.each([
    ['elsewhere', () => recipe(join(root, 'secret.txt')), 'sounds/not-in-folders'],
    ['elsewhere, and not there', () => recipe(join(root, 'no-such.txt')), 'sounds/not-in-folders'],
    ['without any folder', () => recipe(join(music, 'deep', 'Guten Morgen #1.flac'), []), 'sounds/not-in-folders'],
    ['by a link out of the folder', () => recipe(join(music, 'way out.mp3')), 'sounds/not-in-folders'],
    ['in a folder whose name begins alike', () => recipe(join(root, 'music-of-others', 'a.mp3')), 'sounds/not-in-folders'],
    ['that are not there', () => recipe(join(music, 'none.mp3')), 'sounds/no-such-file'],
    ['the folder itself', () => recipe(music), 'sounds/not-in-folders'],
  ])('%s are not', async (_what, ask, code) => {
    const error = await ask().then(() => null, (thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ code });
    expect(error?.message).toMatch(/^The file .+\.$|^There is no file .+\.$/);
  });
});

test('what comes from the web is called after its address', async () => {
  for (const [uri, title] of [['http://192.0.2.7/tts/Hello%20there.mp3', 'Hello there'], ['http://192.0.2.7/', '192.0.2.7'], ['http://192.0.2.7/%ff', '192.0.2.7']] as const) {
    const address = parseAddress(uri);
    if (!address) throw new Error(uri);
    expect(await recipeOf(uri, address, [])).toMatchObject({ track: { kind: 'stream', title, uri }, bytes: { urls: [expect.any(String)], live: false } });
  }
});
