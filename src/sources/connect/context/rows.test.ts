import { describe, expect, it } from 'vitest';
import { parseContext } from '#spotify/wire';
import { mergeGiven, previewOf, rowsOf, sourceOf } from './rows.ts';

const uri = (end: string) => `spotify:track:2RnhhsLPpUvzQ23I6FTEI${end}`;
const gid = Buffer.from('5e000000000000000000000000000002', 'hex').toString('base64');
const read = (json: object) => sourceOf(parseContext(json));

describe('rows of a context', () => {
  it.each([
    ['spotify:show:2RnhhsLPpUvzQ23I6FTEL7', 'spotify:episode:2RnhhsLPpUvzQ23I6FTEIy'],
    ['spotify:album:2RnhhsLPpUvzQ23I6FTEL7', uri('y')],
    ['', uri('y')],
  ])('a gid alone in “%s” is %s', (context, expected) => {
    expect(read({ uri: context, pages: [{ tracks: [{ gid }] }] }).rows).toMatchObject([{ uri: expected, index: { page: 0, track: 0 } }]);
  });

  it('drops rows that name nothing, without moving the places of the others', () => {
    const { rows } = read({ uri: 'spotify:playlist:x', pages: [{ tracks: [{ uri: uri('x') }, {}, { uri: uri('y') }] }] });
    expect(rows.map((row) => row.index?.track)).toEqual([0, 2]);
  });

  it.each([
    [{ metadata: { is_queued: 'true' } }, 'queue'],
    [{ provider: 'queue' }, 'queue'],
    [{ metadata: { 'autoplay.is_autoplay': 'true' } }, 'autoplay'],
    [{}, 'context'],
  ])('%j comes from the %s', (more, provider) => {
    expect(read({ uri: 'spotify:playlist:x', pages: [{ tracks: [{ uri: uri('x'), ...more }] }] }).rows[0]?.provider).toBe(provider);
  });

  it('adds what the page says, and lets the row win', () => {
    const [row] = read({ uri: 'spotify:playlist:x', pages: [{ metadata: { a: 'page', b: 'page' }, tracks: [{ uri: uri('x'), metadata: { b: 'row' } }] }] }).rows;
    expect(row?.metadata).toEqual({ a: 'page', b: 'row' });
  });

  it('names the pages that are still to be fetched, in order; the successor of the last one too', () => {
    const { morePages } = read({ uri: 'spotify:artist:x', pages: [{ tracks: [{ uri: uri('x') }] }, { page_url: 'hm://a' }, { page_url: 'hm://b', next_page_url: 'hm://c' }, {}] });
    expect(morePages).toEqual(['hm://a', 'hm://b']);
    expect(read({ uri: 'spotify:artist:x', pages: [{ page_url: 'hm://b', next_page_url: 'hm://c' }] }).morePages).toEqual(['hm://b', 'hm://c']);
  });

  it('goes on counting equal songs over pages, so that made uids stay apart', () => {
    const seen = new Map<string, number>();
    const page = parseContext({ uri: 'spotify:album:x', pages: [{ tracks: [{ uri: uri('x') }] }] }).pages[0];
    const uids = [0, 1].flatMap((at) => (page ? rowsOf(page, 'spotify:album:x', at, seen) : [])).map((row) => row.uid);
    expect(new Set(uids).size).toBe(2);
  });

  it('keeps the uids of the command, also when a song comes twice', () => {
    const resolved = read({ uri: 'spotify:album:x', metadata: { a: 'cloud', b: 'cloud' }, pages: [{ tracks: [{ uri: uri('x') }, { uri: uri('y') }, { uri: uri('x') }] }] });
    const given = read({ uri: 'spotify:album:x', metadata: { b: 'phone' }, pages: [{ tracks: [{ uri: uri('x'), uid: 'first' }, { uri: uri('x'), uid: 'second' }] }] });
    const merged = mergeGiven(resolved, given);
    expect(merged.rows.map((row) => row.uid)).toEqual(['first', resolved.rows[1]?.uid, 'second']);
    expect(merged.metadata).toEqual({ a: 'cloud', b: 'phone' });
  });
});

describe('what a row says of itself', () => {
  const row = { uri: uri('x'), uid: 'u', provider: 'context' as const };
  it('is nothing without a title', () => {
    expect(previewOf({ ...row, metadata: { artist_name: 'A' } })).toBeNull();
  });
  it.each([['61000', 61_000], ['-1', 0], ['soon', 0], ['Infinity', 0]])('a duration of “%s” is %d', (duration, expected) => {
    expect(previewOf({ ...row, metadata: { title: 'T', artist_name: 'A', album_title: 'B', duration } })).toMatchObject({ title: 'T', artists: ['A'], album: 'B', duration: expected, kind: 'track' });
  });
});
