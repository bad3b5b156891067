import { TonearmError } from '#foundation';
import { isSameRow, type Row } from './context/row.ts';
import { previewOf } from './context/rows.ts';
import { currentRow, type TrackList } from './context/track-list.ts';
import { mayContinue, settle } from './device-autoplay.ts';
import { isEpisode, keepPlace } from './device-places.ts';
import { noFailures, positionAt, type ContextSource, type Prepared, type Turn } from './device-state.ts';
import { advancePlayable, startPlayable } from './device-unavailable.ts';

const prefetchBefore = 30_000;
const followPatience = 1000;
const lastMoment = 500;

/** Why the row changes. `ended`: the deck has played it to its end. `sought`: somebody moved to its very end. */
export type Onward = 'ended' | 'sought' | 'skip' | 'unplayable';

/**
 * Makes the current row the one that loads; one that was prepared is taken. The old sound stops at once: after a skip nothing of
 * the old track may be heard. `remembered`: an episode begins where the listener stopped, which the cloud is asked (§7.3).
 */
export function loadCurrent(turn: Turn, at: number, paused: boolean, from: 'here' | 'remembered' = 'here'): void {
  const row = currentRow(turn.state.list);
  if (!row) return;
  keepPlace(turn, 'left');
  dropDoubt(turn);
  const { next, load: old, failures, foreseen } = turn.state;
  const resumes = from === 'remembered' && at === 0 && isEpisode(row);
  const ready = next && isSameRow(next.row, row) ? next : null;
  if (!ready) dropNext(turn);
  if (old) turn.do({ type: 'forget', id: old.id });
  if (old?.isInDeck === true && !ready?.loaded) turn.do({ type: 'deckStop' });
  const id = ready?.id ?? turn.env.newId();
  const known = foreseen?.uri === row.uri ? foreseen.found : null;
  const preview = known?.track ?? previewOf(row);
  turn.set({
    load: { id, row, isInDeck: false, resumes },
    next: null,
    phase: 'loading',
    isPauseWanted: paused,
    track: null,
    preview,
    trackMetadata: known?.metadata ?? {},
    duration: preview?.duration ?? 0,
    isPageFailed: false,
    failures: old && isSameRow(old.row, row) ? failures : { ...noFailures, inRow: failures.inRow },
  });
  turn.anchorAt(at, false);
  turn.do({ type: 'timer', name: 'retry', delay: null }, { type: 'timer', name: 'follow', delay: null });
  if (ready?.loaded) startSound(turn, ready.loaded);
  else if (!ready) turn.do({ type: 'load', id, row, resumes });
  turn.do({ type: 'report', reason: 'state' });
}

/** The current row can be played: to the deck with it. */
export function startSound(turn: Turn, { track, metadata, at: remembered }: Prepared): void {
  const { load, anchor, isPauseWanted } = turn.state;
  if (!load) return;
  const isRemembered = load.resumes === true && anchor.position === 0;
  const last = track.duration > 0 ? Math.max(0, track.duration - lastMoment) : Infinity;
  // A stale anchor may lie far behind the end (§3.4); who heard an episode to its end begins it anew.
  const at = isRemembered ? (remembered > last ? 0 : remembered) : Math.min(anchor.position, last);
  turn.set({ load: { ...load, isInDeck: true }, track, preview: null, trackMetadata: metadata, duration: track.duration });
  turn.anchorAt(at, false);
  turn.do({ type: 'deckPlay', id: load.id, at, paused: isPauseWanted });
}

/** Moves on (§5.4). At its end the same row plays again under repeat-one; a skip leaves repeat-one. */
export function goNext(turn: Turn, reason: Onward): void {
  const { state } = turn;
  const paused = reason === 'unplayable' ? state.isPauseWanted : isPaused(turn);
  if ((reason === 'ended' || reason === 'sought') && state.options.repeatTrack) {
    adoptOrLoad(turn, state.list, paused, reason);
    return;
  }
  if (reason === 'skip' && state.options.repeatTrack) turn.set({ options: { ...state.options, repeatTrack: false } });
  const result = advancePlayable(turn, state.list, state.options.repeatContext);
  if (result.end === null) adoptOrLoad(turn, result.list, paused, reason);
  else if (result.end === 'pages') fetchMore(turn, result.list, paused);
  else if (mayContinue(turn)) {
    waitForRows(turn, paused);
    turn.set({ generation: turn.state.generation + 1, resolving: 'autoplay' });
    turn.do({ type: 'report', reason: 'state' });
  } else endOfContext(turn);
}

