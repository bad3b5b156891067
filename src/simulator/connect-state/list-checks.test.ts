import { expect, it } from 'vitest';
import { decodePutState, encodePutState, type ConnectPlayerState, type Input } from '#spotify/wire';
import { judgeLists } from './list-checks.ts';

const row = (uid: string, provider = 'context', more: object = {}) => ({ uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx', uid, provider, metadata: {}, ...more });
const judge = (playerState: Input<ConnectPlayerState>) => judgeLists(decodePutState(encodePutState({ device: { playerState } })).device?.playerState ?? expect.fail());

it('lets good lists pass', () => {
  expect(judge({ track: row('q0', 'queue'), nextTracks: [row('q1', 'queue'), row('a'), row('a'), row('delimiter0', 'context', { uri: 'spotify:delimiter' })], prevTracks: [row('b')] })).toEqual([]);
  expect(judge({ track: row('a'), index: { page: 0, track: 3 } })).toEqual([]);
});

it.each<[string, Input<ConnectPlayerState>, RegExp]>([
  ['too many rows to come', { nextTracks: Array.from({ length: 101 }, (_, n) => row(String(n))) }, /101 next_tracks/],
  ['too many rows gone by', { prevTracks: Array.from({ length: 51 }, (_, n) => row(String(n))) }, /51 prev_tracks/],
  ['a row that names nothing', { nextTracks: [row('a', 'context', { uri: '' })] }, /without a uri/],
  ['a queue row gone by', { prevTracks: [row('q0', 'queue')] }, /among prev_tracks/],
  ['a queue row behind the context', { nextTracks: [row('a'), row('q0', 'queue')] }, /behind rows/],
  ['one uid twice in the queue', { track: row('q1', 'queue'), nextTracks: [row('q1', 'queue')] }, /same uid/],
  ['a mark that was left', { nextTracks: [row('a', 'context', { metadata: { is_queued: 'true' } })] }, /is_queued/],
  ['an index of a queue row', { track: row('q0', 'queue'), index: { page: 0, track: 1 } }, /an index although/],
  ['a delimiter that plays', { track: row('delimiter0', 'context', { uri: 'spotify:delimiter' }) }, /no track/],
])('%s', (_, state, fault) => {
  expect(judge(state).join()).toMatch(fault);
});
