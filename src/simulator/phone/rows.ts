import { TonearmError } from '#foundation';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { ContextDocument } from '../catalogue/contexts.ts';
import type { PhoneSession } from './session.ts';

/** A row of a context, as `skip_to` names it. */
export interface SkipTarget {
  readonly track_uid: string;
  readonly track_uri: string;
  readonly track_index: number;
}

/** Loads a context the way the app does to show it. */
export async function loadContext(session: PhoneSession, uri: string): Promise<ContextDocument> {
  const answer = await session.ask(`/context-resolve/v1/${uri}`);
  if (answer.status === 200) return JSON.parse(answer.body.toString('utf8')) as ContextDocument;
  throw new TonearmError({ kind: 'not-found', code: 'simulator/no-context', message: `The simulated cloud does not know ${uri}.` });
}

/** The row somebody means: by its number, by uri, or by a title of the catalogue. One that is not there is named by its uri alone. */
export function findRow(document: ContextDocument, track: string | number, catalogue: Catalogue): SkipTarget {
  const uriOf = ({ uri, gid }: { readonly uri?: string; readonly gid?: string }) =>
    uri ?? (gid === undefined ? '' : (catalogue.byGid(Buffer.from(gid, 'base64'))?.uri ?? ''));
  const rows = document.pages.flatMap(({ tracks = [] }) => tracks);
  const uri = typeof track === 'string' && !track.startsWith('spotify:') ? catalogue.get(track).uri : track;
  const index = typeof uri === 'number' ? uri : rows.findIndex((row) => uriOf(row) === uri);
  const row = rows[index];
  return { track_uid: row?.uid ?? '', track_uri: row ? uriOf(row) : typeof uri === 'string' ? uri : '', track_index: Math.max(0, index) };
}
