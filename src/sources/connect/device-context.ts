import type { TonearmError } from '#foundation';
import { isStation } from './context/kind.ts';
import { appendRows, rebase } from './context/order.ts';
import type { Row } from './context/row.ts';
import { isFetchable } from './context/rows.ts';
import { rowAt, upcoming, type TrackList } from './context/track-list.ts';
import { mayAutoplay, notContinued, stationOf } from './device-autoplay.ts';
import { endOfContext, goNext } from './device-loading.ts';
import { listFor, loseTrack, placeContext } from './device-starting.ts';
import type { ContextSource, DeviceInput, DeviceState, ResolvedContext, Turn } from './device-state.ts';

const fetchAheadBelow = 50;
/** While shuffled all pages are wanted, but some contexts never end. */
const mostShuffled = 25_600;
/** Pages in a row with nothing in them; more than that is no list but a loop. */
const mostEmptyPages = 8;
/** A page that playback waits for is asked for again while it is the network's fault. */
const mostPageTries = 4;
const pageDelay = 5000;

/** The answer to the newest question about a context. */
export function resolved(turn: Turn, context: ResolvedContext): void {
  const { resolving, pick, load } = turn.state;
  if (resolving === 'start') {
    if (context.rows.length === 0 && !load) loseTrack(turn, pick?.before ?? null);
    else placeContext(turn, context);
  } else if (resolving === 'update') {
    const { list } = turn.state;
    // Names of things may have changed; what the resolver does not speak of stays as a controller said it.
    const fresh = listFor({ ...context, metadata: { ...list.context.metadata, ...context.metadata } });
    turn.set({ resolving: null, list: rebase(list, fresh, turn.env.below) });
    turn.do({ type: 'report', reason: 'state' });
  }
}

export function unresolved(turn: Turn, { error }: Extract<DeviceInput, { type: 'unresolved' }>): void {
  const { resolving, pick, load, pageTries, isOnline } = turn.state;
  const isTemporary = error.kind === 'unavailable' || error.kind === 'timeout';
  if (resolving === 'page' && !load && isTemporary && (!isOnline || pageTries < mostPageTries)) {
    turn.set({ pageTries: isOnline ? pageTries + 1 : pageTries });
    turn.do({ type: 'timer', name: 'page', delay: Math.max(pageDelay, error.retryAfter ?? 0) });
    return;
  }
  turn.set({ resolving: null });
  if (resolving === 'start') {
    if (!load) {
      turn.set({ notice: { code: error.code, message: error.message } });
      turn.do({ type: 'trouble', error });
    }
    loseTrack(turn, pick?.before ?? null);
  } else if (resolving === 'page' && !load) endOfContext(turn);
  // Behind music that plays: no hurry to ask for that page again.
  else if (resolving === 'more' || resolving === 'page') turn.set({ isPageFailed: true });
}

/** Playback still waits for that page. */
export function askForPage(turn: Turn): void {
  const { resolving, load, list, generation } = turn.state;
  const url = list.morePages[0];
  if (resolving !== 'page') return;
  if (load || url === undefined) {
    turn.set({ resolving: null });
    return;
  }
  turn.set({ generation: generation + 1 });
  turn.do({ type: 'fetchPage', generation: generation + 1, url });
}

/** A further page; `resolving` is `page` when playback waits for it, unless somebody has chosen something else meanwhile. */
export function page(turn: Turn, rows: readonly Row[], morePages: readonly string[]): void {
  const { resolving, list, load } = turn.state;
  const emptyPages = rows.length === 0 ? turn.state.emptyPages + 1 : 0;
  const more = [...(emptyPages < mostEmptyPages ? morePages : []), ...list.morePages.slice(1)];
  turn.set({ resolving: null, emptyPages, pageTries: 0, list: appendRows(list, rows, more, turn.env.below) });
  if (resolving === 'page' && !load) goNext(turn, 'unplayable');
  else turn.do({ type: 'report', reason: 'state' });
}

