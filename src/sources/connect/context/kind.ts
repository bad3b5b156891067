/** What a context address says about itself (connect-control.md §4.4). */

/** Its type: the first segment, or for user-scoped addresses the third; empty for lists without a home. */
export function contextKind(uri: string): string {
  const [scheme, first = '', , third] = uri.split(':', 5);
  if (scheme !== 'spotify') return '';
  return first === 'user' && third !== undefined ? third : first;
}

/** Endless by nature; all of its rows count as chosen by Spotify. */
export const isStation = (uri: string): boolean => contextKind(uri) === 'station' || contextKind(uri) === 'radio';

/** Lists of episodes are not followed by music nobody asked for (§5.6). */
const withoutAutoplay: ReadonlySet<string> = new Set(['', 'station', 'radio', 'show', 'episode', 'audiobook', 'chapter', 'search']);

/** Whether something may go on by itself where this context ends. */
export function endsOpen(uri: string): boolean {
  return !withoutAutoplay.has(contextKind(uri)) && !uri.endsWith(':collection:your-episodes');
}

/** Whether the cloud can say which rows it has. A search is answered with other rows than those on the screen. */
export function isResolvable(uri: string): boolean {
  const kind = contextKind(uri);
  return /^spotify:[a-z-]+:[^\s]+$/.test(uri) && kind !== 'search' && !kind.startsWith('local');
}
