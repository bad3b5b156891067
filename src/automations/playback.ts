import type { Origin, PlayerState, ZoneView } from '#core';
import { isPlaying } from './facts.ts';
import type { PlaybackEvent } from './triggers.ts';

export interface PlaybackHappening {
  readonly event: PlaybackEvent;
  readonly zone: string;
  readonly by: Origin;
}

type Settled = 'playing' | 'paused' | 'stopped';

/** Loading and stalling are neither a start nor an end. */
function settle(before: Settled, { status }: PlayerState): Settled {
  return status === 'loading' || status === 'stalled' ? before : status;
}

/** Says what happens in a zone in a person's words, until disposed. */
export function watchPlayback({ id, player }: ZoneView, say: (happening: PlaybackHappening) => void): Disposable {
  let settled = settle('stopped', player.state);
  let uri = player.state.track?.uri ?? null;
  /** The last track came to its end by itself. */
  let isFinished = false;
  const ends = [
    player.events.on('ended', ({ reason }) => void (isFinished = reason === 'finished')),
    player.events.on('changed', ({ state, previous }) => {
      const tell = (event: PlaybackEvent) => say({ event, zone: id, by: state.by.changed });
      if (previous.source === null && state.source !== null) tell('taken');
      if (previous.source !== null && state.source === null) tell('lost');
      const next = settle(settled, state);
      const hasChanged = next !== settled;
      settled = next;
      if (state.track && state.track.uri !== uri) {
        uri = state.track.uri;
        isFinished = false;
        tell('track_changed');
      }
      if (!hasChanged) return;
      if (next === 'playing') {
        isFinished = false;
        tell('started');
        return;
      }
      // Nothing follows what came to its end.
      if (isFinished && state.queue.next.length === 0) tell('queue_ended');
      isFinished = false;
      tell(next);
    }),
  ];
  return {
    [Symbol.dispose]() {
      for (const end of ends.splice(0)) end[Symbol.dispose]();
    },
  };
}

/** Whether a zone is now as it would be right after such an event; null where that cannot be said. */
export function isAfter(event: PlaybackEvent, state: PlayerState): boolean | null {
  if (event === 'started') return isPlaying(state);
  if (event === 'paused' || event === 'stopped') return state.status === event;
  if (event === 'taken') return state.source !== null;
  if (event === 'lost') return state.source === null;
  return null;
}