/** More pages before the cursor reaches the end of what is known. */
export function fetchAhead(turn: Turn): void {
  const { list, resolving, phase, generation, isActive, isPageFailed } = turn.state;
  const url = list.morePages[0];
  if (url === undefined || resolving !== null || !isActive || isPageFailed || (phase !== 'playing' && phase !== 'paused')) return;
  const isWholeWanted = list.shuffled && list.rows.length < mostShuffled && !isEndless(list);
  if (!isWholeWanted && upcoming(list, fetchAheadBelow, false).length >= fetchAheadBelow) return;
  turn.set({ generation: generation + 1, resolving: 'more' });
  turn.do({ type: 'fetchPage', generation: generation + 1, url });
}

/** Made up by the cloud as it goes: a station, or what only has an address. */
const isEndless = ({ context: { uri, url } }: TrackList): boolean => isStation(uri) || isFetchable(url);

/** Playback waits for what may go on here, and now nothing may any more: somebody switched repeat on, or autoplay off. */
export function stopWaiting(turn: Turn): void {
  const { resolving, load } = turn.state;
  if (resolving !== 'autoplay' || mayAutoplay(turn)) return;
  turn.set({ resolving: null });
  if (!load) goNext(turn, 'unplayable');
}

/** What goes on where this context ends is known now (§5.6). */
export function continued(turn: Turn, ticket: string, context: ContextSource): void {
  const { autoplay, list, load, resolving } = turn.state;
  if (autoplay?.ticket !== ticket) return;
  const station = stationOf(context);
  if (!station) {
    dropped(turn, ticket, null);
    return;
  }
  turn.set({ autoplay: { ...autoplay, phase: 'done' }, list: { ...list, station } });
  if (resolving !== 'autoplay') {
    turn.do({ type: 'report', reason: 'state' });
    return;
  }
  turn.set({ resolving: null });
  // Unless somebody has chosen something else while it was asked.
  if (!load) goNext(turn, 'unplayable');
}

/** Nothing goes on: at the end that is the end. */
export function dropped(turn: Turn, ticket: string, error: TonearmError | null): void {
  const { autoplay, resolving, load } = turn.state;
  if (autoplay?.ticket !== ticket) return;
  notContinued(turn, error?.kind === 'unavailable' || error?.kind === 'timeout', error?.retryAfter ?? 0);
  if (resolving !== 'autoplay') return;
  turn.set({ resolving: null });
  if (!load) endOfContext(turn);
}

/** A controller says more of the context that plays (§3.15): the music goes on. */
export function updateContext(turn: Turn, context: ContextSource): void {
  const { list } = turn.state;
  if (context.uri !== list.context.uri) return;
  const merged = { ...list.context, restrictions: context.restrictions, metadata: { ...list.context.metadata, ...context.metadata } };
  turn.set({ list: { ...list, context: merged } });
  if (context.rows.length > 0) askAgain(turn, { ...context, metadata: merged.metadata });
}

/** Somebody edited the playlist that plays (§5.8). */
export function playlistModified(turn: Turn, uri: string): void {
  const { list, isActive, resolving } = turn.state;
  if (!isActive || uri === '' || uri !== list.context.uri) return;
  if (mayAsk(resolving)) askAgain(turn, { ...list.context, metadata: {}, restrictions: {}, rows: [], morePages: [] });
  else turn.set({ edited: uri });
}

/** What was edited while something else was asked. */
export function catchUp(turn: Turn): void {
  const { edited, resolving } = turn.state;
  if (edited === null || resolving !== null) return;
  turn.set({ edited: null });
  playlistModified(turn, edited);
}

/** The answer to an older question may not know of an edit; playback waits for the others. */
const mayAsk = (resolving: DeviceState['resolving']): boolean => resolving === null || resolving === 'more' || resolving === 'update';

function askAgain(turn: Turn, context: ContextSource): void {
  const { list, resolving } = turn.state;
  if (!mayAsk(resolving)) return;
  const generation = turn.state.generation + 1;
  const current = rowAt(list, list.cursor);
  turn.set({ generation, resolving: 'update' });
  turn.do({ type: 'resolve', generation, context, until: current ? { uid: current.uid, uri: current.uri } : null, isWhole: list.shuffled, isAnew: true });
}
