import type { PlayerEvents, PlayerState } from '#core';
import type { TonearmError } from '#foundation';
import { playState, sourceWord } from './state.ts';

/** What `tonearm/<zone>/event` can say; Home Assistant is told the same list. */
export const eventTypes = ['track_changed', 'playback_started', 'playback_paused', 'playback_stopped', 'error'] as const;
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

/** The events between two pictures of a zone. `reason`: why the track before ended, if it did. */
export function eventsBetween(
  before: { readonly uri: string | null; readonly settled: Settled },
  state: PlayerState,
  reason: PlayerEvents['ended']['reason'] | null,
): readonly EventMessage[] {
  const events: EventMessage[] = [];
  const by = state.by.changed;
  const { track } = state;
  if (track && track.uri !== before.uri) {
    events.push({
      event_type: 'track_changed',
      title: track.title,
      artist: track.artists.join(', '),
      album: track.album,
      uri: track.uri,
      source: sourceWord(state.source),
      ...(reason === null ? {} : { reason }),
      by,
    });
  }
  const settled = settle(before.settled, state);
  if (settled !== before.settled) {
    const type = { playing: 'playback_started', paused: 'playback_paused', stopped: 'playback_stopped' } as const;
    events.push({ event_type: type[settled], source: sourceWord(state.source), by });
  }
  return events;
}

export function errorEvent(error: TonearmError): EventMessage {
  return { event_type: 'error', error: error.code, message: error.message };
}
