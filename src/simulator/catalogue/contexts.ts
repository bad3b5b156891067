import { formatUri, parseSpotifyUri } from '#spotify/wire';
import type { Catalogue } from './catalogue.ts';
import type { CatalogueItem } from './item.ts';

/** A row as resolvers write it: JSON with snake_case keys. */
export interface ContextRow {
  readonly uri?: string;
  readonly uid?: string;
  /** 16 bytes in base64. */
  readonly gid?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ContextPage {
  readonly page_url?: string;
  readonly next_page_url?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tracks?: readonly ContextRow[];
}

/** An answer of the resolver (connect-control §3.3, §4.1). */
export interface ContextDocument {
  readonly uri: string;
  readonly url: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly restrictions: Readonly<Record<string, readonly string[]>>;
  readonly pages: readonly ContextPage[];
}

const stationRows = 50;
const topRows = 10;
const noShuffle = {
  disallow_toggling_shuffle_reasons: ['station'],
  disallow_toggling_repeat_context_reasons: ['station'],
  disallow_toggling_repeat_track_reasons: ['station'],
};

/** Everything that can be played from: what the catalogue implies, and what tests lay down. */
export class Contexts {
  /** The playlist with everything in it. */
  readonly everything: string;
  readonly #catalogue: Catalogue;
  readonly #documents = new Map<string, ContextDocument>();
  readonly #pages = new Map<string, ContextPage | ContextDocument>();
  readonly #fetches = new Map<string, number>();

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
    this.everything = formatUri('playlist', catalogue.identity.gid('playlist', 'everything'));
  }

  /** Lays down a context, or replaces one that the catalogue implies. */
  set(document: Partial<ContextDocument> & { readonly uri: string }): void {
    const { uri } = document;
    this.#documents.set(uri, { url: `context://${uri}`, metadata: {}, restrictions: {}, pages: [], ...document });
  }

  /** Lays down what `hm://…` answers; query and all, as it will be asked. */
  setPage(url: string, page: ContextPage | ContextDocument): void {
    this.#pages.set(url, page);
  }

  /** How often a context or page was asked for. */
  fetches(urlOrUri: string): number {
    return this.#fetches.get(urlOrUri) ?? 0;
  }

  resolve(uri: string): ContextDocument | null {
    this.#count(uri);
    return this.#documents.get(uri) ?? this.#implied(uri);
  }

  /** What `hm://` resources hold besides contexts. */
  page(url: string): ContextPage | ContextDocument | null {
    this.#count(url);
    const station = /^hm:\/\/radio-apollo\/v3\/stations\/(spotify:station:[^?]+)$/.exec(url)?.[1];
    return this.#pages.get(url) ?? this.#albumPage(url) ?? (station === undefined ? this.#stationPage(url) : this.#station(station));
  }

  /** The station that goes on where a context ends. */
  autoplay(contextUri: string): ContextDocument | null {
    const [, kind, id] = contextUri.split(':');
    if (kind === undefined || id === undefined || this.#catalogue.listed.length === 0) return null;
    return this.#station(`spotify:station:${kind}:${id}`);
  }

  /** A playlist row for an item: with uid, date and who added it. */
  playlistRow(context: string, item: CatalogueItem, row: number): ContextRow {
    const uid = this.#catalogue.identity.uid(context, row);
    return { uri: item.uri, uid, metadata: { added_at: '1700000000000', added_by_username: 'simulator' } };
  }

  #count(name: string): void {
    this.#fetches.set(name, (this.#fetches.get(name) ?? 0) + 1);
  }

