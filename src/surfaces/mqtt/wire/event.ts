import type { PlayerEvents, PlayerState } from '#core';
import type { TonearmError } from '#foundation';
import { playState, sourceWord } from './state.ts';

/** What `tonearm/<zone>/event` can say; Home Assistant is told the same list. */
export const eventTypes = [
  'track_changed', 'playback_started', 'playback_paused', 'playback_stopped', 'queue_ended', 'session_taken', 'session_lost', 'announcement_started', 'announcement_finished', 'error',
] as const;
export type EventType = (typeof eventTypes)[number];

export interface EventMessage {
  readonly event_type: EventType;
  readonly [key: string]: unknown;
}

/** Playing, paused or stopped; loading and stalling count as what they will be, so that a short stall is no event. */
export type Settled = 'playing' | 'paused' | 'stopped';

/** What a state amounts to, given what was before; buffering changes nothing. */
export function settle(before: Settled, state: PlayerState): Settled {
  const now = playState(state);
  if (now === 'playing' || now === 'paused') return now;
  return now === 'buffering' ? before : 'stopped';
}

/** What a zone was like when its events were last told. */
export interface Before {
  readonly uri: string | null;
  readonly settled: Settled;
  /** Who held the zone, and with whose account. */
  readonly source: string | null;
  readonly account: string | null;
}

export function beforeOf(state: PlayerState, { uri, settled }: Pick<Before, 'uri' | 'settled'>): Before {
  // What stops and starts again with the same track is not a new track.
  return { uri: state.track?.uri ?? uri, settled: settle(settled, state), source: state.source, account: state.source === null ? null : state.account.name };
}

/** The events between two pictures of a zone. `reason`: why the track before ended, if it did. */
export function eventsBetween(before: Before, state: PlayerState, reason: PlayerEvents['ended']['reason'] | null): readonly EventMessage[] {
  const events: EventMessage[] = [];
  const by = state.by.changed;
  const { track } = state;
  const source = sourceWord(state.source);
  const session = sessionEvent(before, state);
  if (session) events.push({ event_type: session, source: session === 'session_lost' ? sourceWord(before.source) : source, by });
  if (track && track.uri !== before.uri) {
    events.push({ event_type: 'track_changed', title: track.title, artist: track.artists.join(', '), album: track.album, uri: track.uri, source, ...(reason === null ? {} : { reason }), by });
  }
  const settled = settle(before.settled, state);
  if (settled !== before.settled) {
    // The last track ran out, and nothing follows.
    if (before.settled === 'playing' && reason === 'finished' && (!track || track.uri === before.uri)) events.push({ event_type: 'queue_ended', source, by });
    const type = { playing: 'playback_started', paused: 'playback_paused', stopped: 'playback_stopped' } as const;
    events.push({ event_type: type[settled], source, by });
  }
  return events;
}

/** Somebody took the zone, from nobody or from another; or it was given up without anybody having stopped it here. */
function sessionEvent(before: Before, state: PlayerState): 'session_taken' | 'session_lost' | null {
  if (state.source === null) return before.source !== null && (state.by.changed === 'phone' || state.by.changed === 'tonearm') ? 'session_lost' : null;
  const other = before.account !== null && state.account.name !== null && before.account !== state.account.name;
  return before.source !== state.source || other ? 'session_taken' : null;
}

export function errorEvent(error: TonearmError): EventMessage {
  return { event_type: 'error', error: error.code, message: error.message };
}

export function announcementEvent({ uri, phase, error }: PlayerEvents['announced']): EventMessage {
  // An address may carry a key of whoever speaks: only where it leads is told.
  const from = /^https?:/.test(uri) && URL.canParse(uri) ? new URL(uri).host : uri;
  return { event_type: phase === 'started' ? 'announcement_started' : 'announcement_finished', from, ...(error === null ? {} : { error: error.code, message: error.message }) };
}