/** After an end the deck goes on by itself with what was prepared: then only the books change. */
function adoptOrLoad(turn: Turn, list: TrackList, paused: boolean, reason: Onward): void {
  const row = currentRow(list);
  const { next, load: old } = turn.state;
  settle(turn, list);
  const isAgain = reason !== 'skip' && turn.state.options.repeatTrack;
  if (reason !== 'ended' || !row || !next?.loaded || next.loaded.at > 0 || !isSameRow(next.row, row)) {
    loadCurrent(turn, 0, paused, isAgain ? 'here' : 'remembered');
    return;
  }
  if (old) turn.do({ type: 'forget', id: old.id });
  const { track, metadata } = next.loaded;
  turn.set({
    load: { id: next.id, row, isInDeck: true },
    failures: { ...noFailures, inRow: turn.state.failures.inRow },
    next: null,
    phase: paused ? 'paused' : 'playing',
    isPauseWanted: paused,
    track,
    preview: null,
    trackMetadata: metadata,
    duration: track.duration,
    isPageFailed: false,
  });
  turn.anchorAt(0, !paused);
  turn.do({ type: 'timer', name: 'follow', delay: followPatience }, { type: 'report', reason: 'state' });
}

/** What was prepared reached the deck too late for it to go on by itself. */
export function playFollower(turn: Turn): void {
  const { load, phase, isPauseWanted } = turn.state;
  if (load?.isInDeck !== true || (phase !== 'playing' && phase !== 'paused')) return;
  turn.set({ phase: 'loading' });
  turn.anchorAt(0, false);
  turn.do({ type: 'deckPlay', id: load.id, at: 0, paused: isPauseWanted }, { type: 'report', reason: 'state' });
}

function fetchMore(turn: Turn, list: TrackList, paused: boolean): void {
  const url = list.morePages[0];
  if (url === undefined) return;
  const generation = turn.state.generation + 1;
  waitForRows(turn, paused);
  settle(turn, list);
  turn.set({ generation, resolving: 'page' });
  turn.do({ type: 'fetchPage', generation, url }, { type: 'report', reason: 'state' });
}

/** Silent, the old row still in sight, until it is known what comes next. */
export function waitForRows(turn: Turn, paused: boolean): void {
  const { track, preview } = turn.state;
  silence(turn);
  turn.set({ phase: 'loading', isPauseWanted: paused, track: null, preview: track ?? preview });
  turn.anchorAt(0, false);
}

/** §5.7: the first row is loaded again, paused at its start, so that play starts over. */
export function endOfContext(turn: Turn): void {
  const { list } = turn.state;
  const start = startPlayable(turn, list);
  turn.set({ resolving: null });
  if (start) {
    turn.set({ list: start });
    loadCurrent(turn, 0, true);
  } else if (currentRow(list)) stopPaused(turn, 0, nothingPlayable());
  else {
    goIdle(turn);
    turn.do({ type: 'report', reason: 'state' });
  }
}

export function silence(turn: Turn): void {
  keepPlace(turn, 'left');
  dropDoubt(turn);
  dropNext(turn);
  turn.do({ type: 'timer', name: 'retry', delay: null }, { type: 'timer', name: 'follow', delay: null });
  const { load } = turn.state;
  if (!load) return;
  if (load.isInDeck) turn.do({ type: 'deckStop' });
  turn.do({ type: 'forget', id: load.id });
  turn.anchorAt(positionAt(turn.state, turn.env.now), false);
  turn.set({ load: null });
}

