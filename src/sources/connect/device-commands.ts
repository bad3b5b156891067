import type { Origin } from '#core';
import { makeUid, type Row } from './context/row.ts';
import { applyEdit, currentRow, enqueue, goBack, inject, moveTo, rebase, setShuffled, takeQueued, type EditedRow } from './context/track-list.ts';
import { skipBeforeContext } from './device-failures.ts';
import { goIdle, goNext, isPaused, loadCurrent } from './device-loading.ts';
import { becomeActive, listFor, play, transfer } from './device-starting.ts';
import { positionAt, type ContextSource, type DeviceCommand, type Refusal, type ResolvedContext, type Turn } from './device-state.ts';

const restartAfter = 3000;
const endMargin = 500;

const notActive: Refusal = { kind: 'conflict', code: 'connect/not-active', message: 'This speaker is not playing: pick it in the Spotify app, or send something to play.' };
const nothingLoaded: Refusal = { kind: 'conflict', code: 'connect/nothing-loaded', message: 'There is nothing to play yet: pick something in the Spotify app, or send a Spotify link.' };

/** Applies one command (connect-control.md §3). The synchronous part only: what takes time becomes effects. */
export function handle(turn: Turn, command: DeviceCommand, by: Origin): Refusal {
  const { state } = turn;
  const isLocal = by !== 'phone';
  if (command.kind === 'play') return play(turn, command, by);
  if (command.kind === 'transfer') return transfer(turn, command, by);
  if (command.kind === 'refuse') return { kind: 'invalid', code: 'connect/not-understood', message: command.why };
  if (!state.isActive) {
    if (isLocal && command.kind === 'resume') return resumeRemembered(turn, by);
    if (isLocal && (command.kind === 'pause' || command.kind === 'stop')) return null;
    return notActive;
  }
  turn.set({ by });
  switch (command.kind) {
    case 'pause':
      pause(turn);
      return null;
    case 'resume':
      return resume(turn, command.at);
    case 'stop':
      loseActive(turn);
      return null;
    case 'seek':
      return seek(turn, command.from === 'here' ? positionAt(state, turn.env.now) + command.to : command.to);
    case 'next':
      return next(turn, command.row);
    case 'previous':
      return previous(turn, command.mayRestart);
    case 'options': {
      const { shuffle, repeatContext, repeatTrack } = command.options;
      turn.set({
        options: { ...state.options, repeatContext: repeatContext ?? state.options.repeatContext, repeatTrack: repeatTrack ?? state.options.repeatTrack },
      });
      if (shuffle !== undefined) return shuffleTo(turn, shuffle);
      return null;
    }
    case 'enqueue':
      turn.set({ list: enqueue(state.list, command.row) });
      return null;
    case 'edit':
      turn.set({ list: applyEdit(state.list, command.rows) });
      return null;
    case 'update':
      updateContext(turn, command.context);
      return null;
    case 'sleep':
      return sleep(turn, command.after);
  }
}

/** §2.8: silence first, then idle values, then the cloud. The list is remembered for a local play. */
export function loseActive(turn: Turn): void {
  const { state } = turn;
  if (state.track && state.phase !== 'idle') turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  const position = positionAt(state, turn.env.now);
  goIdle(turn);
  turn.set({
    isActive: false,
    activeSince: 0,
    claim: null,
    sleepAt: null,
    sleepAtEnd: false,
    generation: state.generation + 1,
    anchor: { timestamp: turn.env.now, position, isMoving: false },
  });
  turn.do({ type: 'timer', name: 'sleep', delay: null }, { type: 'release' }, { type: 'inactive' });
}

export function pause(turn: Turn): void {
  const { state } = turn;
  if (state.phase === 'loading') {
    turn.set({ isPauseWanted: true });
    if (state.load?.isInDeck === true) turn.do({ type: 'deckPause' });
  } else if (state.phase === 'playing' || state.phase === 'stalled') {
    turn.anchorAt(positionAt(state, turn.env.now), false);
    turn.set({ phase: 'paused', isPauseWanted: true });
    turn.do({ type: 'deckPause' });
  }
}

function resume(turn: Turn, at: number | undefined): Refusal {
  if (at !== undefined && turn.state.phase !== 'idle') seek(turn, at);
  const { phase, load, list, anchor } = turn.state;
  switch (phase) {
    case 'playing':
    case 'stalled':
      return null;
    case 'loading':
      turn.set({ isPauseWanted: false });
      if (load?.isInDeck === true) turn.do({ type: 'deckResume' });
      return null;
    case 'paused':
    case 'idle':
      break;
  }
  if (load?.isInDeck !== true) {
    if (!currentRow(list)) return nothingLoaded;
    loadCurrent(turn, at ?? anchor.position, false);
    return null;
  }
  turn.set({ phase: 'playing', isPauseWanted: false, notice: null });
  turn.anchorAt(anchor.position, true);
  turn.do({ type: 'deckResume' });
  return null;
}

