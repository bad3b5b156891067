import { TonearmError } from '#foundation';
import { formatUri, parseSpotifyUri } from '#spotify/wire';
import { storedSource } from './bytes.ts';
import type { CatalogueEntry, FileEntry } from './entry.ts';
import { Identity } from './identity.ts';
import type { AudioFile, CatalogueItem, Named } from './item.ts';
import { Pictures } from './pictures.ts';

/** Nominal kbit/s by format number (connect-session §12.6). */
const nominal: Readonly<Record<number, number>> = { 0: 96, 1: 160, 2: 320, 3: 256, 4: 320, 5: 160, 6: 96, 7: 160, 8: 24, 9: 48, 10: 160, 11: 320, 12: 128, 16: 900, 22: 1800 };

const unreleased: ReadonlySet<number> = new Set([16, 22]);

/** Everything the simulated cloud can play. Things can be added while it runs; nothing is ever changed. */
export class Catalogue {
  readonly identity: Identity;
  readonly pictures = new Pictures();
  readonly #items: CatalogueItem[] = [];
  readonly #byGid = new Map<string, CatalogueItem>();
  readonly #files = new Map<string, AudioFile>();
  readonly #named = new Map<string, Named>();

  constructor(seed: string, entries: readonly CatalogueEntry[] = []) {
    this.identity = new Identity(seed);
    for (const entry of entries) this.add(entry);
  }

  /** In the order in which they were added. */
  get items(): readonly CatalogueItem[] {
    return this.#items;
  }

  /** What people see: everything but stand-ins. */
  get listed(): readonly CatalogueItem[] {
    return this.#items.filter(({ isListed }) => isListed);
  }

  /** Items of an album or show, in order. */
  albumOf(uri: string): readonly CatalogueItem[] {
    const byPlace = (a: CatalogueItem, b: CatalogueItem) => a.disc - b.disc || a.number - b.number;
    return this.listed.filter(({ album }) => album.uri === uri).sort(byPlace);
  }

  /** Items of an artist, albums together. */
  artistOf(uri: string): readonly CatalogueItem[] {
    return this.listed.filter(({ artists }) => artists.some((artist) => artist.uri === uri));
  }

  /** Artist, album or show. */
  named(uri: string): Named | null {
    return this.#named.get(uri) ?? null;
  }

  get albums(): readonly Named[] {
    return [...this.#named.values()].filter(({ uri }) => uri.startsWith('spotify:album:') || uri.startsWith('spotify:show:'));
  }

  get artists(): readonly Named[] {
    return [...this.#named.values()].filter(({ uri }) => uri.startsWith('spotify:artist:'));
  }

  byUri(uri: string): CatalogueItem | null {
    const item = this.#byGid.get(gidOf(uri) ?? '');
    return item?.uri === uri ? item : null;
  }

  byGid(gid: Uint8Array): CatalogueItem | null {
    return this.#byGid.get(Buffer.from(gid).toString('hex')) ?? null;
  }

  /** The item with this title, or uri; throws when there is none. */
  get(titleOrUri: string): CatalogueItem {
    const item = this.#items.find(({ title, uri }) => title === titleOrUri || uri === titleOrUri);
    if (item) return item;
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-such-item', message: `The simulated catalogue has nothing called "${titleOrUri}".` });
  }

  /** By the hex digits of its id. */
  file(hex: string): AudioFile | null {
    return this.#files.get(hex) ?? null;
  }

  add(entry: CatalogueEntry): CatalogueItem {
    const { kind = 'track', title, duration, artists = ['Nobody'] } = entry;
    const albumName = entry.album ?? title;
    const main = artists[0] ?? 'Nobody';
    const gid = entry.uri === undefined ? this.identity.gid(kind, `${main}/${albumName}/${title}`) : givenGid(entry.uri);
    const album = this.#name(kind === 'track' ? 'album' : 'show', albumName, `${main}/${albumName}`);
    const item: CatalogueItem = {
      kind,
      gid,
      uri: formatUri(kind, gid),
      title,
      artists: artists.map((name) => this.#name('artist', name, name)),
      album,
      number: entry.number ?? this.#items.filter((other) => other.album.uri === album.uri).length + 1,
      disc: entry.disc ?? 1,
      duration,
      explicit: entry.explicit ?? false,
      pictures: this.pictures.add(entry.cover, albumName),
      files: (entry.files ?? []).map((file, at) => this.#file(file, `${gid.toString('hex')}/${at}/${file.format}`, () => item)),
      loudness: entry.loudness === undefined ? { integrated: -14, peak: -1 } : entry.loudness,
      isListed: entry.listed ?? true,
      entry,
    };
    if (this.#byGid.has(gid.toString('hex'))) {
      throw new TonearmError({ kind: 'conflict', code: 'simulator/double-item', message: `The simulated catalogue already has "${title}" (${item.uri}); give one of them another title, album or uri.` });
    }
    this.#items.push(item);
    this.#byGid.set(gid.toString('hex'), item);
    return item;
  }

  #file(entry: FileEntry, name: string, owner: () => CatalogueItem): AudioFile {
    const id = entry.id ? Buffer.from(entry.id) : this.identity.fileId(name);
    const file: AudioFile = {
      id,
      hex: id.toString('hex'),
      format: entry.format,
      bitrate: entry.bitrate ?? nominal[entry.format] ?? 0,
      key: (entry.encrypted ?? true) ? this.identity.audioKey(id) : null,
      isKeyed: entry.keyed ?? !unreleased.has(entry.format),
      owner,
      source: storedSource(entry),
    };
    this.#files.set(file.hex, file);
    return file;
  }

  #name(kind: 'album' | 'show' | 'artist', name: string, key: string): Named {
    const gid = this.identity.gid(kind, key);
    const uri = formatUri(kind, gid);
    const known = this.#named.get(uri) ?? { gid, uri, name };
    this.#named.set(uri, known);
    return known;
  }
}

function gidOf(uri: string): string | null {
  try {
    return parseSpotifyUri(uri).gid?.toString('hex') ?? null;
  } catch {
    return null;
  }
}

function givenGid(uri: string): Buffer {
  const { gid } = parseSpotifyUri(uri);
  if (gid) return gid;
  throw new TonearmError({ kind: 'invalid', code: 'simulator/uri', message: `"${uri}" names no track or episode.` });
}