/** Nothing loaded, nothing shown; whether we are the active device is another matter. */
export function goIdle(turn: Turn): void {
  silence(turn);
  turn.set({ phase: 'idle', isPauseWanted: false, track: null, preview: null, trackMetadata: {}, duration: 0, resolving: null, pick: null, foreseen: null });
  turn.anchorAt(0, false);
  turn.do({ type: 'timer', name: 'prefetch', delay: null });
}

export function isPaused(turn: Turn): boolean {
  const { phase, isPauseWanted } = turn.state;
  return phase === 'paused' || (phase === 'loading' && isPauseWanted);
}

/** Arms, or re-arms after a change of order or place, the load of what comes next (§6.3). */
export function armPrefetch(turn: Turn): void {
  const { phase, duration, next, sleepAtEnd } = turn.state;
  // Going to sleep at the end of the track: nothing may begin behind it.
  const wanted = sleepAtEnd ? null : nextRow(turn);
  if (next && (!wanted || !isSameRow(wanted, next.row))) dropNext(turn);
  if (phase !== 'playing' || !wanted || turn.state.next) {
    turn.do({ type: 'timer', name: 'prefetch', delay: null });
    return;
  }
  const left = duration - positionAt(turn.state, turn.env.now);
  turn.do({ type: 'timer', name: 'prefetch', delay: duration > 0 ? Math.max(0, left - prefetchBefore) : null });
  if (wanted.uri === turn.state.foreseen?.uri || wanted.uri === turn.state.load?.row.uri) return;
  turn.set({ foreseen: { uri: wanted.uri, found: null } });
  turn.do({ type: 'foresee', row: wanted });
}

function nextRow(turn: Turn): Row | null {
  const { list, options } = turn.state;
  if (options.repeatTrack) return currentRow(list);
  const result = advancePlayable(turn, list, options.repeatContext);
  return result.end === null ? currentRow(result.list) : null;
}

export function prefetch(turn: Turn): void {
  const { options, next, phase, sleepAtEnd } = turn.state;
  const row = sleepAtEnd ? null : nextRow(turn);
  if (!row || next || phase !== 'playing') return;
  const id = turn.env.newId();
  turn.set({ next: { id, row, loaded: null } });
  turn.do({ type: 'load', id, row, resumes: isEpisode(row) && !options.repeatTrack });
}

export function dropNext(turn: Turn): void {
  const { next } = turn.state;
  if (!next) return;
  if (next.loaded) turn.do({ type: 'deckFollow', id: null });
  turn.do({ type: 'forget', id: next.id });
  turn.set({ next: null });
}

/** Options a context forbids are switched off when it starts (§2.5). */
export function obeyRestrictions(turn: Turn, context: ContextSource): void {
  const forbids = (name: string) => (context.restrictions[`disallow${name}Reasons`]?.length ?? 0) > 0;
  const { options } = turn.state;
  turn.set({
    options: {
      ...options,
      shuffle: options.shuffle && !forbids('TogglingShuffle'),
      repeatContext: options.repeatContext && !forbids('TogglingRepeatContext'),
      repeatTrack: options.repeatTrack && !forbids('TogglingRepeatTrack'),
    },
  });
}

/** Nobody looks ahead any more whether a key is refused to the row or to the account. */
function dropDoubt(turn: Turn): void {
  const { doubt } = turn.state;
  if (!doubt) return;
  if (doubt.probe) turn.do({ type: 'forget', id: doubt.probe.id });
  turn.set({ doubt: null });
}

/** Stays on the row, silent, until somebody presses play. */
export function stopPaused(turn: Turn, position: number, error: TonearmError): void {
  silence(turn);
  turn.set({ phase: 'paused', isPauseWanted: true, failures: noFailures, notice: { code: error.code, message: error.message } });
  turn.anchorAt(position, false);
  turn.do({ type: 'trouble', error }, { type: 'report', reason: 'state' });
}

export function nothingPlayable(cause?: TonearmError): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'connect/nothing-playable', message: 'None of the tracks here can be played. Pick something else in the Spotify app.', cause });
}