function resumeRemembered(turn: Turn, by: Origin): Refusal {
  const { state, env } = turn;
  if (!currentRow(state.list)) return nothingLoaded;
  const { position } = state.anchor;
  becomeActive(turn, by);
  turn.set({ sessionId: env.newId() });
  loadCurrent(turn, position, false);
  return null;
}

function seek(turn: Turn, wanted: number): Refusal {
  const { state } = turn;
  if (state.phase === 'idle') return nothingLoaded;
  const to = Math.max(0, state.duration > 0 ? Math.min(wanted, state.duration) : wanted);
  if (state.duration > 0 && to > state.duration - endMargin) {
    if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'finished' });
    goNext(turn, 'sought');
    return null;
  }
  turn.anchorAt(to, state.anchor.isMoving);
  if (state.load?.isInDeck === true) turn.do({ type: 'deckSeek', to });
  return null;
}

function next(turn: Turn, row: EditedRow | null): Refusal {
  const { state } = turn;
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  if (row) jumpTo(turn, row);
  else if (state.resolving === 'start') skipBeforeContext(turn);
  else goNext(turn, 'skip');
  return null;
}

/** A click on a row of what comes next: of the queue first, then of the context, else played beside it (§3.9). */
function jumpTo(turn: Turn, row: EditedRow): void {
  const { list, pick, resolving } = turn.state;
  const name = { uid: row.uid || undefined, uri: row.uri || undefined };
  const leaving = { ...list, aside: null };
  const clicked: Row = { uri: row.uri, uid: row.uid || makeUid(row.uri, 0), provider: row.provider === 'autoplay' ? 'autoplay' : 'context', metadata: row.metadata };
  const queued = takeQueued(list, name);
  const paused = isPaused(turn);
  turn.set({ list: queued ?? moveTo(leaving, name) ?? inject(leaving, clicked) });
  // The context that is still being asked for has to find its place around this row.
  const target = currentRow(turn.state.list) ?? clicked;
  if (resolving === 'start' && pick) {
    const contextUid = queued ? (pick.isQueued ? pick.contextUid : (pick.start?.uid ?? null)) : null;
    turn.set({ pick: { ...pick, start: queued ? pick.start : name, row: target, isQueued: queued !== null, contextUid, at: 0, skips: 0 } });
  }
  loadCurrent(turn, 0, paused);
}

function previous(turn: Turn, mayRestart: boolean): Refusal {
  const { state } = turn;
  if (state.phase === 'idle') return nothingLoaded;
  if (mayRestart && positionAt(state, turn.env.now) > restartAfter) return seek(turn, 0);
  const list = goBack(state.list, state.options.repeatContext);
  // At the very first row: start it again.
  if (!list) return seek(turn, 0);
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  const paused = isPaused(turn);
  turn.set({ list });
  loadCurrent(turn, 0, paused);
  return null;
}

function shuffleTo(turn: Turn, on: boolean): Refusal {
  const { state } = turn;
  const forbidden = state.list.context.restrictions['disallowTogglingShuffleReasons'] ?? [];
  if (on && forbidden.length > 0) return { kind: 'forbidden', code: 'connect/shuffle-forbidden', message: 'Spotify does not allow shuffling what plays here.' };
  turn.set({ options: { ...state.options, shuffle: on }, list: setShuffled(state.list, on, turn.env.below) });
  return null;
}

function updateContext(turn: Turn, context: ContextSource): void {
  const { list } = turn.state;
  if (context.uri !== list.context.uri) return;
  const merged = { ...list.context, restrictions: context.restrictions, metadata: { ...list.context.metadata, ...context.metadata } };
  turn.set({ list: { ...list, context: merged } });
  if (context.rows.length > 0) askAgain(turn, context);
}

/** Somebody edited the playlist that plays (§5.8). */
export function playlistModified(turn: Turn, uri: string): void {
  const { list, isActive } = turn.state;
  if (isActive && uri !== '' && uri === list.context.uri) askAgain(turn, { ...list.context, rows: [], morePages: [] });
}

function askAgain(turn: Turn, context: ContextSource): void {
  const { list, resolving } = turn.state;
  if (resolving !== null && resolving !== 'more') return;
  const generation = turn.state.generation + 1;
  const current = list.rows[list.order[list.cursor] ?? -1];
  turn.set({ generation, resolving: 'update' });
  turn.do({ type: 'resolve', generation, context, until: current ? { uid: current.uid, uri: current.uri } : null, isWhole: list.shuffled });
}

/** A context that changed while it plays: the music goes on (§5.8). */
export function refreshContext(turn: Turn, context: ResolvedContext): void {
  turn.set({ resolving: null, list: rebase(turn.state.list, listFor(context), turn.env.below) });
  turn.do({ type: 'report', reason: 'state' });
}

function sleep(turn: Turn, after: number | 'track' | null): Refusal {
  turn.do({ type: 'timer', name: 'sleep', delay: typeof after === 'number' ? after : null });
  turn.set({ sleepAt: typeof after === 'number' ? turn.env.now + after : null, sleepAtEnd: after === 'track' });
  return null;
}
