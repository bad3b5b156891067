import type { Track } from '#core';
import { isLoadable, isSameRow, type Metadata, type Row } from './context/row.ts';
import { previewOf } from './context/rows.ts';
import { advance, currentRow, previousRows, toStart, type TrackList } from './context/track-list.ts';
import { positionAt, type ContextSource, type Turn } from './device-state.ts';

const prefetchBefore = 30_000;
const followPatience = 1000;

/** Why the row changes. `ended`: the deck has played it to its end. `sought`: somebody moved to its very end. */
export type Onward = 'ended' | 'sought' | 'skip' | 'unplayable';

/**
 * Makes the current row the one that loads; one that was prepared is taken. The old sound stops at once: after a skip nothing of
 * the old track may be heard.
 */
export function loadCurrent(turn: Turn, at: number, paused: boolean): void {
  const row = currentRow(turn.state.list);
  if (!row) return;
  const { next, load: old, failures, foreseen } = turn.state;
  const ready = next && isSameRow(next.row, row) ? next : null;
  if (!ready) dropNext(turn);
  if (old) turn.do({ type: 'forget', id: old.id });
  if (old?.isInDeck === true && !ready?.loaded) turn.do({ type: 'deckStop' });
  const id = ready?.id ?? turn.env.newId();
  const known = foreseen?.uri === row.uri ? foreseen.found : null;
  const preview = known?.track ?? previewOf(row);
  turn.set({
    load: { id, row, isInDeck: false },
    next: null,
    phase: 'loading',
    isPauseWanted: paused,
    track: null,
    preview,
    trackMetadata: known?.metadata ?? {},
    duration: preview?.duration ?? 0,
    isPageFailed: false,
    failures: old && isSameRow(old.row, row) ? failures : { ...failures, retries: 0 },
  });
  turn.anchorAt(at, false);
  turn.do({ type: 'timer', name: 'retry', delay: null }, { type: 'timer', name: 'follow', delay: null });
  if (ready?.loaded) startSound(turn, ready.loaded.track, ready.loaded.metadata);
  else if (!ready) turn.do({ type: 'load', id, row });
  turn.do({ type: 'report', reason: 'state' });
}

/** The current row can be played: to the deck with it. */
export function startSound(turn: Turn, track: Track, metadata: Metadata): void {
  const { load, anchor, isPauseWanted } = turn.state;
  if (!load) return;
  const at = track.duration > 0 && anchor.position >= track.duration ? 0 : anchor.position;
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
  const result = advance(state.list, state.options.repeatContext);
  if (result.end === null) adoptOrLoad(turn, result.list, paused, reason);
  else if (result.end === 'pages') fetchMore(turn, paused);
  else if (mayAutoplay(turn)) startAutoplay(turn, paused);
  else endOfContext(turn);
}

/** After an end the deck goes on by itself with what was prepared: then only the books change. */
function adoptOrLoad(turn: Turn, list: TrackList, paused: boolean, reason: Onward): void {
  const row = currentRow(list);
  const { next, load: old } = turn.state;
  turn.set({ list });
  if (reason !== 'ended' || !row || !next?.loaded || !isSameRow(next.row, row)) {
    loadCurrent(turn, 0, paused);
    return;
  }
  if (old) turn.do({ type: 'forget', id: old.id });
  const { track, metadata } = next.loaded;
  turn.set({
    load: { id: next.id, row, isInDeck: true },
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

function fetchMore(turn: Turn, paused: boolean): void {
  const url = turn.state.list.morePages[0];
  if (url === undefined) return;
  const generation = turn.state.generation + 1;
  waitForRows(turn, paused);
  turn.set({ generation, resolving: 'page' });
  turn.do({ type: 'fetchPage', generation, url }, { type: 'report', reason: 'state' });
}

/** §5.6: not around a repeating context, not for stations, shows and single episodes. */
function mayAutoplay(turn: Turn): boolean {
  const { options, list } = turn.state;
  const uri = list.context.uri;
  return turn.env.autoplay && !options.repeatContext && uri.startsWith('spotify:') && !/^spotify:(station|show|episode|audiobook)\b/.test(uri);
}

function startAutoplay(turn: Turn, paused: boolean): void {
  const { list } = turn.state;
  const generation = turn.state.generation + 1;
  const rows = [...previousRows(list, 49), ...[currentRow(list)].filter((row) => row !== null)];
  waitForRows(turn, paused);
  turn.set({ generation, resolving: 'autoplay' });
  turn.do({ type: 'autoplay', generation, contextUri: list.context.uri, recent: rows.filter(isLoadable).map((row) => row.uri) }, { type: 'report', reason: 'state' });
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
  const start = toStart(turn.state.list);
  turn.set({ resolving: null });
  if (start) {
    turn.set({ list: start });
    loadCurrent(turn, 0, true);
  } else {
    goIdle(turn);
    turn.do({ type: 'report', reason: 'state' });
  }
}

export function silence(turn: Turn): void {
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
  const { phase, duration, next, list, options, sleepAtEnd } = turn.state;
  // Going to sleep at the end of the track: nothing may begin behind it.
  const wanted = sleepAtEnd ? null : nextRow(list, options);
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

function nextRow(list: TrackList, options: { readonly repeatTrack: boolean; readonly repeatContext: boolean }): Row | null {
  if (options.repeatTrack) return currentRow(list);
  const result = advance(list, options.repeatContext);
  return result.end === null ? currentRow(result.list) : null;
}

export function prefetch(turn: Turn): void {
  const { list, options, next, phase } = turn.state;
  const row = nextRow(list, options);
  if (!row || next || phase !== 'playing') return;
  const id = turn.env.newId();
  turn.set({ next: { id, row, loaded: null } });
  turn.do({ type: 'load', id, row });
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
