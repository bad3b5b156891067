import { describe, expect, it } from 'vitest';
import { connect, encode } from './proto/index.ts';
import { decodeAutoplayRequest, decodeContext, decodeContextPage, encodeAutoplayRequest, encodeContext, encodeContextPage, parseContext } from './context.ts';
import { WireError } from './wire-error.ts';

const uri = 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7';

/** The example of connect-control.md §4.1. */
const example = {
  uri,
  url: `context://${uri}`,
  metadata: { context_description: 'Test list', context_owner: 'tester', playlist_number_of_tracks: '3', image_url: 'spotify:image:00' },
  restrictions: { disallow_toggling_shuffle_reasons: ['station'] },
  pages: [
    {
      page_url: '',
      next_page_url: 'hm://radio-apollo/v3/stations?a=b:c',
      metadata: {},
      tracks: [
        { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx', uid: 'aaaaaaaaaaaa0001', metadata: { added_at: '1700000000000' } },
        { uri: '', uid: '', gid: 'XgAAAAAAAAAAAAAAAAAABQ==', metadata: {}, provider: 'queue', removed: ['context/delimiter'] },
      ],
    },
  ],
};

describe('parseContext', () => {
  it('reads the example of connect-control.md §4.1 and writes it back', () => {
    const context = decodeContext(JSON.stringify(example));
    expect(context).toEqual({
      uri,
      url: `context://${uri}`,
      metadata: example.metadata,
      restrictions: { disallowTogglingShuffleReasons: ['station'] },
      pages: [
        {
          pageUrl: '',
          nextPageUrl: 'hm://radio-apollo/v3/stations?a=b:c',
          metadata: {},
          tracks: [
            { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx', uid: 'aaaaaaaaaaaa0001', gid: null, metadata: { added_at: '1700000000000' }, provider: '', removed: [], blocked: [] },
            { uri: '', uid: '', gid: Buffer.from('5e000000000000000000000000000005', 'hex'), metadata: {}, provider: 'queue', removed: ['context/delimiter'], blocked: [] },
          ],
          loading: false,
        },
      ],
      loading: false,
    });
    expect(encodeContext(context)).toEqual(example);
  });

  it.each<[string, unknown]>([
    ['unknown keys', { uri: 'a', zz: [1, { b: 2 }], pages: [{ qq: 1, tracks: [{ uri: 'b', pp: {} }] }] }],
    ['wrong kinds', { uri: 'a', metadata: [], restrictions: 5, pages: [{ metadata: 'x', tracks: [{ uri: 'b', gid: '%%', metadata: null, removed: {} }, 7, null] }, 'page'] }],
    ['camelCase', { uri: 'a', pages: [{ pageUrl: '', tracks: [{ uri: 'b' }] }] }],
  ])('tolerates %s', (_, json) => {
    const context = parseContext(json);
    expect(context.uri).toBe('a');
    expect(context.metadata).toEqual({});
    expect(context.pages).toHaveLength(1);
    expect(context.pages[0]?.tracks).toEqual([{ uri: 'b', uid: '', gid: null, metadata: {}, provider: '', removed: [], blocked: [] }]);
  });

  it('keeps restrictions only by known names, and only those in force', () => {
    const { restrictions } = parseContext({ restrictions: { disallow_seeking_reasons: ['ad'], disallow_pausing_reasons: [], disallow_dancing_reasons: ['no'], disallow_set_queue_reasons: 'one' } });
    expect(restrictions).toEqual({ disallowSeekingReasons: ['ad'], disallowSetQueueReasons: ['one'] });
    // They go straight into a state.
    expect(encode(connect.PlayerState, { contextRestrictions: restrictions })).not.toHaveLength(0);
  });

  it('says when the cloud is not done', () => {
    expect(parseContext({ loading: true }).loading).toBe(true);
    expect(encodeContext({ uri: 'a', loading: true })).toMatchObject({ loading: true });
  });

  it.each(['[]', 'null', '"x"', '', '{', '{"uri":"a"'])('refuses %j', (text) => {
    expect(() => decodeContext(text)).toThrow(WireError);
    expect(() => decodeContextPage(Buffer.from(text))).toThrow(WireError);
  });
});

describe('a page', () => {
  it('is read and written', () => {
    const page = decodeContextPage(Buffer.from(JSON.stringify(example.pages[0])));
    expect(page.nextPageUrl).toBe('hm://radio-apollo/v3/stations?a=b:c');
    expect(encodeContextPage(page)).toEqual(example.pages[0]);
  });
});

describe('an autoplay request', () => {
  it('is written and read', () => {
    const request = { contextUri: uri, recentTrackUris: ['spotify:track:a', 'spotify:track:b'] };
    const bytes = encodeAutoplayRequest(request);
    expect(bytes.toString('latin1')).toBe(`\n\x27${uri}\x12\x0fspotify:track:a\x12\x0fspotify:track:b`);
    expect(decodeAutoplayRequest(bytes)).toEqual(request);
  });

  it('without a context is refused', () => {
    expect(() => decodeAutoplayRequest(Buffer.alloc(0))).toThrow(WireError);
  });
});
