import type { CommandKind, Millis, QueueItem, SourceState } from '#core';
import { upcoming } from './context/track-list.ts';
import type { DeviceState } from './device-state.ts';

export interface ViewFacts {
  /** Server time minus local time. */
  readonly skew: Millis;
  readonly account: SourceState['account'];
}

/** The timer that was set in the Spotify app. The end of a track is known while it plays. */
function sleepOf({ isActive, sleepAt, sleepAtEnd, anchor, duration }: DeviceState, skew: Millis): { readonly ends: Millis } | null {
  if (!isActive) return null;
  if (sleepAt !== null) return { ends: Math.round(sleepAt - skew) };
  return sleepAtEnd && anchor.isMoving && duration > 0 ? { ends: Math.round(anchor.timestamp - skew + duration - anchor.position) } : null;
}

const shownNext = 20;
const active: readonly CommandKind[] = ['play', 'pause', 'stop', 'next', 'previous', 'seek', 'shuffle', 'repeat', 'enqueue'];

/** What the zone shows of the device. Pure. */
export function viewOf(state: DeviceState, { skew, account }: ViewFacts): SourceState {
  const { list, options, anchor } = state;
  const isShown = state.isActive && state.phase !== 'idle';
  return {
    status: state.isActive && state.phase !== 'idle' ? state.phase : 'stopped',
    track: isShown ? (state.track ?? state.preview) : null,
    position: { at: isShown ? anchor.position : 0, measured: anchor.timestamp - skew },
    order: { shuffle: options.shuffle, repeat: options.repeatTrack ? 'track' : options.repeatContext ? 'queue' : 'off' },
    queue: isShown
      ? {
          context: list.context.uri === '' ? null : { uri: list.context.uri, title: list.context.metadata['context_description'] ?? null },
          next: upcoming(list, shownNext, options.repeatContext)
            .filter((row) => row.metadata['hidden'] !== 'true')
            .map((row): QueueItem => ({ uri: row.uri, title: row.metadata['title'] ?? null, queued: row.provider === 'queue' })),
        }
      : { context: null, next: [] },
    account,
    notice: state.notice,
    sleep: sleepOf(state, skew),
    accepts: new Set<CommandKind>(state.isActive ? active : account.connected ? ['play'] : []),
  };
}
