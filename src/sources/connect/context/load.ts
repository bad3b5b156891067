import { TonearmError, type Clock } from '#foundation';
import type { Context } from '#spotify/wire';
import type { ContextSource, ResolvedContext } from '../device-state.ts';
import { isResolvable, isStation } from './kind.ts';
import type { RowName } from './places.ts';
import type { Row } from './row.ts';
import { isFetchable, mergeGiven, rowsOf, sourceOf } from './rows.ts';

export interface ContextPorts {
  readonly clock: Pick<Clock, 'monotonic'>;
  resolveContext(uri: string, signal: AbortSignal): Promise<Context>;
  fetchPage(url: string, signal: AbortSignal): Promise<Context>;
}

/** A station never ends: a row that is not among its next few hundred is not in it. */
const mostPages = { usual: 256, station: 8 };
const mostTime = 10_000;

/**
 * Which rows a context has (connect-control.md §4.2): those that came with the command when they are complete, else what its
 * address or the resolver says. Walks pages until there is a row, until `until` is found, or through all of them when `isWhole`;
 * never more than 256 pages or ten seconds. A page that fails ends the walk; what is known by then counts. `isAnew`: it is known
 * already and has changed, so whoever knows it is asked, whatever rows are given.
 */
export async function loadContext(
  ports: ContextPorts,
  given: ContextSource,
  { until, isWhole, isAnew = false }: { readonly until: RowName | null; readonly isWhole: boolean; readonly isAnew?: boolean },
  signal: AbortSignal,
): Promise<ResolvedContext> {
  let context = await firstPages(ports, given, isAnew, signal);
  const end = ports.clock.monotonic() + mostTime;
  const most = isStation(context.uri) ? mostPages.station : mostPages.usual;
  for (let pages = 0; pages < most && ports.clock.monotonic() < end; pages++) {
    const [url, ...rest] = context.morePages;
    if (url === undefined || !needsMore(context.rows, until, isWhole)) break;
    try {
      const page = await loadPage(ports, context, url, signal);
      context = { ...context, rows: [...context.rows, ...page.rows], morePages: [...page.morePages, ...rest] };
    } catch (error) {
      if (context.rows.length === 0 || signal.aborted) throw error;
      break;
    }
  }
  if (context.rows.length === 0) throw nothingThere();
  return context;
}

/** One more page of a context that is known already. */
export async function loadPage(
  ports: Pick<ContextPorts, 'fetchPage'>,
  context: Pick<ContextSource, 'uri' | 'rows'>,
  url: string,
  signal: AbortSignal,
): Promise<{ readonly rows: readonly Row[]; readonly morePages: readonly string[] }> {
  const fetched = await ports.fetchPage(url, signal);
  const seen = new Map<string, number>();
  for (const row of context.rows) seen.set(row.uri, (seen.get(row.uri) ?? 0) + 1);
  const firstPage = (context.rows.at(-1)?.index?.page ?? -1) + 1;
  const rows = fetched.pages.flatMap((page, index) => rowsOf(page, context.uri, firstPage + index, seen));
  const next = fetched.pages.at(-1)?.nextPageUrl ?? '';
  // A page that names itself as its successor would never end.
  return { rows, morePages: isFetchable(next) && next !== url ? [next] : [] };
}

async function firstPages(ports: ContextPorts, given: ContextSource, isAnew: boolean, signal: AbortSignal): Promise<ContextSource> {
  const isKnown = isFetchable(given.url) || isResolvable(given.uri);
  if (given.rows.length + given.morePages.length > 0 && (isAnew ? !isKnown : isComplete(given))) return given;
  let failure: unknown = nothingThere();
  if (isFetchable(given.url)) {
    try {
      const fetched = sourceOf({ ...(await ports.fetchPage(given.url, signal)), uri: given.uri });
      return mergeGiven({ ...fetched, url: given.url }, given);
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  // Lists without a home cannot be asked for (§3.4), searches are answered with other rows (§4.4).
  if (isResolvable(given.uri)) {
    try {
      return mergeGiven({ ...sourceOf(await ports.resolveContext(given.uri, signal)), uri: given.uri }, given);
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  if (given.rows.length > 0 && !isAnew) return given;
  throw failure;
}

function isComplete(given: ContextSource): boolean {
  if (given.morePages.length > 0) return true;
  const total = Number(given.metadata['playlist_number_of_tracks'] ?? 'NaN');
  return Number.isNaN(total) || total === given.rows.length;
}

function needsMore(rows: readonly Row[], until: RowName | null, isWhole: boolean): boolean {
  if (isWhole || rows.length === 0) return true;
  if (!until || (!until.uid && !until.uri)) return until?.index !== undefined && !hasPlace(rows, until.index, until.page);
  // Of equal songs only the uid says which one is meant.
  return !rows.some((row) => (until.uid ? row.uid === until.uid : row.uri === until.uri));
}

function hasPlace(rows: readonly Row[], index: number, page: number | undefined): boolean {
  return page === undefined ? index < rows.length : rows.some((row) => row.index?.page === page && row.index.track === index);
}

function nothingThere(): TonearmError {
  return new TonearmError({ kind: 'not-found', code: 'connect/empty-context', message: 'There is nothing to play in this playlist or album. Pick another one.' });
}
