import { realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Playable, ToneName, Track, Uri } from '#core';
import { TonearmError } from '#foundation';

/** What an address of sound leads to. */
export type Address = { readonly kind: 'tone'; readonly tone: ToneName } | { readonly kind: 'file'; readonly path: string } | { readonly kind: 'web'; readonly url: string };

const tones: Readonly<Record<Uri, ToneName>> = { 'sound:chime': 'chime', 'sound:bell': 'bell' };
const toneTitles: Readonly<Record<ToneName, string>> = { chime: 'Chime', bell: 'Bell' };
/** Web addresses of Spotify lead to pages about music, not to sound. */
const spotify = /(^|\.)(spotify\.com|spotify\.link|spoti\.fi)$/i;

/** `sound:chime`, `sound:bell`, `file:///…`, `http(s)://…`; null for anything else, and for links of Spotify. */
export function parseAddress(uri: Uri): Address | null {
  const tone = Object.hasOwn(tones, uri) ? tones[uri] : undefined;
  if (tone) return { kind: 'tone', tone };
  if (!/^(https?|file):\/\//i.test(uri) || !URL.canParse(uri)) return null;
  const url = new URL(uri);
  if (url.protocol !== 'file:') return spotify.test(url.hostname) ? null : { kind: 'web', url: url.href };
  const path = pathOf(url);
  return path === null ? null : { kind: 'file', path };
}

/** The recipe of an address. Rejects with a sentence for files that are not there, or not for us. */
export async function recipeOf(uri: Uri, address: Address, folders: readonly string[]): Promise<Playable> {
  switch (address.kind) {
    case 'tone':
      return { track: track(uri, 'file', toneTitles[address.tone]), bytes: { tone: address.tone }, format: 'any' };
    case 'file':
      return { track: track(uri, 'file', posix.parse(address.path).name), bytes: { file: await allowed(address.path, folders) }, format: 'any' };
    case 'web':
      return { track: track(uri, 'stream', webTitle(new URL(address.url))), bytes: { urls: [address.url], live: false }, format: 'any' };
  }
}

/** The file behind the path, links followed: that one has to be below a folder of the settings. */
async function allowed(path: string, folders: readonly string[]): Promise<string> {
  const roots = await Promise.all(folders.map((folder) => realpath(folder).catch(() => null)));
  // Before it is looked at: whether a file exists is nobody's business outside the folders.
  const isNamed = folders.some((folder) => isBelow(path, folder)) || roots.some((root) => root !== null && isBelow(path, root));
  const real = isNamed ? await realpath(path).catch(() => null) : null;
  if (isNamed && real === null) throw new TonearmError({ kind: 'not-found', code: 'sounds/no-such-file', message: `There is no file ${path}, so it cannot be played. Check its name and folder.` });
  if (real !== null && roots.some((root) => root !== null && isBelow(real, root))) return real;
  throw new TonearmError({ kind: 'forbidden', code: 'sounds/not-in-folders', message: `The file ${path} may not be played: it is in none of the folders of the setting sounds.folders. Add its folder there, or move it into one of them.` });
}

function isBelow(path: string, folder: string): boolean {
  const way = posix.relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../') && !posix.isAbsolute(way);
}

function pathOf(url: URL): string | null {
  try {
    return posix.normalize(fileURLToPath(url));
  } catch {
    return null;
  }
}

function webTitle(url: URL): string {
  const last = url.pathname.split('/').filter((part) => part !== '').pop();
  try {
    return last === undefined ? url.hostname : posix.parse(decodeURIComponent(last)).name;
  } catch {
    return url.hostname;
  }
}

function track(uri: Uri, kind: Track['kind'], title: string): Track {
  return { uri, kind, title, artists: [], album: '', duration: 0, covers: [], explicit: false };
}
