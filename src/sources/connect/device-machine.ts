import type { TonearmError } from '#foundation';
import { askOnceMore, tendAutoplay } from './device-autoplay.ts';
import { handle, pause } from './device-commands.ts';
import { askForPage, catchUp, continued, dropped, fetchAhead, page, playlistModified, resolved, stopWaiting, unresolved } from './device-context.ts';
import { endStall, failCurrent, isOfTheTrack, isWaitingForOutput, retry, retryNow, stallPatience } from './device-failures.ts';
import { leaveBehind, loseActive, mostAhead } from './device-life.ts';
import { armPrefetch, dropNext, goIdle, goNext, playFollower, prefetch, silence, startSound } from './device-loading.ts';
import { arrive } from './device-order.ts';
import { keepPlace } from './device-places.ts';
import { initialState, noFailures, positionAt, Turn, type DeviceEffect, type DeviceEnvironment, type DeviceInput, type DeviceState } from './device-state.ts';
import { noteUnavailable } from './device-unavailable.ts';
import { clearDoubt, deepenDoubt } from './device-verdict.ts';

const staleClusterWindow = 3000;
const rememberAnswers = { count: 32, for: 60_000 };
const drift = 1000;
const nearEnough = 100;
/** Drift is told at most so often (§6.4), and the state on request at most so often. */
const correctionPause = 10_000;
const requestPause = 5000;
/** Until the next track is got ready once more, after the network failed. */
const prefetchAgain = 5000;

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
  catchUp(turn);
  fetchAhead(turn);
  stopWaiting(turn);
  tendAutoplay(turn);
  settlePause(turn, state.settling);
  // What falls silent by itself was silenced by nobody, whoever did something last.
  if (!isSomebodys(input) && isSounding(state) && !isSounding(turn.state)) turn.set({ by: 'tonearm' });
  return { state: turn.state, effects: turn.effects };
}

const isSomebodys = ({ type }: DeviceInput): boolean => type === 'request' || type === 'local' || type === 'cluster' || type === 'outplayed';
const isSounding = ({ phase, isPauseWanted }: DeviceState): boolean => phase === 'playing' || phase === 'stalled' || (phase === 'loading' && !isPauseWanted);

