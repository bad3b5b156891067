import type { Row } from './context/row.ts';
import { appendRows, currentRow, emptyList, upcoming } from './context/track-list.ts';
import { handle, loseActive, pause, playlistModified, refreshContext } from './device-commands.ts';
import { failCurrent, retry } from './device-failures.ts';
import { armPrefetch, endOfContext, goIdle, goNext, loadCurrent, playFollower, prefetch, startSound } from './device-loading.ts';
import { loseTrack, placeContext } from './device-starting.ts';
import { initialState, positionAt, Turn, type DeviceEffect, type DeviceEnvironment, type DeviceInput, type DeviceState } from './device-state.ts';

const staleClusterWindow = 3000;
const rememberAnswers = { count: 32, for: 60_000 };
const drift = 1000;
const fetchAheadBelow = 50;
/** While shuffled all pages are wanted, but some contexts never end. */
const mostShuffled = 5000;

export interface DeviceStep {
  readonly state: DeviceState;
  readonly effects: readonly DeviceEffect[];
}

/** The whole behaviour of a Connect device as one pure transition (connect-control.md §2 to §6). */
export function step(state: DeviceState, input: DeviceInput, env: DeviceEnvironment): DeviceStep {
  const turn = new Turn(state, env);
  react(turn, input);
  const { list, options, phase, load, sleepAtEnd, anchor, duration } = turn.state;
  const isOrderSame = list === state.list && options === state.options && sleepAtEnd === state.sleepAtEnd;
  const isPlaceSame = anchor === state.anchor && duration === state.duration && phase === state.phase && load?.id === state.load?.id;
  if (!isOrderSame || !isPlaceSame) armPrefetch(turn);
  fetchAhead(turn);
  return { state: turn.state, effects: turn.effects };
}

function react(turn: Turn, input: DeviceInput): void {
  const { state } = turn;
  switch (input.type) {
    case 'request':
      request(turn, input);
      return;
    case 'local': {
      const why = handle(turn, input.command, input.by);
      turn.do({ type: 'answer', ticket: input.ticket, success: why === null, why });
      if (turn.state.isActive) turn.do({ type: 'report', reason: 'state' });
      return;
    }
    case 'connected':
      // After a reconnect the cloud may have forgotten that we are active: our report says so again.
      turn.set({ isOnline: true, claim: state.isActive ? { at: turn.env.now, before: [], isConfirmed: false } : null });
      turn.do({ type: 'report', reason: 'hello' });
      return;
    case 'disconnected':
      turn.set({ isOnline: false });
      return;
    case 'cluster':
      cluster(turn, input);
      if (input.needsState === true && turn.state.isActive) turn.do({ type: 'report', reason: 'state' });
      return;
    case 'modified':
      playlistModified(turn, input.uri);
      return;
    case 'resolved':
      if (input.generation !== state.generation) return;
      resolved(turn, input.context);
      return;
    case 'unresolved':
      if (input.generation !== state.generation) return;
      unresolved(turn, input);
      return;
    case 'page':
      if (input.generation !== state.generation) return;
      page(turn, input.rows, input.morePages);
      return;
    case 'loaded':
      loaded(turn, input);
      return;
    case 'foreseen':
      if (input.uri === state.foreseen?.uri) turn.set({ foreseen: { uri: input.uri, found: { track: input.track, metadata: input.metadata } } });
      return;
    case 'unloadable':
    case 'failed':
      if (input.id === state.load?.id) failCurrent(turn, input.error);
      else if (input.id === state.next?.id) {
        turn.do({ type: 'forget', id: input.id });
        turn.set({ next: null });
      }
      return;
    case 'playing':
      if (input.id !== state.load?.id) return;
      turn.do({ type: 'timer', name: 'follow', delay: null });
      if (state.isPauseWanted) return;
      turn.set({ phase: 'playing', failures: { inRow: 0, retries: 0, keys: 0 }, notice: null });
      turn.anchorAt(input.position, true);
      turn.do({ type: 'report', reason: 'state' });
      return;
    case 'paused':
      if (input.id !== state.load?.id) return;
      turn.do({ type: 'timer', name: 'follow', delay: null });
      if (!state.isPauseWanted) return;
      turn.set({ phase: 'paused' });
      turn.anchorAt(input.position, false);
      turn.do({ type: 'report', reason: 'state' });
      return;
    case 'stalled':
      if (input.id !== state.load?.id || state.phase !== 'playing') return;
      turn.set({ phase: 'stalled' });
      turn.anchorAt(input.position, false);
      turn.do({ type: 'report', reason: 'state' });
      return;
    case 'moved':
      if (input.id !== state.load?.id || state.phase !== 'playing') return;
      if (Math.abs(positionAt(state, turn.env.now) - input.position) <= drift) return;
      turn.anchorAt(input.position, true);
      turn.do({ type: 'report', reason: 'state' });
      return;
    case 'measured':
      if (input.id === state.load?.id && state.duration === 0) turn.set({ duration: input.duration });
      return;
    case 'ended':
      if (input.id === state.load?.id) ended(turn);
      return;
    case 'waited':
      if (input.timer === 'prefetch') prefetch(turn);
      else if (input.timer === 'retry') retry(turn);
      else if (input.timer === 'follow') playFollower(turn);
      else if (state.sleepAt !== null) {
        turn.set({ sleepAt: null });
        pause(turn);
        turn.do({ type: 'report', reason: 'state' });
      }
      return;
    case 'outplayed':
      if (state.isActive) loseActive(turn);
      return;
    case 'loggedOut':
      if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
      goIdle(turn);
      turn.set({ ...initialState(state.sessionId, turn.env.now), generation: state.generation + 1 });
      turn.do({ type: 'timer', name: 'sleep', delay: null }, { type: 'release' });
      return;
  }
}

