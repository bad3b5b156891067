import type { Origin } from '#core';
import { isResolvable } from './context/kind.ts';
import { isLoadable, makeUid, type Row } from './context/row.ts';
import { isFetchable } from './context/rows.ts';
import { setShuffled } from './context/order.ts';
import { inject, moveTo, type RowName } from './context/places.ts';
import { enqueue } from './context/queue.ts';
import { advance, currentRow, emptyList, toStart, type RandomBelow, type TrackList } from './context/track-list.ts';
import { forgetAutoplay } from './device-autoplay.ts';
import { becomeActive, leaveBehind } from './device-life.ts';
import { goIdle, goNext, loadCurrent, nothingPlayable, obeyRestrictions, silence } from './device-loading.ts';
import { extrapolate, noFailures, positionAt, type ContextSource, type DeviceCommand, type Refusal, type ResolvedContext, type Turn } from './device-state.ts';

export function play(turn: Turn, command: Extract<DeviceCommand, { kind: 'play' }>, by: Origin): Refusal {
  const { env } = turn;
  const { context, start } = command;
  if (!canPlay(context) && !start?.uri) return unknownContext(context.uri);
  const before = remember(turn);
  // Queue and options stay for as long as the playback is ours (§3.5), and no longer.
  if (!turn.state.isActive) leaveBehind(turn);
  const { list: old, options } = turn.state;
  const shuffle = command.options?.shuffle ?? options.shuffle;
  becomeActive(turn, by);
  turn.set({
    origin: command.origin,
    suppressions: command.suppressions,
    sessionId: env.newId(),
    options: { ...options, ...command.options },
    sleepAtEnd: false,
    failures: noFailures,
  });
  const known = givenRow(context, start) ?? namedRow(context, start) ?? (start === null && !shuffle ? firstGiven(context) : null);
  const list: TrackList = { ...listFor(context), queue: old.queue, queueCounter: old.queueCounter };
  begin(turn, { list, known, start: start ?? (known ? { uid: known.uid, uri: known.uri } : null), at: command.at ?? 0, resumes: !command.at, paused: command.paused, isQueued: false, contextUid: null, before });
  return null;
}

export function transfer(turn: Turn, command: Extract<DeviceCommand, { kind: 'transfer' }>, by: Origin): Refusal {
  const { env } = turn;
  const { from } = command;
  if (!from) {
    becomeActive(turn, by);
    return null;
  }
  if (!from.track && !canPlay(from.context)) return unknownContext(from.context.uri);
  const before = remember(turn);
  becomeActive(turn, by);
  turn.set({
    origin: from.origin,
    suppressions: from.suppressions,
    sessionId: from.sessionId ?? env.newId(),
    options: from.options,
    sleepAtEnd: false,
    failures: noFailures,
  });
  let list = listFor(from.context);
  // Uids count on above that of the queued row that plays.
  if (from.isQueued && from.track) list = { ...enqueue(list, from.track), queue: [] };
  for (const row of from.queue) list = enqueue(list, row);
  const at = from.track ? extrapolate(from.position, from.timestamp, from.wasPaused, env.now) : 0;
  const known = from.track;
  begin(turn, {
    list,
    known,
    start: known ? { uid: known.uid, uri: known.uri } : null,
    at,
    resumes: false,
    paused: from.paused,
    isQueued: from.isQueued,
    contextUid: from.contextUid,
    before,
  });
  return null;
}

interface Beginning {
  readonly list: TrackList;
  readonly known: Row | null;
  readonly start: NonNullable<Turn['state']['pick']>['start'];
  readonly at: number;
  /** No place was named: an episode starts where the listener stopped (§7.3). */
  readonly resumes: boolean;
  readonly paused: boolean;
  readonly isQueued: boolean;
  readonly contextUid: string | null;
  readonly before: NonNullable<Turn['state']['pick']>['before'];
}

/**
 * A row that is known already loads while its context is being resolved: the two answers do not wait for each other.
 */
function begin(turn: Turn, { list, known, start, at, resumes, paused, isQueued, contextUid, before }: Beginning): void {
  const generation = turn.state.generation + 1;
  if (turn.state.track && turn.state.phase !== 'idle') turn.do({ type: 'trackEnded', track: turn.state.track, reason: 'skipped' });
  silence(turn);
  forgetAutoplay(turn);
  const row = known && isLoadable(known) ? known : null;
  turn.set({ list: row ? { ...list, aside: { row, from: isQueued ? 'queue' : 'injected' } } : list, generation, resolving: 'start', emptyPages: 0, pageTries: 0 });
  turn.set({ pick: { start, row, isQueued, contextUid, at, resumes, skips: 0, before } });
  if (row) loadCurrent(turn, at, paused, resumes ? 'remembered' : 'here');
  else {
    turn.set({ phase: 'loading', isPauseWanted: paused, track: null, preview: null, trackMetadata: {}, duration: 0 });
    turn.anchorAt(at, false);
  }
  const context: ContextSource = { ...list.context, rows: list.rows, morePages: list.morePages };
  turn.do(
    { type: 'report', reason: 'state' },
    { type: 'resolve', generation, context, until: isQueued ? (contextUid ? { uid: contextUid } : null) : withoutMadeUid(start), isWhole: false, isAnew: false },
  );
}

/** A uid that we made ourselves is nowhere to be found in a context that has its own. */
function withoutMadeUid(name: RowName | null): RowName | null {
  return name?.uri && name.uid === makeUid(name.uri, 0) ? { ...name, uid: undefined } : name;
}

