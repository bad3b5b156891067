import { describe, expect, it } from 'vitest';
import {
  decodeAttributesMutation, decodeAttributesUpdate, decodePlaylistModification, encodeAttributesMutation, encodeAttributesUpdate, encodePlaylistModification,
} from './pushes.ts';

describe('small pushes (connect-control.md §1.5)', () => {
  it('new attributes', () => {
    const pairs = new Map([['autoplay', '1'], ['filter-explicit-content', '0']]);
    expect(decodeAttributesUpdate(encodeAttributesUpdate(pairs))).toEqual(pairs);
    expect(decodeAttributesUpdate(Buffer.from('0a060a01611201' + '62', 'hex'))).toEqual(new Map([['a', 'b']]));
  });

  it('flipped attributes', () => {
    const bytes = encodeAttributesMutation(['autoplay']);
    expect(bytes.toString('latin1')).toBe('\n\x0a\n\x08autoplay');
    expect(decodeAttributesMutation(bytes)).toEqual(['autoplay']);
  });

  it('changed playlists', () => {
    const uri = 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7';
    expect(decodePlaylistModification(encodePlaylistModification({ uri, newRevision: Buffer.of(1) }))).toEqual({ uri });
  });
});
