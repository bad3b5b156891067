import type { TonearmError } from '#foundation';
import { isLoadable } from './context/row.ts';
import { advance, currentRow, toStart, type Advanced, type TrackList } from './context/track-list.ts';
import type { Turn } from './device-state.ts';

const rememberedFor = 30 * 60_000;
const mostRemembered = 500;

/** Notes a row that cannot be played, so that it is not asked for again soon (connect-control.md §4.8). */
export function noteUnavailable(turn: Turn, uri: string, error: TonearmError): void {
  // Somebody may switch that filter off again at any moment.
  if (error.code === 'spotify/explicit') return;
  const { now } = turn.env;
  const others = turn.state.unavailable.filter((each) => each.until > now && each.uri !== uri);
  turn.set({ unavailable: [...others, { uri, until: now + rememberedFor }].slice(-mostRemembered) });
}

export function isUnavailable(turn: Turn, uri: string): boolean {
  return turn.state.unavailable.some((each) => each.uri === uri && each.until > turn.env.now);
}

/** The next row that can be played as far as is known. */
export function advancePlayable(turn: Turn, list: TrackList, repeat: boolean): Advanced {
  const most = list.rows.length + list.queue.length + (list.patch?.length ?? 0) + 1;
  let at = list;
  for (let step = 0; step <= most; step++) {
    const result = advance(at, repeat);
    if (result.end !== null) return result;
    const row = currentRow(result.list);
    if (!row || !isUnavailable(turn, row.uri)) return result;
    at = result.list;
  }
  return { list, end: 'context' };
}

/** Back to the first row that can be played as far as is known; null when there is none. */
export function startPlayable(turn: Turn, list: TrackList): TrackList | null {
  const start = toStart(list);
  const row = start && currentRow(start);
  if (!start || !row || !isUnavailable(turn, row.uri)) return start;
  const result = advancePlayable(turn, { ...start, queue: [] }, false);
  return result.end === null ? { ...result.list, queue: list.queue } : null;
}

/** How many rows there are to try; null while not all are known. */
export function countPlayable({ morePages, rows, queue }: TrackList): number | null {
  return morePages.length > 0 ? null : Math.max(1, rows.filter(isLoadable).length + queue.length);
}
