import type { Row } from './context/row.ts';
import { positionAt, type Turn } from './device-state.ts';

/** Places are kept of these only; nothing is written for music (connect-control.md §7.3). */
export const isEpisode = (row: Row): boolean => row.uri.startsWith('spotify:episode:');

/** Keeps how far the listener got in the episode that is in the deck: on a pause, when it is left, when it is over. */
export function keepPlace(turn: Turn, how: 'left' | 'finished'): void {
  const { load, place } = turn.state;
  if (load?.isInDeck !== true || !isEpisode(load.row)) return;
  const before = place?.id === load.id ? place.position : 0;
  // After its end leaving it must not bring back its last second.
  if (before === 'finished') return;
  const position = how === 'finished' ? 'finished' : Math.floor(positionAt(turn.state, turn.env.now) / 1000) * 1000;
  if (position === 0 || position === before) return;
  turn.set({ place: { id: load.id, position } });
  turn.do({ type: 'keepPlace', uri: load.row.uri, position });
}
