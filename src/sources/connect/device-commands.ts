import type { Origin } from '#core';
import type { ErrorKind } from '#foundation';
import { isLoadable, type Row } from './context/row.ts';
import {
  applyEdit, currentRow, emptyList, enqueue, goBack, inject, moveTo, rebase, setShuffled, takeQueued, toStart, type EditedRow, type TrackList,
} from './context/track-list.ts';
import { goIdle, goNext, isPaused, loadCurrent, obeyRestrictions, silence } from './device-loading.ts';
import { extrapolate, positionAt, type ContextSource, type DeviceCommand, type ResolvedContext, type Turn } from './device-state.ts';

/** Null: accepted and applied. Otherwise why not. */
export type Refusal = { readonly kind: ErrorKind; readonly code: string; readonly message: string } | null;

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

/** From inactive to active; what was active before may show up once more in a late cluster. */
export function becomeActive(turn: Turn, by: Origin): void {
  const { state, env } = turn;
  turn.set({ by, notice: null });
  if (!state.isActive) turn.set({ isActive: true, activeSince: env.now, claim: { at: env.now, before: state.activeDevice } });
  turn.do({ type: 'claim', by });
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

function play(turn: Turn, command: Extract<DeviceCommand, { kind: 'play' }>, by: Origin): Refusal {
  const { state, env } = turn;
  const { context, start } = command;
  if (!canPlay(context)) return unknownContext(context.uri);
  const before = remember(turn);
  const isTakeover = !state.isActive;
  const shuffle = command.options?.shuffle ?? state.options.shuffle;
  becomeActive(turn, by);
  turn.set({
    origin: command.origin,
    suppressions: command.suppressions,
    sessionId: env.newId(),
    options: { ...state.options, ...command.options },
    sleepAtEnd: false,
    failures: { inRow: 0, retries: 0, keys: state.failures.keys },
  });
  const known = givenRow(context, start) ?? namedRow(context, start) ?? (start === null && !shuffle ? firstGiven(context) : null);
  const list: TrackList = { ...listFor(context), queue: state.list.queue, queueCounter: state.list.queueCounter };
  begin(turn, { list, known, start: start ?? (known ? { uid: known.uid, uri: known.uri } : null), at: command.at ?? 0, paused: command.paused, isQueued: false, contextUid: null, isTakeover, before });
  return null;
}

function transfer(turn: Turn, command: Extract<DeviceCommand, { kind: 'transfer' }>, by: Origin): Refusal {
  const { env } = turn;
  const { from } = command;
  if (!from) {
    becomeActive(turn, by);
    return null;
  }
  if (!from.track && !canPlay(from.context)) return unknownContext(from.context.uri);
  const before = remember(turn);
  const isTakeover = !turn.state.isActive;
  becomeActive(turn, by);
  turn.set({
    origin: from.origin,
    suppressions: from.suppressions,
    sessionId: from.sessionId ?? env.newId(),
    options: from.options,
    sleepAtEnd: false,
    failures: { inRow: 0, retries: 0, keys: turn.state.failures.keys },
  });
  let list = listFor(from.context);
  for (const row of from.queue) list = enqueue(list, row);
  const at = from.track ? extrapolate(from.position, from.timestamp, from.wasPaused, env.now) : 0;
  const known = from.track;
  begin(turn, {
    list,
    known,
    start: known ? { uid: known.uid, uri: known.uri } : null,
    at,
    paused: from.paused,
    isQueued: from.isQueued,
    contextUid: from.contextUid,
    isTakeover,
    before,
  });
  return null;
}

interface Beginning {
  readonly list: TrackList;
  readonly known: Row | null;
  readonly start: NonNullable<Turn['state']['pick']>['start'];
  readonly at: number;
  readonly paused: boolean;
  readonly isQueued: boolean;
  readonly contextUid: string | null;
  /** Playback comes from elsewhere: the cloud is told at once. */
  readonly isTakeover: boolean;
  readonly before: NonNullable<Turn['state']['pick']>['before'];
}

/**
 * A row that is known already loads while its context is being resolved: the two answers do not wait for each other.
 */
function begin(turn: Turn, { list, known, start, at, paused, isQueued, contextUid, isTakeover, before }: Beginning): void {
  const generation = turn.state.generation + 1;
  if (turn.state.track && turn.state.phase !== 'idle') turn.do({ type: 'trackEnded', track: turn.state.track, reason: 'skipped' });
  silence(turn);
  const row = known && isLoadable(known) ? known : null;
  turn.set({ list: row ? { ...list, aside: { row, from: isQueued ? 'queue' : 'injected' } } : list, generation, resolving: 'start' });
  turn.set({ pick: { start, row, isQueued, contextUid, at, before } });
  if (row) loadCurrent(turn, at, paused);
  else {
    turn.set({ phase: 'loading', isPauseWanted: paused, track: null, trackMetadata: {}, duration: 0 });
    turn.anchorAt(at, false);
  }
  const context: ContextSource = { ...list.context, rows: list.rows, morePages: list.morePages };
  turn.do(
    { type: 'report', reason: isTakeover ? 'claim' : 'state' },
    { type: 'resolve', generation, context, until: isQueued ? (contextUid ? { uid: contextUid } : null) : start, isWhole: turn.state.options.shuffle },
  );
}

/** The context of a play or transfer is here: put the cursor where it belongs, keep the load when it is the right one. */
export function placeContext(turn: Turn, context: ResolvedContext): void {
  const { pick, list: old } = turn.state;
  turn.set({ resolving: null, pick: null });
  obeyRestrictions(turn, context);
  const { options } = turn.state;
  const base: TrackList = { ...listFor(context), queue: old.queue, queueCounter: old.queueCounter };
  let list: TrackList;
  if (pick?.isQueued === true && pick.row) {
    const placed = pick.contextUid ? moveTo(base, { uid: pick.contextUid }) : null;
    const shuffled = setShuffled(placed ?? base, options.shuffle, turn.env.below);
    list = { ...shuffled, cursor: Math.max(shuffled.cursor - 1, -1), aside: { row: pick.row, from: 'queue' } };
  } else if (pick?.start) {
    const placed = moveTo(base, pick.start);
    if (placed) list = setShuffled(placed, options.shuffle, turn.env.below);
    else if (pick.row) list = inject(setShuffled(base, options.shuffle, turn.env.below), pick.row);
    else list = toStart(setShuffled(base, options.shuffle, turn.env.below)) ?? base;
  } else {
    const shuffled = setShuffled(base, options.shuffle, turn.env.below);
    list = toStart(shuffled) ?? shuffled;
  }
  const row = currentRow(list);
  const { load } = turn.state;
  turn.set({ list });
  if (row && load?.row.uri === row.uri) {
    turn.set({ load: { ...load, row } });
    turn.do({ type: 'report', reason: 'state' });
  } else if (row) loadCurrent(turn, pick?.at ?? 0, turn.state.isPauseWanted);
  else loseTrack(turn, pick?.before ?? null);
}

/** The context could not be had (§3.5): a known row plays on alone, else back to what was loaded before. */
export function loseTrack(turn: Turn, before: Beginning['before']): void {
  turn.set({ resolving: null, pick: null });
  if (turn.state.load) {
    turn.do({ type: 'report', reason: 'state' });
    return;
  }
  if (before && currentRow(before.list)) {
    turn.set({ list: before.list, track: before.track, phase: 'paused', isPauseWanted: true, duration: before.track?.duration ?? 0 });
    turn.anchorAt(before.position, false);
  } else goIdle(turn);
  turn.do({ type: 'report', reason: 'state' });
}

function remember(turn: Turn): Beginning['before'] {
  const { state } = turn;
  return state.isActive && state.track ? { list: state.list, position: positionAt(state, turn.env.now), track: state.track } : null;
}

function listFor(context: ContextSource): TrackList {
  const { uri, url, metadata, restrictions, rows, morePages } = context;
  return { ...emptyList(uri, url), context: { uri, url, metadata, restrictions }, rows, order: rows.map((_, index) => index), morePages };
}

function givenRow(context: ContextSource, start: Beginning['start']): Row | null {
  if (!start) return null;
  const { uid, uri, index } = start;
  const byName = context.rows.find((row) => (uid ? row.uid === uid : uri ? row.uri === uri : false));
  return byName ?? (!uid && !uri && index !== undefined ? (context.rows[index] ?? null) : null);
}

function namedRow(context: ContextSource, start: Beginning['start']): Row | null {
  const uri = start?.uri ?? (/^spotify:(track|episode):/.test(context.uri) ? context.uri : undefined);
  return uri ? { uri, uid: start?.uid ?? '', provider: 'context', metadata: {} } : null;
}

const firstGiven = (context: ContextSource): Row | null => context.rows.find(isLoadable) ?? null;

/** Refused before the reply, because an early “yes” cannot be taken back (§10.3). */
function canPlay(context: ContextSource): boolean {
  if (context.rows.length > 0 || context.morePages.length > 0) return true;
  return /^spotify:(?!local|internal|search\b)[a-z-]+:[^\s]+$/.test(context.uri) || context.url.startsWith('hm://');
}

const unknownContext = (uri: string): Refusal => ({
  kind: 'invalid',
  code: 'connect/unknown-context',
  message: `“${uri}” is not something Spotify plays from. Use a track, album, artist, playlist or show.`,
});

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
  const { state } = turn;
  const position = at ?? state.anchor.position;
  if (at !== undefined && state.phase === 'playing') return seek(turn, at);
  if (state.phase === 'loading') {
    turn.set({ isPauseWanted: false });
    if (state.load?.isInDeck === true) turn.do({ type: 'deckResume' });
    return null;
  }
  if (state.phase !== 'paused') return state.phase === 'idle' ? nothingLoaded : null;
  turn.set({ notice: null });
  if (state.load?.isInDeck === true) {
    if (at !== undefined) turn.do({ type: 'deckSeek', to: at });
    turn.set({ phase: 'playing', isPauseWanted: false });
    turn.anchorAt(position, true);
    turn.do({ type: 'deckResume' });
    return null;
  }
  if (!currentRow(state.list)) return nothingLoaded;
  loadCurrent(turn, position, false);
  return null;
}

