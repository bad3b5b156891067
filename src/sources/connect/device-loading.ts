import { TonearmError } from '#foundation';
import { isLoadable, type Row } from './context/row.ts';
import { advance, currentRow, previousRows, toStart, upcoming, type TrackList } from './context/track-list.ts';
import { positionAt, type ContextSource, type Turn } from './device-state.ts';

const prefetchBefore = 30_000;
const retryDelays = [1000, 3000, 9000];
const mostInRow = 50;
const mostKeyRefusals = 3;

/** Makes the current row the one that loads. The old sound stops at once: after a skip nothing of the old track may be heard. */
export function loadCurrent(turn: Turn, at: number, paused: boolean): void {
  const row = currentRow(turn.state.list);
  if (!row) return;
  dropNext(turn);
  const old = turn.state.load;
  if (old) turn.do({ type: 'forget', id: old.id });
  if (old?.isInDeck === true) turn.do({ type: 'deckStop' });
  const id = turn.env.newId();
  turn.set({
    load: { id, row, isInDeck: false },
    phase: 'loading',
    isPauseWanted: paused,
    track: null,
    trackMetadata: {},
    duration: 0,
  });
  turn.anchorAt(at, false);
  turn.do({ type: 'timer', name: 'retry', delay: null }, { type: 'load', id, row }, { type: 'report', reason: 'state' });
}

/** Moves on (§5.4). `ended` plays the same row again under repeat-one; a skip leaves repeat-one. */
export function goNext(turn: Turn, reason: 'ended' | 'skip' | 'unplayable'): void {
  const { state } = turn;
  const paused = reason === 'skip' ? isPaused(turn) : reason === 'unplayable' ? state.isPauseWanted : false;
  if (reason === 'ended' && state.options.repeatTrack) {
    adoptOrLoad(turn, state.list, paused);
    return;
  }
  if (reason === 'skip' && state.options.repeatTrack) turn.set({ options: { ...state.options, repeatTrack: false } });
  const result = advance(state.list, state.options.repeatContext);
  if (result.end === null) adoptOrLoad(turn, result.list, paused, reason === 'ended');
  else if (result.end === 'pages') fetchMore(turn, paused);
  else if (mayAutoplay(turn)) startAutoplay(turn, paused);
  else endOfContext(turn);
}

/** If the deck already goes on with the right row, follow it; else load. */
function adoptOrLoad(turn: Turn, list: TrackList, paused: boolean, isGapless = true): void {
  const row = currentRow(list);
  const { next } = turn.state;
  turn.set({ list });
  if (isGapless && row && next?.loaded && next.row.uid === row.uid && next.row.uri === row.uri) {
    const old = turn.state.load;
    if (old) turn.do({ type: 'forget', id: old.id });
    const { track, metadata } = next.loaded;
    turn.set({ load: { id: next.id, row, isInDeck: true }, next: null, phase: 'playing', isPauseWanted: false, track, trackMetadata: metadata, duration: track.duration });
    turn.anchorAt(0, true);
    turn.do({ type: 'report', reason: 'state' });
    return;
  }
  loadCurrent(turn, 0, paused);
}

function fetchMore(turn: Turn, paused: boolean): void {
  const url = turn.state.list.morePages[0];
  if (url === undefined) return;
  const generation = turn.state.generation + 1;
  silence(turn);
  turn.set({ generation, resolving: 'page', phase: 'loading', isPauseWanted: paused });
  turn.do({ type: 'fetchPage', generation, url }, { type: 'report', reason: 'state' });
}

/** §5.6: not around a repeating context, not for stations, shows and single episodes. */
export function mayAutoplay(turn: Turn): boolean {
  const { options, list } = turn.state;
  const uri = list.context.uri;
  return turn.env.autoplay && !options.repeatContext && uri.startsWith('spotify:') && !/^spotify:(station|show|episode|audiobook)\b/.test(uri);
}

function startAutoplay(turn: Turn, paused: boolean): void {
  const { list } = turn.state;
  const generation = turn.state.generation + 1;
  const rows = [...previousRows(list, 49), ...[currentRow(list)].filter((row) => row !== null)];
  silence(turn);
  turn.set({ generation, resolving: 'autoplay', phase: 'loading', isPauseWanted: paused });
  turn.do({ type: 'autoplay', generation, contextUri: list.context.uri, recent: rows.filter(isLoadable).map((row) => row.uri) }, { type: 'report', reason: 'state' });
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
  turn.set({ phase: 'idle', isPauseWanted: false, track: null, trackMetadata: {}, duration: 0, resolving: null, pick: null });
  turn.anchorAt(0, false);
  turn.do({ type: 'timer', name: 'retry', delay: null }, { type: 'timer', name: 'prefetch', delay: null });
}

