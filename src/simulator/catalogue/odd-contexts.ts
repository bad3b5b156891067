import { formatUri } from '#spotify/wire';
import type { Catalogue } from './catalogue.ts';
import type { ContextPage, ContextRow, Contexts } from './contexts.ts';
import type { CatalogueItem } from './item.ts';

/** Uris of the contexts that `layOddContexts` lays down. */
export interface OddContexts {
  /** 13 rows, no uids. */
  readonly album: string;
  /** 250 rows with uids in one page. */
  readonly playlist: string;
  /** 50 rows, then a page to fetch with 30 more. */
  readonly paged: string;
  /** Two pages with rows, six that have to be fetched. */
  readonly artist: string;
  /** 3000 rows. */
  readonly liked: string;
  /** 40 rows with ids only. */
  readonly show: string;
  readonly empty: string;
  /** Its middle page has nothing in it. */
  readonly hole: string;
  /** Every row twice. */
  readonly doubles: string;
  /** A page marker among the rows. */
  readonly marked: string;
}

/** Lays down the contexts of connect-control §4.10, their rows made of what the catalogue has, over and over. */
export function layOddContexts(catalogue: Catalogue, contexts: Contexts): OddContexts {
  const tracks = catalogue.listed.filter(({ kind }) => kind === 'track');
  const episodes = catalogue.listed.filter(({ kind }) => kind === 'episode');
  const uriOf = (kind: string, name: string) => formatUri(kind, catalogue.identity.gid(kind, `odd/${name}`));
  const rows = (context: string, count: number, { items = tracks, from = 0, uids = true }: { readonly items?: readonly CatalogueItem[]; readonly from?: number; readonly uids?: boolean } = {}) =>
    Array.from({ length: items.length === 0 ? 0 : count }, (_, at): ContextRow => {
      const uri = items[(from + at) % items.length]?.uri ?? '';
      return uids ? { uri, uid: catalogue.identity.uid(context, from + at) } : { uri };
    });
  const lay = (uri: string, pages: readonly ContextPage[], metadata: Readonly<Record<string, string>> = {}): string => {
    contexts.set({ uri, pages, metadata });
    return uri;
  };

  const playlist = uriOf('playlist', 'playlist');
  const paged = uriOf('playlist', 'paged');
  const artist = uriOf('artist', 'artist');
  const hole = uriOf('playlist', 'hole');
  const doubles = uriOf('playlist', 'doubles');
  const marked = uriOf('playlist', 'marked');
  const liked = 'spotify:user:odd:collection';
  const next = 'hm://playlistextender/v1/page/odd?from=50&contextUri=spotify:playlist:odd';
  contexts.setPage(next, { tracks: rows(paged, 30, { from: 50 }), next_page_url: '' });
  const lazy = Array.from({ length: 6 }, (_, at) => `hm://artistplaycontext/v1/page/spotify/album/${uriOf('album', `artist ${at}`).split(':')[2] ?? ''}/km_artist`);
  lazy.forEach((url, at) => contexts.setPage(url, { page_url: url, tracks: rows(artist, 10, { from: 20 + at * 10, uids: false }) }));

  return {
    album: lay(uriOf('album', 'album'), [{ tracks: rows('album', 13, { uids: false }) }]),
    playlist: lay(playlist, [{ tracks: rows(playlist, 250) }], { playlist_number_of_tracks: '250' }),
    paged: lay(paged, [{ tracks: rows(paged, 50), next_page_url: next }], { playlist_number_of_tracks: '80' }),
    artist: lay(artist, [{ tracks: rows(artist, 10) }, { tracks: rows(artist, 10, { from: 10 }) }, ...lazy.map((url) => ({ page_url: url }))]),
    liked: lay(liked, [{ tracks: rows(liked, 3000) }]),
    show: lay(uriOf('show', 'show'), [{ tracks: Array.from({ length: 40 }, (_, at) => ({ gid: (episodes[at % Math.max(1, episodes.length)]?.gid ?? Buffer.alloc(16)).toString('base64') })) }]),
    empty: lay(uriOf('playlist', 'empty'), [{ tracks: [] }], { playlist_number_of_tracks: '0' }),
    hole: lay(hole, [{ tracks: rows(hole, 3) }, { tracks: [] }, { tracks: rows(hole, 3, { from: 3 }) }]),
    doubles: lay(doubles, [{ tracks: [...rows(doubles, 5), ...rows(doubles, 5).map((row, at) => ({ ...row, uid: catalogue.identity.uid(doubles, 5 + at) }))] }]),
    marked: lay(marked, [{ tracks: [...rows(marked, 3), { uri: 'spotify:meta:page:1', uid: 'page1_0' }, ...rows(marked, 3, { from: 3 })] }]),
  };
}