function resumeRemembered(turn: Turn, by: Origin): Refusal {
  const { state, env } = turn;
  if (!currentRow(state.list)) return nothingLoaded;
  const { position } = state.anchor;
  becomeActive(turn, by);
  turn.set({ sessionId: env.newId() });
  loadCurrent(turn, position, false);
  turn.do({ type: 'report', reason: 'claim' });
  return null;
}

function seek(turn: Turn, wanted: number): Refusal {
  const { state } = turn;
  if (state.phase === 'idle') return nothingLoaded;
  const to = Math.max(0, state.duration > 0 ? Math.min(wanted, state.duration) : wanted);
  if (state.duration > 0 && to > state.duration - endMargin) {
    if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'finished' });
    goNext(turn, 'ended');
    return null;
  }
  turn.anchorAt(to, state.anchor.isMoving);
  if (state.load?.isInDeck === true) turn.do({ type: 'deckSeek', to });
  return null;
}

function next(turn: Turn, row: EditedRow | null): Refusal {
  const { state } = turn;
  if (state.track) turn.do({ type: 'trackEnded', track: state.track, reason: 'skipped' });
  if (!row) {
    goNext(turn, 'skip');
    return null;
  }
  const name = { uid: row.uid || undefined, uri: row.uri || undefined };
  const leaving = { ...state.list, aside: null };
  const clicked: Row = { uri: row.uri, uid: row.uid, provider: row.provider === 'autoplay' ? 'autoplay' : 'context', metadata: row.metadata };
  const list = takeQueued(state.list, name) ?? moveTo(leaving, name) ?? inject(leaving, clicked);
  const paused = isPaused(turn);
  turn.set({ list });
  loadCurrent(turn, 0, paused);
  return null;
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
  const { state } = turn;
  if (context.uri !== state.list.context.uri) return;
  const merged = { ...state.list.context, restrictions: context.restrictions, metadata: { ...state.list.context.metadata, ...context.metadata } };
  turn.set({ list: { ...state.list, context: merged } });
  if (context.rows.length === 0) return;
  const generation = state.generation + 1;
  if (state.resolving !== null) return;
  turn.set({ generation, resolving: 'update' });
  turn.do({ type: 'resolve', generation, context, until: null, isWhole: state.list.shuffled });
}

/** A context that changed while it plays: the music goes on (§5.8). */
export function refreshContext(turn: Turn, context: ResolvedContext): void {
  turn.set({ resolving: null, list: rebase(turn.state.list, listFor(context), turn.env.below) });
}

function sleep(turn: Turn, after: number | 'track' | null): Refusal {
  turn.do({ type: 'timer', name: 'sleep', delay: typeof after === 'number' ? after : null });
  turn.set({ sleepAt: typeof after === 'number' ? turn.env.now + after : null, sleepAtEnd: after === 'track' });
  return null;
}
