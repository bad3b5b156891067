import { describe, expect, it } from 'vitest';
import type { Track } from '#core';
import type { Row } from './context/row.ts';
import { enqueue } from './context/queue.ts';
import { emptyList } from './context/track-list.ts';
import { initialState, type DeviceState } from './device-state.ts';
import { viewOf } from './view.ts';

const now = 1_700_000_000_000;
const facts = { skew: 90_000, account: { name: 'listener', connected: true } };
const row = (n: number, metadata: Row['metadata'] = {}): Row => ({ uri: `spotify:track:${n}`, uid: `u${n}`, provider: 'context', metadata });
const track: Track = { uri: 'spotify:track:0', kind: 'track', title: 'T', artists: ['A'], album: 'B', duration: 1000, covers: [], explicit: false };
const list = { ...emptyList('spotify:album:x'), rows: [row(0), row(1, { title: 'Second' })], order: [0, 1], cursor: 0, context: { uri: 'spotify:album:x', url: '', metadata: { context_description: 'Album' }, restrictions: {} } };
const playing: DeviceState = { ...initialState('s', now), isActive: true, phase: 'playing', list, track, anchor: { timestamp: now, position: 500, isMoving: true } };

describe('what the zone shows', () => {
  it('track, place in local time, and what comes next, by hand or not', () => {
    const state = viewOf({ ...playing, list: enqueue(list, { uri: 'spotify:track:9', metadata: { title: 'Wished' } }) }, facts);
    expect(state).toMatchObject({
      status: 'playing', track, position: { at: 500, measured: now - 90_000 }, account: facts.account, notice: null,
      queue: { context: { uri: 'spotify:album:x', title: 'Album' }, next: [{ title: 'Wished', queued: true }, { uri: 'spotify:track:1', title: 'Second', queued: false }] },
    });
    expect(state.accepts.has('pause')).toBe(true);
  });

  it('what is known already of a track that loads', () => {
    expect(viewOf({ ...playing, phase: 'loading', track: null, preview: { ...track, title: 'Known' } }, facts).track?.title).toBe('Known');
    expect(viewOf({ ...playing, phase: 'loading', track: null }, facts).track).toBeNull();
  });

  it.each([['inactive', { isActive: false }], ['idle', { phase: 'idle' }]] as const)('nothing while %s', (_, patch) => {
    expect(viewOf({ ...playing, ...patch }, facts)).toMatchObject({ status: 'stopped', track: null, position: { at: 0 }, queue: { context: null, next: [] } });
  });

  it('only play while inactive, and nothing at all without a connection', () => {
    expect([...viewOf({ ...playing, isActive: false }, facts).accepts]).toEqual(['play']);
    expect([...viewOf({ ...playing, isActive: false }, { ...facts, account: { name: 'l', connected: false } }).accepts]).toEqual([]);
  });

  it.each<[what: string, patch: Partial<DeviceState>, ends: number | null]>([
    ['no timer', {}, null],
    ['a moment', { sleepAt: now + 60_000 }, now + 60_000 - 90_000],
    ['the end of the track', { sleepAtEnd: true, duration: 1000 }, now + 500 - 90_000],
    ['the end of the track while paused: nobody knows when', { sleepAtEnd: true, duration: 1000, anchor: { timestamp: now, position: 500, isMoving: false } }, null],
    ['that of somebody else', { sleepAt: now + 60_000, isActive: false }, null],
  ])('the sleep timer of the Spotify app: %s', (_, patch, ends) => {
    expect(viewOf({ ...playing, ...patch }, facts).sleep).toEqual(ends === null ? null : { ends });
  });

  it.each([
    [{ repeatTrack: true, repeatContext: true }, 'track'],
    [{ repeatTrack: false, repeatContext: true }, 'queue'],
    [{ repeatTrack: false, repeatContext: false }, 'off'],
  ])('%j as repeat %s, without delimiters in the queue', (options, repeat) => {
    const state = viewOf({ ...playing, options: { ...playing.options, ...options } }, facts);
    expect(state.order.repeat).toBe(repeat);
    expect(state.queue.next.every(({ uri }) => uri.startsWith('spotify:track:'))).toBe(true);
  });
});