export function isPaused(turn: Turn): boolean {
  const { phase, isPauseWanted } = turn.state;
  return phase === 'paused' || (phase === 'loading' && isPauseWanted);
}

/** Arms, or re-arms after a change of order, the load of what comes next (§6.3). */
export function armPrefetch(turn: Turn): void {
  const { phase, duration, next, list, options, sleepAtEnd } = turn.state;
  // Going to sleep at the end of the track: nothing may begin behind it.
  const wanted = sleepAtEnd ? null : nextRow(list, options);
  if (next && (!wanted || wanted.uid !== next.row.uid || wanted.uri !== next.row.uri)) dropNext(turn);
  if (phase !== 'playing' || !wanted || turn.state.next) {
    turn.do({ type: 'timer', name: 'prefetch', delay: null });
    return;
  }
  const left = duration - positionAt(turn.state, turn.env.now);
  turn.do({ type: 'timer', name: 'prefetch', delay: duration > 0 ? Math.max(0, left - prefetchBefore) : null });
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

/** §6.7: what to do when the current row cannot be played. */
export function failCurrent(turn: Turn, error: TonearmError): void {
  const { state } = turn;
  const position = positionAt(state, turn.env.now);
  const isAway = error.kind === 'unavailable' || error.kind === 'timeout';
  turn.do({ type: 'trouble', error });

  if (error.code === 'spotify/key-throttled' || isAway) {
    const delay = error.code === 'spotify/key-throttled' ? Math.max(error.retryAfter ?? 0, 30_000) : retryDelays[state.failures.retries];
    if (delay !== undefined && state.failures.retries < retryDelays.length) {
      turn.set({
        phase: 'loading',
        isPauseWanted: isPaused(turn),
        load: state.load && { ...state.load, isInDeck: false },
        failures: { ...state.failures, retries: state.failures.retries + 1 },
        notice: { code: error.code, message: error.message },
      });
      turn.anchorAt(position, false);
      turn.do({ type: 'timer', name: 'retry', delay }, { type: 'report', reason: 'state' });
      return;
    }
    stopPaused(turn, position, error);
    return;
  }

  const keys = error.code === 'spotify/key-refused' ? state.failures.keys + 1 : state.failures.keys;
  const inRow = state.failures.inRow + 1;
  turn.set({ failures: { inRow, retries: 0, keys } });
  if (keys >= mostKeyRefusals) {
    stopPaused(
      turn,
      0,
      new TonearmError({
        kind: 'forbidden',
        code: 'connect/account-refused',
        message:
          'Spotify refuses audio keys for this account, so Tonearm cannot play its music. Nothing is wrong with your network or settings: ' +
          'Spotify applies this rule to newer accounts. Your queue is kept; Spotify’s own headless player works with such accounts.',
      }),
    );
    return;
  }
  const everyRow = upcoming(state.list, mostInRow + 1, false).filter(isLoadable).length;
  if (inRow >= mostInRow || (everyRow === 0 && state.options.repeatContext)) {
    stopPaused(turn, 0, new TonearmError({ kind: 'unavailable', code: 'connect/nothing-playable', message: 'None of the tracks here can be played. Pick something else in the Spotify app.', cause: error }));
    return;
  }
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'failed' });
  const { load } = turn.state;
  turn.set({ phase: 'loading', isPauseWanted: isPaused(turn), load: load && { ...load, isInDeck: false } });
  turn.anchorAt(0, false);
  // Without a growing pause a whole context burns through in seconds.
  turn.do({ type: 'timer', name: 'retry', delay: Math.min(250 * inRow, 5000) }, { type: 'report', reason: 'state' });
}

/** Stays on the row, silent, until somebody presses play. */
function stopPaused(turn: Turn, position: number, error: TonearmError): void {
  silence(turn);
  turn.set({ phase: 'paused', isPauseWanted: true, failures: { inRow: 0, retries: 0, keys: 0 }, notice: { code: error.code, message: error.message } });
  turn.anchorAt(position, false);
  turn.do({ type: 'trouble', error }, { type: 'report', reason: 'state' });
}

/** The retry timer is over: the same row again after a network error, the next one after an unplayable row. */
export function retry(turn: Turn): void {
  const { state } = turn;
  if (state.phase !== 'loading' || !state.load) return;
  if (state.failures.retries > 0) loadCurrent(turn, state.anchor.position, state.isPauseWanted);
  else goNext(turn, 'unplayable');
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
