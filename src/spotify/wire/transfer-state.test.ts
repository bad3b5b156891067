import { describe, expect, it } from 'vitest';
import { decodeTransferState, encodeTransferState } from './transfer-state.ts';

const vector = Buffer.from(
  'CiEIABABKhsKE2NvbnRleHRfZW5oYW5jZW1lbnQSBE5PTkUSOgiA0JX/vDEQyNwDGQAAAAAAAPA/KiQSEGFhYWFhYWFhYWFhYTAwMDIaEF4A' +
    'AAAAAAAAAAAAAAAAAAIaxAEKGAoIcGxheWxpc3QqDHlvdXJfbGlicmFyeRJ+CidzcG90aWZ5OnBsYXlsaXN0OjJSbmhoc0xQcFV2elEyM0k2' +
    'RlRFTDcSMWNvbnRleHQ6Ly9zcG90aWZ5OnBsYXlsaXN0OjJSbmhoc0xQcFV2elEyM0k2RlRFTDcaIAoTY29udGV4dF9kZXNjcmlwdGlvbhIJ' +
    'VGVzdCBsaXN0GhBhYWFhYWFhYWFhYWEwMDAyShYxYWJDZEVmR2hJaktsTW5PcFFyU3RVIisKKRICcTAaEF4AAAAAAAAAAAAAAAAAAAUiEQoJ' +
    'aXNfcXVldWVkEgR0cnVl',
  'base64',
);
const gid = (last: number) => Buffer.from(`5e0000000000000000000000000000${last.toString(16).padStart(2, '0')}`, 'hex');
const uri = 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7';
const row = { uri: '', uid: '', gid: null, metadata: {}, provider: '', removed: [], blocked: [] };

describe('decodeTransferState', () => {
  it('reads connect-control.md §12.4', () => {
    expect(vector).toHaveLength(339);
    expect(decodeTransferState(vector)).toEqual({
      options: { shufflingContext: false, repeatingContext: true, repeatingTrack: false, playbackSpeed: null, modes: { context_enhancement: 'NONE' } },
      playback: { timestamp: 1_700_000_000_000, position: 61_000, speed: 1, isPaused: false, track: { ...row, uid: 'aaaaaaaaaaaa0002', gid: gid(2) } },
      session: {
        origin: {
          featureIdentifier: 'playlist', featureVersion: '', viewUri: '', externalReferrer: '', referrerIdentifier: 'your_library',
          deviceIdentifier: '', featureClasses: [], restrictionIdentifier: '',
        },
        context: { uri, url: `context://${uri}`, metadata: { context_description: 'Test list' }, restrictions: {}, pages: [], loading: false },
        currentUid: 'aaaaaaaaaaaa0002',
        suppressions: [],
        shuffleSeed: null,
        originalSessionId: '1abCdEfGhIjKlMnOpQrStU',
      },
      queue: { tracks: [{ ...row, uid: 'q0', gid: gid(5), metadata: { is_queued: 'true' } }], isPlaying: false },
    });
  });

  it('has empty parts for whatever is missing', () => {
    const empty = decodeTransferState(Buffer.alloc(0));
    expect(empty.playback.track).toBeNull();
    expect(empty.session.context).toEqual({ uri: '', url: '', metadata: {}, restrictions: {}, pages: [], loading: false });
    expect(empty.queue).toEqual({ tracks: [], isPlaying: false });
  });
});

describe('encodeTransferState', () => {
  it('writes what reads the same as connect-control.md §12.4', () => {
    const state = decodeTransferState(vector);
    expect(decodeTransferState(encodeTransferState(state))).toEqual(state);
  });

  it('writes the bytes of connect-control.md §12.4 but for flags that are false', () => {
    const written = encodeTransferState({
      options: { shufflingContext: false, repeatingContext: true, modes: { context_enhancement: 'NONE' } },
      playback: { timestamp: 1_700_000_000_000, position: 61_000, speed: 1, track: { uid: 'aaaaaaaaaaaa0002', gid: gid(2) } },
      session: {
        origin: { featureIdentifier: 'playlist', referrerIdentifier: 'your_library' },
        context: { uri, url: `context://${uri}`, metadata: { context_description: 'Test list' } },
        currentUid: 'aaaaaaaaaaaa0002',
        originalSessionId: '1abCdEfGhIjKlMnOpQrStU',
      },
      queue: { tracks: [{ uid: 'q0', gid: gid(5), metadata: { is_queued: 'true' } }] },
    });
    expect(written.toString('base64')).toBe(vector.toString('base64'));
  });

  it('keeps pages, restrictions and a playing queue', () => {
    const state = decodeTransferState(
      encodeTransferState({
        session: {
          context: {
            uri: '-',
            pages: [{ nextPageUrl: 'hm://next', metadata: { a: 'b' }, tracks: [{ uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx' }] }],
            restrictions: { disallowTogglingShuffleReasons: ['station'] },
          },
          suppressions: ['ads'],
        },
        queue: { tracks: [{ gid: gid(1) }], isPlaying: true },
      }),
    );
    expect(state.session.context.pages).toEqual([
      { pageUrl: '', nextPageUrl: 'hm://next', metadata: { a: 'b' }, tracks: [{ ...row, uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx' }], loading: false },
    ]);
    expect(state.session.context.restrictions).toEqual({ disallowTogglingShuffleReasons: ['station'] });
    expect(state.session.suppressions).toEqual(['ads']);
    expect(state.queue.isPlaying).toBe(true);
  });
});
