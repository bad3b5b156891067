import type { Origin } from '#core';
import { currentRow } from './context/track-list.ts';
import { adopt } from './device-carrying.ts';
import { updateContext } from './device-context.ts';
import { isWaitingForOutput, soundPatience, stallPatience } from './device-failures.ts';
import { becomeActive, loseActive } from './device-life.ts';
import { goNext, loadCurrent } from './device-loading.ts';
import { back, edit, next, queueUp, setOptions } from './device-order.ts';
import { keepPlace } from './device-places.ts';
import { play, transfer } from './device-starting.ts';
import { positionAt, type DeviceCommand, type Refusal, type Turn } from './device-state.ts';

const restartAfter = 3000;
const endMargin = 500;
/** So long the deck may take to say where it paused before the cloud is told what we think. */
const pausePatience = 150;

const notActive: Refusal = { kind: 'conflict', code: 'connect/not-active', message: 'This speaker is not playing: pick it in the Spotify app, or send something to play.' };
const nothingLoaded: Refusal = { kind: 'conflict', code: 'connect/nothing-loaded', message: 'There is nothing to play yet: pick something in the Spotify app, or send a Spotify link.' };

/** Applies one command (connect-control.md §3). The synchronous part only: what takes time becomes effects. */
export function handle(turn: Turn, command: DeviceCommand, by: Origin): Refusal {
  const { state } = turn;
  const isLocal = by !== 'phone';
  if (command.kind === 'play') return play(turn, command, by);
  if (command.kind === 'transfer') return transfer(turn, command, by);
  if (command.kind === 'adopt') return adopt(turn, command.playback, by);
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
    case 'options':
      return setOptions(turn, command.options);
    case 'enqueue':
      return queueUp(turn, command.row);
    case 'edit':
      edit(turn, command.rows);
      return null;
    case 'update':
      updateContext(turn, command.context);
      return null;
    case 'sleep':
      return sleep(turn, command.after);
  }
}

export function pause(turn: Turn): void {
  const { state } = turn;
  turn.do({ type: 'timer', name: 'stall', delay: null });
  if (state.phase === 'loading') {
    turn.set({ isPauseWanted: true });
    if (state.load?.isInDeck === true) turn.do({ type: 'deckPause' });
  } else if (state.phase === 'playing' || state.phase === 'stalled') {
    turn.anchorAt(positionAt(state, turn.env.now), false);
    turn.set({ phase: 'paused', isPauseWanted: true });
    turn.do({ type: 'deckPause' });
    if (state.phase === 'playing' && state.load) {
      turn.set({ settling: state.load.id });
      turn.do({ type: 'timer', name: 'pause', delay: pausePatience });
    }
    keepPlace(turn, 'left');
  } else if (isWaitingForOutput(state)) {
    // Nobody waits any more.
    turn.clearNotice();
    turn.do({ type: 'deckPause' });
  }
}

function resume(turn: Turn, at: number | undefined): Refusal {
  if (at !== undefined && turn.state.phase !== 'idle') seek(turn, at);
  const { phase, load, list, anchor, duration, failures } = turn.state;
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
    if (duration > 0 && anchor.position >= duration && at === undefined) {
      // It ended, and somebody had asked for silence then.
      turn.set({ phase: 'loading', isPauseWanted: false });
      goNext(turn, 'ended');
      return null;
    }
    loadCurrent(turn, at ?? anchor.position, false);
    return null;
  }
  // What had stalled before the pause has not come yet.
  const isStalled = failures.since !== null;
  turn.set({ phase: isStalled ? 'stalled' : 'playing', isPauseWanted: false });
  turn.clearNotice();
  turn.anchorAt(anchor.position, !isStalled);
  turn.do({ type: 'deckResume' }, { type: 'timer', name: 'stall', delay: isStalled ? stallPatience : soundPatience });
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
    keepPlace(turn, 'finished');
    goNext(turn, 'sought');
    return null;
  }
  turn.anchorAt(to, state.anchor.isMoving);
  if (state.load?.resumes === true) turn.set({ load: { ...state.load, resumes: false } });
  if (state.load?.isInDeck === true) {
    turn.do({ type: 'deckSeek', to });
    if (state.phase === 'playing') turn.do({ type: 'timer', name: 'stall', delay: soundPatience });
  }
  return null;
}

function previous(turn: Turn, mayRestart: boolean): Refusal {
  if (turn.state.phase === 'idle') return nothingLoaded;
  if (mayRestart && positionAt(turn.state, turn.env.now) > restartAfter) return seek(turn, 0);
  // At the very first row: start it again.
  return back(turn) ? null : seek(turn, 0);
}

function sleep(turn: Turn, after: number | 'track' | null): Refusal {
  turn.do({ type: 'timer', name: 'sleep', delay: typeof after === 'number' ? after : null });
  turn.set({ sleepAt: typeof after === 'number' ? turn.env.now + after : null, sleepAtEnd: after === 'track' });
  return null;
}
