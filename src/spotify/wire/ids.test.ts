import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../test/fixtures/vectors/ids.json' with { type: 'json' };
import {
  base62ToGid, deviceIdFromName, fileIdToHex, formatUri, gidToBase62, gidToHex, hexToFileId, hexToGid, isDeviceId, isPlayableUri, isUsableFileId,
  itemKindOfContext, parseShareLink, parseSpotifyUri,
} from './ids.ts';
import { WireError } from './wire-error.ts';

describe('ids', () => {
  it.each(vectors.ids)('$base62 in all three spellings', ({ gid_hex, base62 }) => {
    const gid = hexToGid(gid_hex);
    expect(gidToBase62(gid)).toBe(base62);
    expect(gidToHex(gid)).toBe(gid_hex);
    expect(gidToHex(base62ToGid(base62))).toBe(gid_hex);
  });

  it.each(vectors.invalid_base62)('refuses $value: $why', ({ value }) => {
    expect(() => base62ToGid(value)).toThrow(WireError);
  });

  it('round-trips any id', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (gid) => {
      expect([...base62ToGid(gidToBase62(gid))]).toEqual([...gid]);
      expect([...hexToGid(gidToHex(gid).toUpperCase())]).toEqual([...gid]);
    }));
  });

  it.each([0, 15, 17, 20])('refuses a gid of %i bytes', (length) => {
    expect(() => gidToBase62(Buffer.alloc(length))).toThrow(WireError);
    expect(() => gidToHex(Buffer.alloc(length))).toThrow(WireError);
  });

  it.each(['', 'ff', 'zz'.repeat(16), `${'0'.repeat(31)}g`])('refuses %j as hexadecimal', (text) => {
    expect(() => hexToGid(text)).toThrow(WireError);
  });
});

