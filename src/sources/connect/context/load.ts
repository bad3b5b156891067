import { TonearmError, type Clock } from '#foundation';
import type { Context } from '#spotify/wire';
import type { ContextSource, ResolvedContext } from '../device-state.ts';
import type { Row } from './row.ts';
import { mergeGiven, rowsOf, sourceOf } from './rows.ts';
import type { RowName } from './track-list.ts';

export interface ContextPorts {
  readonly clock: Pick<Clock, 'monotonic'>;
  resolveContext(uri: string, signal: AbortSignal): Promise<Context>;
  fetchPage(url: string, signal: AbortSignal): Promise<Context>;
}

const mostPages = 256;
const mostTime = 10_000;

/**
 * Which rows a context has (connect-control.md §4.2): those that came with the command when they are complete, else what its
 * address or the resolver says. Walks pages until there is a row, until `until` is found, or through all of them when `isWhole`;
 * never more than 256 pages or ten seconds, because stations do not end.
 */
export async function loadContext(
  ports: ContextPorts,
  given: ContextSource,
  { until, isWhole }: { readonly until: RowName | null; readonly isWhole: boolean },
  signal: AbortSignal,
): Promise<ResolvedContext> {
  let context = await firstPages(ports, given, signal);
  const end = ports.clock.monotonic() + mostTime;
  for (let pages = 0; pages < mostPages && ports.clock.monotonic() < end; pages++) {
    const [url, ...rest] = context.morePages;
    if (url === undefined || !needsMore(context.rows, until, isWhole)) break;
    const page = await loadPage(ports, context, url, signal);
    context = { ...context, rows: [...context.rows, ...page.rows], morePages: [...page.morePages, ...rest] };
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
  return { rows, morePages: next !== '' && next !== url ? [next] : [] };
}

async function firstPages(ports: ContextPorts, given: ContextSource, signal: AbortSignal): Promise<ContextSource> {
  if (given.rows.length + given.morePages.length > 0 && isComplete(given)) return given;
  if (given.url.startsWith('hm://')) {
    const fetched = sourceOf({ ...(await ports.fetchPage(given.url, signal)), uri: given.uri });
    return mergeGiven({ ...fetched, url: given.url }, given);
  }
  // Lists without a home cannot be asked for (§3.4).
  if (given.uri === '' || given.uri === '-') {
    if (given.rows.length > 0) return given;
    throw nothingThere();
  }
  try {
    return mergeGiven({ ...sourceOf(await ports.resolveContext(given.uri, signal)), uri: given.uri }, given);
  } catch (error) {
    if (given.rows.length > 0 && !signal.aborted) return given;
    throw error;
  }
}

function isComplete(given: ContextSource): boolean {
  if (given.morePages.length > 0) return true;
  const total = Number(given.metadata['playlist_number_of_tracks'] ?? 'NaN');
  return Number.isNaN(total) || total === given.rows.length;
}

function needsMore(rows: readonly Row[], until: RowName | null, isWhole: boolean): boolean {
  if (isWhole || rows.length === 0) return true;
  if (!until || (!until.uid && !until.uri)) return until?.index !== undefined && until.index >= rows.length;
  return !rows.some((row) => (until.uid ? row.uid === until.uid : false) || (until.uri ? row.uri === until.uri : false));
}

function nothingThere(): TonearmError {
  return new TonearmError({ kind: 'not-found', code: 'connect/empty-context', message: 'There is nothing to play in this playlist or album. Pick another one.' });
}