/** The context of a play or transfer is here: put the cursor where it belongs, keep the load when it is the right one. */
export function placeContext(turn: Turn, resolved: ResolvedContext): void {
  const { pick, list: old } = turn.state;
  const context = withUpdates(resolved, old.context);
  turn.set({ resolving: null, pick: null });
  obeyRestrictions(turn, context);
  const { options } = turn.state;
  let list = place({ ...listFor(context), queue: old.queue, queueCounter: old.queueCounter }, pick, options.shuffle, turn.env.below);
  const chosen = currentRow(list);
  // Named, but no track: a local file, an advertisement. The music begins behind it.
  const isOdd = chosen !== null && !isLoadable(chosen);
  for (let skips = (pick?.skips ?? 0) + (isOdd ? 1 : 0); skips > 0; skips--) {
    const onward = advance(list, options.repeatContext);
    if (onward.end !== null) {
      turn.set({ list });
      goNext(turn, 'unplayable');
      return;
    }
    list = onward.list;
  }
  const row = currentRow(list);
  const { load } = turn.state;
  turn.set({ list });
  if (row && load?.row.uri === row.uri) {
    turn.set({ load: { ...load, row } });
    turn.do({ type: 'report', reason: 'state' });
  } else if (row) {
    const at = isOdd ? 0 : load || !pick ? (pick?.at ?? 0) : turn.state.anchor.position;
    loadCurrent(turn, at, turn.state.isPauseWanted, pick?.resumes === true ? 'remembered' : 'here');
  } else {
    const error = nothingPlayable();
    turn.set({ notice: { code: error.code, message: error.message } });
    turn.do({ type: 'trouble', error });
    loseTrack(turn, pick?.before ?? null);
  }
}

/** What a controller said of the context while it was being asked for stays said. */
function withUpdates(resolved: ResolvedContext, said: TrackList['context']): ResolvedContext {
  if (said.uri !== resolved.uri) return resolved;
  return { ...resolved, metadata: { ...resolved.metadata, ...said.metadata }, restrictions: { ...resolved.restrictions, ...said.restrictions } };
}

/** The chosen row first, then the shuffle, so that it stays the chosen one (§3.5). A row that is not there plays in front. */
function place(base: TrackList, pick: Turn['state']['pick'], shuffle: boolean, below: RandomBelow): TrackList {
  const shuffled = (list: TrackList) => setShuffled(list, shuffle, below);
  if (pick?.isQueued === true && pick.row) {
    const placed = shuffled((pick.contextUid ? moveTo(base, { uid: pick.contextUid }) : null) ?? base);
    return { ...placed, cursor: Math.max(placed.cursor - 1, -1), aside: { row: pick.row, from: 'queue' } };
  }
  const placed = pick?.start ? moveTo(base, pick.start) : null;
  if (placed) return shuffled(placed);
  if (pick?.start && pick.row) return inject(shuffled(base), pick.row);
  return toStart(shuffled(base)) ?? shuffled(base);
}

/** The context could not be had (§3.5): a known row plays on alone, else back to what was loaded before. */
export function loseTrack(turn: Turn, before: Beginning['before']): void {
  turn.set({ resolving: null, pick: null });
  if (turn.state.load) {
    turn.do({ type: 'report', reason: 'state' });
    return;
  }
  if (before && currentRow(before.list)) {
    turn.set({ list: before.list, track: before.track, preview: null, phase: 'paused', isPauseWanted: true, duration: before.track?.duration ?? 0 });
    turn.anchorAt(before.position, false);
  } else goIdle(turn);
  turn.do({ type: 'report', reason: 'state' });
}

function remember(turn: Turn): Beginning['before'] {
  const { state } = turn;
  if (!state.isActive) return null;
  return state.track ? { list: state.list, position: positionAt(state, turn.env.now), track: state.track } : (state.pick?.before ?? null);
}

export function listFor(context: ContextSource): TrackList {
  const { uri, url, metadata, restrictions, rows, morePages } = context;
  return { ...emptyList(uri, url), context: { uri, url, metadata, restrictions }, rows, order: rows.map((_, index) => index), morePages };
}

function givenRow(context: ContextSource, start: Beginning['start']): Row | null {
  if (!start) return null;
  const { uid, uri, index, page } = start;
  const byName = context.rows.find((row) => (uid ? row.uid === uid : uri ? row.uri === uri : false));
  if (byName || uid || uri || index === undefined) return byName ?? null;
  return (page === undefined ? context.rows[index] : context.rows.find((row) => row.index?.page === page && row.index.track === index)) ?? null;
}

function namedRow(context: ContextSource, start: Beginning['start']): Row | null {
  const uri = start?.uri ?? (/^spotify:(track|episode):/.test(context.uri) ? context.uri : undefined);
  return uri ? { uri, uid: start?.uid || makeUid(uri, 0), provider: 'context', metadata: {} } : null;
}

const firstGiven = (context: ContextSource): Row | null => context.rows.find(isLoadable) ?? null;

/** Refused before the reply, because an early “yes” cannot be taken back (§10.3). */
function canPlay(context: ContextSource): boolean {
  return context.rows.some(isLoadable) || context.morePages.length > 0 || isResolvable(context.uri) || isFetchable(context.url);
}

const unknownContext = (uri: string): Refusal => ({
  kind: 'invalid',
  code: 'connect/unknown-context',
  message: `“${uri}” is not something Spotify plays from. Use a track, album, artist, playlist or show.`,
});

