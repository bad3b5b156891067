import { describe, expect, it } from 'vitest';
import { decodeBatchedEntityRequest, decodeBatchedExtensionResponse, encodeBatchedEntityRequest, encodeBatchedExtensionResponse, ExtensionKind } from './extended-metadata.ts';

const a = 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx';
const b = 'spotify:track:2RnhhsLPpUvzQ23I6FTEIy';

describe('a batch of requests (connect-session.md §12.2)', () => {
  it('is written and read', () => {
    const requests = [{ uri: a, kinds: [ExtensionKind.TRACK_V4, ExtensionKind.AUDIO_FILES] }, { uri: b, kinds: [99] }];
    const bytes = encodeBatchedEntityRequest(requests);
    expect(bytes.toString('latin1')).toBe(`\x12\x2e\n\x24${a}\x12\x02\x08\x0a\x12\x02\x08\x05` + `\x12\x2a\n\x24${b}\x12\x02\x08\x63`);
    expect(decodeBatchedEntityRequest(bytes)).toEqual(requests);
  });
});

describe('a batch of answers', () => {
  it('is grouped by kind and read flat', () => {
    const bytes = encodeBatchedExtensionResponse([
      { uri: a, kind: ExtensionKind.TRACK_V4, value: Buffer.of(1) },
      { uri: a, kind: ExtensionKind.AUDIO_FILES, value: Buffer.of(2), etag: 'e' },
      { uri: b, kind: ExtensionKind.TRACK_V4, status: 404 },
    ]);
    expect(decodeBatchedExtensionResponse(bytes)).toEqual([
      { uri: a, kind: 10, status: 200, etag: '', typeUrl: 'type.googleapis.com/spotify.metadata.Track', value: Buffer.of(1) },
      { uri: b, kind: 10, status: 404, etag: '', typeUrl: '', value: Buffer.alloc(0) },
      { uri: a, kind: 5, status: 200, etag: 'e', typeUrl: 'type.googleapis.com/spotify.extendedmetadata.audiofiles.AudioFilesExtensionResponse', value: Buffer.of(2) },
    ]);
  });

  it('may be empty', () => {
    expect(decodeBatchedExtensionResponse(Buffer.alloc(0))).toEqual([]);
  });
});