describe('addresses', () => {
  it.each(vectors.uris)('$uri', (vector) => {
    const uri = parseSpotifyUri(vector.uri);
    expect(uri.kind).toBe(vector.kind);
    expect(uri.gid && gidToHex(uri.gid)).toBe(vector.gid_hex);
    expect(uri.user).toBe(vector.user ?? null);
    expect(uri.text).toBe(vector.uri);
    const gid = hexToGid(vector.gid_hex);
    const scope = vector.user === undefined ? '' : `user:${vector.user}:`;
    expect(formatUri(vector.kind, gid).replace('spotify:', `spotify:${scope}`)).toBe(vector.uri);
    expect(isPlayableUri(vector.uri)).toBe(vector.kind === 'track' || vector.kind === 'episode');
  });

  it.each(vectors.invalid_uris)('refuses %j', (text) => {
    expect(() => parseSpotifyUri(text)).toThrow(WireError);
    expect(isPlayableUri(text)).toBe(false);
  });

  it.each([
    ['spotify:user:some.one:collection', 'collection', null, 'some.one'],
    ['spotify:user:some.one:collection:artist:5sWHDYs0csV6RS48xBl0tH', 'collection', null, 'some.one'],
    ['spotify:collection:tracks', 'collection', null, null],
    ['spotify:collection', 'collection', null, null],
    ['spotify:user:some%3Aone', 'user', null, 'some%3Aone'],
    ['spotify:local:Artist:Album:Title+here:241', 'local', null, null],
    ['spotify:station:track:5sWHDYs0csV6RS48xBl0tH', 'station', null, null],
    ['spotify:search:some+words', 'search', null, null],
    ['spotify:chapter:5sWHDYs0csV6RS48xBl0tH', 'chapter', '5sWHDYs0csV6RS48xBl0tH', null],
    ['spotify:playlist:5sWHDYs0csV6RS48xBl0tH:recommended', 'playlist', '5sWHDYs0csV6RS48xBl0tH', null],
  ])('%s', (text, kind, id, user) => {
    expect(parseSpotifyUri(text)).toMatchObject({ kind, id, user, text });
  });

  it.each([
    'spotify', 'spotify:', 'spotify::', 'spotify:user', 'spotify:user:', 'spotify:user::playlist:5sWHDYs0csV6RS48xBl0tH', 'spotify:user:x:playlist',
    'spotify:track:ZZZZZZZZZZZZZZZZZZZZZZ', 'spotify:track:5sWHDYs0csV6RS48xBl0t', 'Spotify:track:5sWHDYs0csV6RS48xBl0tH', `spotify:search:${'x'.repeat(5000)}`,
  ])('refuses %j', (text) => {
    expect(() => parseSpotifyUri(text)).toThrow(WireError);
  });

  it.each([
    ['spotify:episode:x', 'episode'], ['spotify:show:x', 'episode'], ['spotify:chapter:x', 'episode'], ['spotify:audiobook:x', 'episode'],
    ['spotify:collection:your-episodes', 'episode'], ['spotify:user:me:collection:your-episodes', 'episode'],
    ...['album', 'artist', 'playlist', 'track', 'station', 'dailymix', 'collection', 'top', 'trackset', 'list', 'local', 'concept', 'running', 'genre', 'radio', 'folder']
      .map((kind): [string, string] => [`spotify:${kind}:x`, 'track']),
    ['spotify:user:me:playlist:x', 'track'], ['spotify:user:me:collection', 'track'],
    ...['user', 'search', 'socialsession', 'prerelease', 'ad', 'image', 'concert', 'nonsense'].map((kind): [string, null] => [`spotify:${kind}:x`, null]),
    ['', null], ['hm://playlist/x', null],
  ])('%j holds items of kind %s', (uri, kind) => {
    expect(itemKindOfContext(uri)).toBe(kind);
  });

  it.each([
    ['https://open.spotify.com/track/5sWHDYs0csV6RS48xBl0tH?si=abc', 'spotify:track:5sWHDYs0csV6RS48xBl0tH'],
    ['https://open.spotify.com/intl-de/album/5sWHDYs0csV6RS48xBl0tH', 'spotify:album:5sWHDYs0csV6RS48xBl0tH'],
    ['http://open.spotify.com/embed/playlist/5sWHDYs0csV6RS48xBl0tH/', 'spotify:playlist:5sWHDYs0csV6RS48xBl0tH'],
    [' open.spotify.com/episode/5sWHDYs0csV6RS48xBl0tH#x ', 'spotify:episode:5sWHDYs0csV6RS48xBl0tH'],
    ['https://open.spotify.com/track/ZZZZZZZZZZZZZZZZZZZZZZ', null],
    ['https://open.spotify.com/track/5sWHDYs0csV6RS48xBl0tHH', null],
    ['https://open.spotify.com/user/5sWHDYs0csV6RS48xBl0tH', null],
    ['https://open.spotify.com.example.org/track/5sWHDYs0csV6RS48xBl0tH', null],
    ['https://example.org/?u=https://open.spotify.com/track/5sWHDYs0csV6RS48xBl0tH', null],
    ['spotify:track:5sWHDYs0csV6RS48xBl0tH', null],
  ])('the link %j is %s', (link, uri) => {
    expect(parseShareLink(link)).toBe(uri);
  });
});

describe('file and device ids', () => {
  it.each(vectors.file_ids)('$bytes', (vector) => {
    const id = Buffer.from(vector.bytes, 'hex');
    expect(fileIdToHex(id)).toBe(vector.hex);
    expect(isUsableFileId(id)).toBe(vector.note === undefined);
    expect(hexToFileId(vector.hex).subarray(0, id.length).equals(id)).toBe(true);
  });

  it.each(['', '00', 'g'.repeat(40), '0'.repeat(42)])('refuses %j as a file id', (text) => {
    expect(() => hexToFileId(text)).toThrow(WireError);
  });

  it.each(vectors.device_id_from_name)('of the name $name', ({ name, device_id }) => {
    expect(deviceIdFromName(name)).toBe(device_id);
    expect(isDeviceId(device_id)).toBe(true);
    expect(isDeviceId(device_id.toUpperCase())).toBe(false);
  });
});
