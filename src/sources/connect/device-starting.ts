import type { Origin } from '#core';
import { isLoadable, makeUid, type Row } from './context/row.ts';
import { advance, currentRow, emptyList, enqueue, inject, moveTo, setShuffled, toStart, type TrackList } from './context/track-list.ts';
import { goIdle, goNext, loadCurrent, obeyRestrictions, silence } from './device-loading.ts';
import { extrapolate, positionAt, type ContextSource, type DeviceCommand, type Refusal, type ResolvedContext, type Turn } from './device-state.ts';

/** From inactive to active, which the cloud is told at once; what was active before may show up once more in a late cluster. */
export function becomeActive(turn: Turn, by: Origin): void {
  const { state, env } = turn;
  turn.set({ by, notice: null });
  turn.do({ type: 'claim', by });
  if (state.isActive) return;
  // A picture of whoever commands may be on its way still, too.
  const before = by === 'phone' && state.lastCommand ? [state.activeDevice, state.lastCommand.sentBy] : [state.activeDevice];
  turn.set({ isActive: true, activeSince: env.now, claim: { at: env.now, before, isConfirmed: false } });
  turn.do({ type: 'report', reason: 'claim' });
}

export function play(turn: Turn, command: Extract<DeviceCommand, { kind: 'play' }>, by: Origin): Refusal {
  const { state, env } = turn;
  const { context, start } = command;
  if (!canPlay(context) && !start?.uri) return unknownContext(context.uri);
  const before = remember(turn);
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
  begin(turn, { list, known, start: start ?? (known ? { uid: known.uid, uri: known.uri } : null), at: command.at ?? 0, paused: command.paused, isQueued: false, contextUid: null, before });
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
    failures: { inRow: 0, retries: 0, keys: turn.state.failures.keys },
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
  readonly paused: boolean;
  readonly isQueued: boolean;
  readonly contextUid: string | null;
  readonly before: NonNullable<Turn['state']['pick']>['before'];
}

/**
 * A row that is known already loads while its context is being resolved: the two answers do not wait for each other.
 */
function begin(turn: Turn, { list, known, start, at, paused, isQueued, contextUid, before }: Beginning): void {
  const generation = turn.state.generation + 1;
  if (turn.state.track && turn.state.phase !== 'idle') turn.do({ type: 'trackEnded', track: turn.state.track, reason: 'skipped' });
  silence(turn);
  const row = known && isLoadable(known) ? known : null;
  turn.set({ list: row ? { ...list, aside: { row, from: isQueued ? 'queue' : 'injected' } } : list, generation, resolving: 'start' });
  turn.set({ pick: { start, row, isQueued, contextUid, at, skips: 0, before } });
  if (row) loadCurrent(turn, at, paused);
  else {
    turn.set({ phase: 'loading', isPauseWanted: paused, track: null, preview: null, trackMetadata: {}, duration: 0 });
    turn.anchorAt(at, false);
  }
  const context: ContextSource = { ...list.context, rows: list.rows, morePages: list.morePages };
  turn.do(
    { type: 'report', reason: 'state' },
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
  for (let skips = pick?.skips ?? 0; skips > 0; skips--) {
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
  const { uid, uri, index } = start;
  const byName = context.rows.find((row) => (uid ? row.uid === uid : uri ? row.uri === uri : false));
  return byName ?? (!uid && !uri && index !== undefined ? (context.rows[index] ?? null) : null);
}

function namedRow(context: ContextSource, start: Beginning['start']): Row | null {
  const uri = start?.uri ?? (/^spotify:(track|episode):/.test(context.uri) ? context.uri : undefined);
  return uri ? { uri, uid: start?.uid || makeUid(uri, 0), provider: 'context', metadata: {} } : null;
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