function request(turn: Turn, input: Extract<DeviceInput, { type: 'request' }>): void {
  const { state, env } = turn;
  // Message ids come back with other endpoints, so the endpoint belongs to the key (§3.2).
  const key = `${input.sentBy}|${input.messageId}|${input.endpoint}`;
  const recent = state.answered.filter((answer) => env.now - answer.at < rememberAnswers.for);
  const known = recent.find((answer) => answer.key === key);
  if (known) {
    turn.do({ type: 'answer', ticket: input.ticket, success: known.success, why: null });
    return;
  }
  turn.set({ lastCommand: { messageId: input.messageId, sentBy: input.sentBy } });
  const why = handle(turn, input.command, 'phone');
  const success = why === null;
  turn.set({ answered: [...recent, { key, at: env.now, success }].slice(-rememberAnswers.count) });
  turn.do({ type: 'answer', ticket: input.ticket, success, why }, { type: 'report', reason: 'state' });
}

function cluster(turn: Turn, { activeDevice, isAnswer = false }: Extract<DeviceInput, { type: 'cluster' }>): void {
  const { state, env } = turn;
  const { claim } = state;
  if (!state.isActive) {
    turn.set({ activeDevice });
    return;
  }
  if (activeDevice === env.deviceId) {
    turn.set({ activeDevice, claim: claim && { ...claim, isConfirmed: true } });
    return;
  }
  const isMaybeLate = claim !== null && env.now - claim.at < staleClusterWindow && (activeDevice === '' || claim.before.includes(activeDevice));
  if (isMaybeLate && !(claim.isConfirmed && isAnswer)) {
    // Late, or taken back at once: the answer to a report knows.
    if (claim.isConfirmed) turn.do({ type: 'report', reason: 'state' });
    return;
  }
  turn.set({ activeDevice, by: 'phone' });
  loseActive(turn);
}

function resolved(turn: Turn, context: Extract<DeviceInput, { type: 'resolved' }>['context']): void {
  const { resolving, pick, isPauseWanted } = turn.state;
  if (resolving === 'start') {
    if (context.rows.length === 0 && !turn.state.load) loseTrack(turn, pick?.before ?? null);
    else placeContext(turn, context);
  } else if (resolving === 'update') refreshContext(turn, context);
  else if (resolving === 'autoplay') {
    const rows = context.rows.map((row): Row => ({ ...row, provider: 'autoplay', metadata: { ...row.metadata, 'autoplay.is_autoplay': 'true' } }));
    const { uri, url, metadata, restrictions, morePages } = context;
    const { queue, queueCounter } = turn.state.list;
    turn.set({
      resolving: null,
      suppressions: [],
      sessionId: turn.env.newId(),
      list: { ...emptyList(uri, url), context: { uri, url, metadata, restrictions }, rows, order: rows.map((_, index) => index), cursor: 0, morePages, queue, queueCounter },
      options: { ...turn.state.options, shuffle: false, repeatContext: false, repeatTrack: false },
    });
    if (currentRow(turn.state.list)) loadCurrent(turn, 0, isPauseWanted);
    else endOfContext(turn);
  }
}

function unresolved(turn: Turn, input: Extract<DeviceInput, { type: 'unresolved' }>): void {
  const { resolving, pick } = turn.state;
  turn.set({ resolving: null });
  if (resolving === 'start') {
    if (!turn.state.load) {
      turn.set({ notice: { code: input.error.code, message: input.error.message } });
      turn.do({ type: 'trouble', error: input.error });
    }
    loseTrack(turn, pick?.before ?? null);
  } else if (resolving === 'page' || resolving === 'autoplay') endOfContext(turn);
  // Behind music that plays: no hurry to ask for that page again.
  else if (resolving === 'more') turn.set({ isPageFailed: true });
}

function page(turn: Turn, rows: readonly Row[], morePages: readonly string[]): void {
  const { resolving, list } = turn.state;
  turn.set({ resolving: null, list: appendRows(list, rows, [...morePages, ...list.morePages.slice(1)], turn.env.below) });
  if (resolving !== 'page') {
    turn.do({ type: 'report', reason: 'state' });
    return;
  }
  goNext(turn, 'unplayable');
}

function loaded(turn: Turn, input: Extract<DeviceInput, { type: 'loaded' }>): void {
  const { load, next } = turn.state;
  const { id, track, metadata } = input;
  if (next?.id === id) {
    turn.set({ next: { ...next, loaded: { track, metadata } } });
    turn.do({ type: 'deckFollow', id });
    return;
  }
  if (load?.id !== id) return;
  startSound(turn, track, metadata);
  turn.do({ type: 'report', reason: 'state' });
}

function ended(turn: Turn): void {
  const { state } = turn;
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'finished' });
  if (state.sleepAtEnd) {
    turn.set({ sleepAtEnd: false });
    goNext(turn, 'ended');
    pause(turn);
    return;
  }
  goNext(turn, 'ended');
}

/** More pages before the cursor reaches the end of what is known. */
function fetchAhead(turn: Turn): void {
  const { list, resolving, phase, generation, isActive, isPageFailed } = turn.state;
  const url = list.morePages[0];
  if (url === undefined || resolving !== null || !isActive || isPageFailed || (phase !== 'playing' && phase !== 'paused')) return;
  const isWholeWanted = list.shuffled && list.rows.length < mostShuffled;
  if (!isWholeWanted && upcoming(list, fetchAheadBelow, false).length >= fetchAheadBelow) return;
  turn.set({ generation: generation + 1, resolving: 'more' });
  turn.do({ type: 'fetchPage', generation: generation + 1, url });
}
