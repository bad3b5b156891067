import { endsOpen, isResolvable } from './context/kind.ts';
import { isLoadable, type Row } from './context/row.ts';
import { currentRow, emptyList, previousRows, upcoming, type TrackList } from './context/track-list.ts';
import type { ContextSource, Turn } from './device-state.ts';

/** So few rows left, and it is asked what goes on after them (connect-control.md §5.6). */
const askBelow = 2;
const mostRecent = 50;
const pauses = [5000, 30_000, 120_000];

/** Not around a repeating context, not for stations, shows and single episodes. */
export function mayAutoplay(turn: Turn): boolean {
  const { options, list } = turn.state;
  return turn.env.autoplay && !options.repeatContext && isResolvable(list.context.uri) && endsOpen(list.context.uri);
}

/** At the end of the context: whether there is an answer worth waiting for. */
export function mayContinue(turn: Turn): boolean {
  const { autoplay, list } = turn.state;
  return mayAutoplay(turn) && (autoplay?.contextUri !== list.context.uri || autoplay.phase === 'asked');
}

/** Asks what goes on while there is still something to hear; called after every step. */
export function tendAutoplay(turn: Turn): void {
  const { autoplay, list, isActive, phase, resolving } = turn.state;
  if (!isActive || !mayAutoplay(turn)) {
    if (autoplay) forgetAutoplay(turn);
    if (list.station && (!isActive || !turn.env.autoplay)) turn.set({ list: { ...list, station: null } });
    return;
  }
  const isSettled = phase === 'playing' || phase === 'paused';
  if (autoplay?.contextUri === list.context.uri || list.station || list.morePages.length > 0) return;
  if (resolving !== 'autoplay' && (!isSettled || resolving !== null || upcoming(list, askBelow, false).filter(isLoadable).length >= askBelow)) return;
  ask(turn, 0);
}

/** A new context begins, or playback is over: what was asked does not matter any more. */
export function forgetAutoplay(turn: Turn): void {
  turn.set({ autoplay: null });
  turn.do({ type: 'timer', name: 'autoplay', delay: null });
}

/** The pause after a failure is over. */
export function askOnceMore(turn: Turn): void {
  const { autoplay, list } = turn.state;
  if (autoplay?.phase === 'pausing' && autoplay.contextUri === list.context.uri && mayAutoplay(turn)) ask(turn, autoplay.tries);
}

function ask(turn: Turn, tries: number): void {
  const { list } = turn.state;
  const ticket = turn.env.newId();
  const rows = [...previousRows(list, mostRecent - 1), ...[currentRow(list)].filter((row) => row !== null)];
  const recent = rows.filter(isLoadable).map((row) => row.uri);
  turn.set({ autoplay: { ticket, contextUri: list.context.uri, tries: tries + 1, phase: 'asked' } });
  turn.do({ type: 'autoplay', ticket, contextUri: list.context.uri, recent });
}

/** It could not be had. Trouble on the way is worth another try later, a no is not. */
export function notContinued(turn: Turn, isTemporary: boolean, retryAfter: number): void {
  const { autoplay } = turn.state;
  if (!autoplay) return;
  const delay = isTemporary ? pauses[autoplay.tries - 1] : undefined;
  turn.set({ autoplay: { ...autoplay, phase: delay === undefined ? 'done' : 'pausing' } });
  if (delay !== undefined) turn.do({ type: 'timer', name: 'autoplay', delay: Math.max(delay, retryAfter) });
}

/** The answer as a list that goes on where the context ends; null when there is nothing in it. */
export function stationOf({ uri, url, metadata, restrictions, rows, morePages }: ContextSource): TrackList | null {
  const home = uri === '' ? {} : { context_uri: uri, entity_uri: uri };
  const marked = rows.map((row): Row => ({ ...row, provider: 'autoplay', metadata: { ...home, ...row.metadata, 'autoplay.is_autoplay': 'true' } }));
  if (!marked.some(isLoadable) && morePages.length === 0) return null;
  return { ...emptyList(uri, url), context: { uri, url, metadata, restrictions }, rows: marked, order: marked.map((_, index) => index), morePages };
}

/** Makes this the list that plays. Into a station or back out of it is another context: another session (§5.6). */
export function settle(turn: Turn, list: TrackList): void {
  const { list: old, options } = turn.state;
  turn.set({ list });
  if (list.context.uri === old.context.uri || (list.left?.context.uri !== old.context.uri && old.left?.context.uri !== list.context.uri)) return;
  turn.set({ sessionId: turn.env.newId(), suppressions: [] });
  if (list.left) turn.set({ options: { ...options, shuffle: false, repeatContext: false, repeatTrack: false } });
}
