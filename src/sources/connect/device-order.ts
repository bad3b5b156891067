import { setShuffled } from './context/order.ts';
import { inject, jumpTo, takeQueued } from './context/places.ts';
import { applyEdit, enqueue, type EditedRow } from './context/queue.ts';
import { isLoadable, makeUid, type Row } from './context/row.ts';
import { previewOf } from './context/rows.ts';
import { currentRow, goBack } from './context/track-list.ts';
import { settle } from './device-autoplay.ts';
import { skipBeforeContext } from './device-failures.ts';
import { goNext, isPaused, loadCurrent, silence } from './device-loading.ts';
import type { DeviceCommand, Refusal, Turn } from './device-state.ts';
import { advancePlayable } from './device-unavailable.ts';

/** Who presses again so soon is on the way to some other row. */
const hurry = { within: 250, settle: 150 };

/** Moves on, or to a row that somebody clicked (§3.9). */
export function next(turn: Turn, row: EditedRow | null): Refusal {
  const { state, env } = turn;
  if (row) return click(turn, row);
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  turn.set({ skippedAt: env.now });
  if (state.resolving === 'start') skipBeforeContext(turn);
  else if (env.now - state.skippedAt < hurry.within) rush(turn);
  else goNext(turn, 'skip');
  return null;
}

/** Shows the row, and loads it when nobody has pressed again for a moment: rows that are only passed by cost no question. */
function rush(turn: Turn): void {
  const { list, options } = turn.state;
  const result = advancePlayable(turn, list, options.repeatContext);
  if (result.end !== null) {
    goNext(turn, 'skip');
    return;
  }
  const paused = isPaused(turn);
  silence(turn);
  settle(turn, result.list);
  // Nobody waits for a page or a station any more.
  if (turn.state.resolving === 'page') turn.set({ resolving: 'more' });
  if (turn.state.resolving === 'autoplay') turn.set({ resolving: null });
  const row = currentRow(result.list);
  const preview = row && previewOf(row);
  turn.set({ options: { ...turn.state.options, repeatTrack: false }, phase: 'loading', isPauseWanted: paused, track: null, preview, trackMetadata: {}, duration: preview?.duration ?? 0 });
  turn.anchorAt(0, false);
  turn.do({ type: 'timer', name: 'skip', delay: hurry.settle }, { type: 'report', reason: 'state' });
}

/** The hurry is over, unless something else has begun meanwhile. */
export function arrive(turn: Turn): void {
  const { phase, load, resolving, anchor, isPauseWanted } = turn.state;
  const isWaiting = phase === 'loading' && !load && (resolving === null || resolving === 'more' || resolving === 'update');
  if (isWaiting) loadCurrent(turn, anchor.position, isPauseWanted, anchor.position > 0 ? 'here' : 'remembered');
}

/** Of the queue first, then of the context, else played beside it. */
function click(turn: Turn, row: EditedRow): Refusal {
  const { list, pick, resolving } = turn.state;
  const name = { uid: row.uid || undefined, uri: row.uri || undefined };
  const clicked: Row = { uri: row.uri, uid: row.uid || makeUid(row.uri, 0), provider: row.provider === 'autoplay' ? 'autoplay' : 'context', metadata: row.metadata };
  const queued = takeQueued(list, name);
  const found = queued ?? jumpTo(list, name);
  const target = (found && currentRow(found)) ?? clicked;
  if (!isLoadable(target)) return { kind: 'not-found', code: 'connect/no-such-row', message: 'That row is not in the list any more, and it is not something that can be played by itself.' };
  if (turn.state.track) turn.do({ type: 'trackEnded', track: turn.state.track, reason: 'skipped' });
  const paused = isPaused(turn);
  settle(turn, found ?? inject({ ...list, aside: null }, clicked));
  // The context that is still being asked for has to find its place around this row.
  if (resolving === 'start' && pick) {
    const contextUid = queued ? (pick.isQueued ? pick.contextUid : (pick.start?.uid ?? null)) : null;
    turn.set({ pick: { ...pick, start: queued ? pick.start : name, row: target, isQueued: queued !== null, contextUid, at: 0, resumes: true, skips: 0 } });
  }
  loadCurrent(turn, 0, paused, 'remembered');
  return null;
}

/** One row back; false at the very first (§5.5). */
export function back(turn: Turn): boolean {
  const { state } = turn;
  const list = goBack(state.list, state.options.repeatContext);
  if (!list) return false;
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  const paused = isPaused(turn);
  settle(turn, list);
  loadCurrent(turn, 0, paused, 'remembered');
  return true;
}

/** Repeat first, then shuffle; what was not named stays (§3.12). A context may forbid switching on any of them: then nothing changes. */
export function setOptions(turn: Turn, { shuffle, repeatContext, repeatTrack }: Extract<DeviceCommand, { kind: 'options' }>['options']): Refusal {
  const { options, list } = turn.state;
  const wanted = { ...options, repeatContext: repeatContext ?? options.repeatContext, repeatTrack: repeatTrack ?? options.repeatTrack, shuffle: shuffle ?? options.shuffle };
  const isForbidden = (name: 'shuffle' | 'repeatContext' | 'repeatTrack', reasons: string) => wanted[name] && !options[name] && (list.context.restrictions[reasons]?.length ?? 0) > 0;
  if (isForbidden('shuffle', 'disallowTogglingShuffleReasons')) {
    return { kind: 'forbidden', code: 'connect/shuffle-forbidden', message: 'Spotify does not allow shuffling what plays here.' };
  }
  if (isForbidden('repeatContext', 'disallowTogglingRepeatContextReasons') || isForbidden('repeatTrack', 'disallowTogglingRepeatTrackReasons')) {
    return { kind: 'forbidden', code: 'connect/repeat-forbidden', message: 'Spotify does not allow repeating what plays here.' };
  }
  turn.set({ options: wanted, list: setShuffled(list, wanted.shuffle, turn.env.below) });
  return null;
}

/** Puts a row behind the queue; one without a URI is the row of the context with that uid (§3.13). */
export function queueUp(turn: Turn, row: Omit<EditedRow, 'provider'>): Refusal {
  const { list } = turn.state;
  const own = row.uri === '' ? list.rows.find(({ uid }) => uid === row.uid) : undefined;
  const named = own ? { uri: own.uri, uid: '', metadata: { ...own.metadata, ...row.metadata } } : row;
  if (!isLoadable(named)) return { kind: 'invalid', code: 'connect/not-queueable', message: 'This cannot be queued: only tracks and episodes can.' };
  turn.set({ list: enqueue(list, named) });
  return null;
}

/** What comes next, as a controller wants it (§3.14). */
export function edit(turn: Turn, rows: readonly EditedRow[]): void {
  const { list, options } = turn.state;
  turn.set({ list: applyEdit(list, rows, options.repeatContext) });
}
