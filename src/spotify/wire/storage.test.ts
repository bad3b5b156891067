import { describe, expect, it } from 'vitest';
import { cdnUrlExpiry, decodeStorageResolve, encodeStorageResolve } from './storage.ts';

describe('StorageResolveResponse', () => {
  it('is read and written', () => {
    const fileId = Buffer.alloc(20, 7);
    const bytes = encodeStorageResolve({ urls: ['https://a/1', 'https://b/2'], fileId });
    expect(bytes.toString('latin1')).toBe(`\x12\x0bhttps://a/1\x12\x0bhttps://b/2\x22\x14${fileId.toString('latin1')}`);
    expect(decodeStorageResolve(bytes)).toEqual({ result: 'cdn', urls: ['https://a/1', 'https://b/2'], fileId });
  });

  it.each([
    ['', 'cdn'],
    ['0801', 'storage'],
    ['0803', 'restricted'],
    ['0809', 'unknown'],
  ])('%j is %s', (hex, result) => {
    expect(decodeStorageResolve(Buffer.from(hex, 'hex'))).toEqual({ result, urls: [], fileId: Buffer.alloc(0) });
  });

  it('names refusals', () => {
    expect(encodeStorageResolve({ result: 'restricted' }).toString('hex')).toBe('0803');
    expect(encodeStorageResolve({ result: 'storage' }).toString('hex')).toBe('0801');
  });
});

describe('cdnUrlExpiry (connect-session.md §12.7)', () => {
  it.each<[string, number | null]>([
    ['https://audio-cf.spotifycdn.com/audio/ab?verify=1750549951-4R3I2w2q%2F%3D', 1750549951],
    ['https://audio-ak.spotifycdn.com/audio/ab?__token__=exp=1688165560~hmac=4e66', 1688165560],
    ['https://audio-ak.spotifycdn.com/audio/ab?__token__=exp=1688165560', 1688165560],
    ['https://audio-gm-off.spotifycdn.com/audio/ab?Expires=1688165560~FullPath~hmac=IIZA', 1688165560],
    ['https://audio4-fa.scdn.co/audio/ab?1688165560_0GKSyXjLaTW1BksFOyI4J7Tf9tZDbBUNNPu9Mt4mhH4=', 1688165560],
    ['https://audio4-fa.scdn.co/audio/ab?baz', null],
    ['https://audio4-fa.scdn.co/audio/ab?bar_baz', null],
    ['https://audio4-fa.scdn.co/audio/ab?a=1&verify=1750549951-x', 1750549951],
    ['https://audio4-fa.scdn.co/audio/ab?verify=soon-x', null],
    ['https://audio4-fa.scdn.co/audio/ab?__token__=hmac=4e66', null],
    ['https://audio4-fa.scdn.co/audio/ab?Expires=', null],
    ['https://audio4-fa.scdn.co/audio/ab', null],
    ['https://audio4-fa.scdn.co/audio/ab?', null],
    ['not a url', null],
    ['', null],
  ])('%s', (url, seconds) => {
    expect(cdnUrlExpiry(url)).toBe(seconds);
  });
});