/** Where it paused is told once, with the place that was really heard last: what a player had buffered may be heard still (§3.6). */
function settlePause(turn: Turn, before: string | null): void {
  const { settling, phase, load } = turn.state;
  if (settling !== null && phase === 'paused' && load?.id === settling) {
    turn.withhold();
    return;
  }
  if (settling !== null) turn.set({ settling: null });
  if (settling !== null || before !== null) turn.do({ type: 'timer', name: 'pause', delay: null });
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
      retryNow(turn);
      turn.do({ type: 'report', reason: 'hello' });
      return;
    case 'disconnected':
      turn.set({ isOnline: false });
      return;
    case 'cluster':
      cluster(turn, input);
      if (input.needsState === true && turn.state.isActive && turn.env.now - state.askedAt >= requestPause) {
        turn.set({ askedAt: turn.env.now });
        turn.do({ type: 'report', reason: 'state' });
      }
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
    case 'continued':
      continued(turn, input.ticket, input.context);
      return;
    case 'notContinued':
      dropped(turn, input.ticket, input.error);
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
      // What loads has a name before it can be heard.
      if (input.uri === state.load?.row.uri && !state.track) turn.set({ preview: input.track, trackMetadata: input.metadata, duration: input.track.duration });
      return;
    case 'unloadable':
    case 'failed':
      if (input.id === state.load?.id) failCurrent(turn, input.error);
      else if (input.id === state.doubt?.probe?.id) deepenDoubt(turn, state.doubt, input.error);
      else if (input.id === state.next?.id) failNext(turn, input.error);
      return;
    case 'playing':
      if (input.id !== state.load?.id) return;
      turn.do({ type: 'timer', name: 'follow', delay: null }, { type: 'timer', name: 'stall', delay: null });
      // An output that failed is tried again by the deck, until somebody presses pause.
      if (state.isPauseWanted && !isWaitingForOutput(state)) return;
      turn.set({ phase: 'playing', isPauseWanted: false, failures: noFailures });
      turn.clearNotice();
      turn.anchorAt(input.position, true);
      turn.do({ type: 'report', reason: 'state' });
      return;
    case 'paused':
      if (input.id !== state.load?.id) return;
      turn.do({ type: 'timer', name: 'follow', delay: null });
      if (!state.isPauseWanted) return;
      // It took so long that the place was told already.
      if (state.phase === 'paused' && state.settling === null && Math.abs(state.anchor.position - input.position) <= nearEnough) return;
      turn.set({ phase: 'paused', settling: null });
      turn.anchorAt(input.position, false);
      if (state.phase === 'loading') {
        turn.set({ failures: noFailures });
        turn.clearNotice();
      }
      turn.do({ type: 'report', reason: 'state' });
      return;
    case 'stalled':
      if (input.id !== state.load?.id || state.phase !== 'playing') return;
      turn.set({ phase: 'stalled', failures: { ...state.failures, since: state.failures.since ?? turn.env.now } });
      turn.anchorAt(input.position, false);
      turn.do({ type: 'timer', name: 'stall', delay: stallPatience }, { type: 'report', reason: 'state' });
      return;
    case 'moved':
      if (input.id !== state.load?.id || state.phase !== 'playing') return;
      if (Math.abs(positionAt(state, turn.env.now) - input.position) <= drift) return;
      turn.anchorAt(input.position, true);
      if (turn.env.now - state.correctedAt < correctionPause) return;
      turn.set({ correctedAt: turn.env.now });
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
      else if (input.timer === 'autoplay') askOnceMore(turn);
      else if (input.timer === 'skip') arrive(turn);
      else if (input.timer === 'page') askForPage(turn);
      else if (input.timer === 'stall') endStall(turn);
      else if (input.timer === 'pause') {
        if (state.settling === null) return;
        turn.set({ settling: null });
        turn.do({ type: 'report', reason: 'state' });
      }
      else if (state.sleepAt !== null) {
        turn.set({ sleepAt: null });
        pause(turn);
        turn.do({ type: 'report', reason: 'state' });
      }
      return;
    case 'disallowed':
      turn.set({ notice: { code: input.error.code, message: input.error.message } });
      turn.do({ type: 'trouble', error: input.error });
      return;
    case 'filtered':
      filtered(turn);
      return;
    case 'outplayed':
      if (state.isActive) loseActive(turn);
      return;
    case 'loggedOut':
      if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
      goIdle(turn);
      turn.set({ ...initialState(state.sessionId, turn.env.now), generation: state.generation + 1 });
      for (const name of ['sleep', 'autoplay', 'skip', 'page'] as const) turn.do({ type: 'timer', name, delay: null });
      turn.do({ type: 'release' });
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

function cluster(turn: Turn, { activeDevice, isAnswer = false, startedAt = 0 }: Extract<DeviceInput, { type: 'cluster' }>): void {
  const { state, env } = turn;
  const { claim } = state;
  // It takes our state again.
  if (isAnswer && state.notice?.code === 'spotify/not-allowed') turn.set({ notice: null });
  if (!state.isActive) {
    turn.set({ activeDevice, activeDeviceSince: startedAt });
    if (activeDevice !== '' && activeDevice !== env.deviceId) leaveBehind(turn);
    return;
  }
  if (activeDevice === env.deviceId) {
    turn.set({ activeDevice, claim: claim && { ...claim, isConfirmed: true } });
    return;
  }
  const isMaybeLate = claim !== null && env.now - claim.at < staleClusterWindow && (activeDevice === '' || claim.before.includes(activeDevice));
  if (isMaybeLate && !(claim.isConfirmed && isAnswer)) {
    // Late, or taken back at once: the answer to a report knows. After a reconnect it is said once more whose playback it is.
    const isForgotten = activeDevice === '' && claim.before.length === 0 && claim.isRepeated !== true;
    if (isForgotten) turn.set({ claim: { ...claim, isRepeated: true } });
    if (claim.isConfirmed || isForgotten) turn.do({ type: 'report', reason: 'state' });
    // The answer to our claim, and by a clock that is ahead theirs is the later one: once more, later still.
    else if (isAnswer && startedAt >= state.activeSince && startedAt - env.now < mostAhead && claim.isRepeated !== true) {
      turn.set({ activeSince: startedAt + 1, claim: { ...claim, isRepeated: true } });
      turn.do({ type: 'report', reason: 'claim' });
    }
    return;
  }
  turn.set({ activeDevice, activeDeviceSince: startedAt, by: 'phone' });
  loseActive(turn);
  if (activeDevice !== '') leaveBehind(turn);
}

function loaded(turn: Turn, input: Extract<DeviceInput, { type: 'loaded' }>): void {
  const { load, next, doubt } = turn.state;
  const { id, track, metadata, at = 0 } = input;
  if (doubt && doubt.probe?.id === id) {
    clearDoubt(turn, doubt, input);
    return;
  }
  if (next?.id !== id && load?.id !== id) return;
  turn.set({ keys: 'granted' });
  if (next?.id === id) {
    turn.set({ next: { ...next, loaded: { track, metadata, at } } });
    // What is to begin in its middle cannot follow without a word.
    if (at === 0) turn.do({ type: 'deckFollow', id });
    return;
  }
  startSound(turn, { track, metadata, at });
  turn.do({ type: 'report', reason: 'state' });
}

function ended(turn: Turn): void {
  const { state } = turn;
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'finished' });
  keepPlace(turn, 'finished');
  if (state.sleepAtEnd) {
    // Silence at the end of this track, not at the beginning of the next (§6.6).
    silence(turn);
    turn.set({ sleepAtEnd: false, phase: 'paused', isPauseWanted: true });
    turn.anchorAt(state.duration, false);
    turn.do({ type: 'report', reason: 'state' });
    return;
  }
  goNext(turn, 'ended');
}

/** What was prepared cannot be had. One that never can is passed over right away, so that the one after it can follow without a gap. */
function failNext(turn: Turn, error: TonearmError): void {
  const { next } = turn.state;
  turn.do({ type: 'forget', id: next?.id ?? '' });
  turn.set({ next: null });
  // The network's fault: there may still be time before the end.
  if (next && turn.state.phase === 'playing' && (error.kind === 'unavailable' || error.kind === 'timeout')) {
    turn.do({ type: 'timer', name: 'prefetch', delay: Math.max(error.retryAfter ?? 0, prefetchAgain) });
  }
  if (!next || !isOfTheTrack(error) || error.code === 'spotify/key-refused' || turn.state.options.repeatTrack) return;
  noteUnavailable(turn, next.row.uri, error);
  turn.do({ type: 'trouble', error }, { type: 'report', reason: 'state' });
  armPrefetch(turn);
}

/** Explicit items are left out from now on: also the one that plays (§6.7). */
function filtered(turn: Turn): void {
  const { track, next, phase } = turn.state;
  turn.set({ foreseen: null });
  if (next?.loaded?.track.explicit === true) dropNext(turn);
  if (track?.explicit !== true || phase === 'idle') return;
  turn.do({ type: 'trackEnded', track, reason: 'skipped' });
  goNext(turn, 'unplayable');
}