  #implied(uri: string): ContextDocument | null {
    if (uri === this.everything) return this.#playlist(uri, 'Everything', this.#catalogue.listed);
    if (/^spotify:user:[^:]+:collection$/.test(uri) || uri === 'spotify:collection:tracks') {
      return this.#playlist(uri, 'Liked Songs', this.#catalogue.listed.filter(({ kind }) => kind === 'track'));
    }
    const kind = uri.split(':')[1] ?? '';
    if (kind === 'track' || kind === 'episode') return this.#single(uri);
    if (kind === 'album') return this.#album(uri);
    if (kind === 'show') return this.#show(uri);
    if (kind === 'artist') return this.#artist(uri);
    return kind === 'station' ? this.#station(uri) : null;
  }

  #playlist(uri: string, title: string, items: readonly CatalogueItem[]): ContextDocument {
    const tracks = items.map((item, row) => this.playlistRow(uri, item, row));
    const episodes = items.filter(({ kind }) => kind === 'episode').length;
    return {
      uri,
      url: `context://${uri}`,
      metadata: {
        context_description: title,
        context_owner: 'simulator',
        playlist_number_of_tracks: String(items.length - episodes),
        playlist_number_of_episodes: String(episodes),
        'reporting.uri': uri,
      },
      restrictions: {},
      pages: [{ page_url: '', next_page_url: '', metadata: {}, tracks }],
    };
  }

  #single(uri: string): ContextDocument | null {
    const item = this.#catalogue.byUri(uri);
    return item && simple(uri, item.title, [{ uri }]);
  }

  /** Rows of an album come without uids. */
  #album(uri: string): ContextDocument | null {
    const items = this.#catalogue.albumOf(uri);
    const title = this.#catalogue.named(uri)?.name ?? '';
    return items.length === 0 ? null : simple(uri, title, items.map((item) => ({ uri: item.uri, metadata: { album_uri: uri, artist_uri: item.artists[0]?.uri ?? '' } })));
  }

  /** Rows of a show come with ids only. */
  #show(uri: string): ContextDocument | null {
    const items = this.#catalogue.albumOf(uri);
    const title = this.#catalogue.named(uri)?.name ?? '';
    return items.length === 0 ? null : simple(uri, title, items.map((item) => ({ gid: item.gid.toString('base64') })));
  }

  /** Top tracks first, then a page to fetch for each album. */
  #artist(uri: string): ContextDocument | null {
    const items = this.#catalogue.artistOf(uri);
    if (items.length === 0) return null;
    const albums = [...new Set(items.map(({ album }) => album.uri))];
    const top = items.slice(0, topRows).map((item) => ({ uri: item.uri, uid: `toptrack${idOf(item.uri)}` }));
    const pages: ContextPage[] = albums.map((album) => ({ page_url: `hm://artistplaycontext/v1/page/spotify/album/${idOf(album)}/km_artist`, metadata: {} }));
    return { ...simple(uri, this.#catalogue.named(uri)?.name ?? '', top), pages: [{ page_url: '', metadata: {}, tracks: top }, ...pages] };
  }

  #albumPage(url: string): ContextPage | null {
    const id = /^hm:\/\/artistplaycontext\/v1\/page\/spotify\/album\/([0-9A-Za-z]{22})\/km_artist$/.exec(url)?.[1];
    const items = id === undefined ? [] : this.#catalogue.albumOf(`spotify:album:${id}`);
    return items.length === 0 ? null : { page_url: url, next_page_url: '', metadata: {}, tracks: items.map(({ uri }) => ({ uri })) };
  }

  #station(uri: string): ContextDocument {
    const first = this.#stationRows(uri, 0);
    return { uri, url: `hm://radio-apollo/v3/stations/${uri}`, metadata: { context_description: 'Station' }, restrictions: noShuffle, pages: [first] };
  }

  #stationPage(url: string): ContextPage | null {
    const [, uri, page] = /^hm:\/\/radio-apollo\/v3\/tracks\/(spotify:station:[^?]+)\?autoplay=true&count=50&page=(\d+)$/.exec(url) ?? [];
    return uri === undefined || page === undefined ? null : this.#stationRows(uri, Number(page));
  }

  /** An endless list: the catalogue over and over, each time from another place. */
  #stationRows(uri: string, page: number): ContextPage {
    const items = this.#catalogue.listed.filter(({ kind }) => kind === 'track');
    const tracks = Array.from({ length: items.length === 0 ? 0 : stationRows }, (_, at): ContextRow => {
      const row = page * stationRows + at;
      const item = items[(row * 7 + page) % items.length];
      return { uri: item?.uri ?? '', uid: this.#catalogue.identity.uid(uri, row), metadata: { decision_id: `simulator-${row}` } };
    });
    return { page_url: '', next_page_url: `hm://radio-apollo/v3/tracks/${uri}?autoplay=true&count=50&page=${page + 1}`, metadata: {}, tracks };
  }
}

function simple(uri: string, title: string, tracks: readonly ContextRow[]): ContextDocument {
  const pages = [{ page_url: '', next_page_url: '', metadata: {}, tracks }];
  return { uri, url: `context://${uri}`, metadata: { context_description: title }, restrictions: {}, pages };
}

function idOf(uri: string): string {
  return parseSpotifyUri(uri).id ?? '';
}
