import { base64, fromBase64 } from '#foundation';
import { camelCase, booleanAt, entriesAt, isObject, type JsonObject, objectAt, objectsAt, snakeCase, textAt, textsAt } from './lenient-json.ts';
import { connect, encode, decode, player, type Input } from './proto/index.ts';
import { WireError } from './wire-error.ts';

/** What plays after what: the answer of context-resolve, also part of commands and transfers (connect-control.md §3.3, §4). */
export interface Context {
  /** Empty or `-` when the tracks have no common home. */
  readonly uri: string;
  readonly url: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly restrictions: ContextRestrictions;
  readonly pages: readonly ContextPage[];
  /** The cloud is not done yet: ask again. */
  readonly loading: boolean;
}

export interface ContextPage {
  readonly pageUrl: string;
  readonly nextPageUrl: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tracks: readonly ContextTrack[];
  readonly loading: boolean;
}

/** One row. At least one of `uri` and `gid` is usually there. */
export interface ContextTrack {
  readonly uri: string;
  readonly uid: string;
  readonly gid: Buffer | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** `context`, `queue`, `autoplay`, or empty when it was not said. */
  readonly provider: string;
  readonly removed: readonly string[];
  readonly blocked: readonly string[];
}

type ListNames<T> = { [Key in keyof T]: T[Key] extends readonly string[] ? Key : never }[keyof T];

/** `disallowTogglingShuffleReasons` and its kin: in force when the list is not empty. Fits `PlayerState.contextRestrictions`. */
export type ContextRestrictions = Readonly<Partial<Record<ListNames<connect.Restrictions>, readonly string[]>>>;

const restrictionNames = new Set(connect.Restrictions.fields.filter((field) => field.rule === 'repeated').map((field) => field.name));

/** From parsed JSON, leniently. @throws WireError `wire/bad-context` when it is no object at all */
export function parseContext(json: unknown): Context {
  if (!isObject(json)) throw badContext();
  return {
    uri: textAt(json, 'uri') ?? '',
    url: textAt(json, 'url') ?? '',
    metadata: entriesAt(json, 'metadata'),
    restrictions: parseRestrictions(objectAt(json, 'restrictions')),
    pages: objectsAt(json, 'pages').map(parseContextPage),
    loading: booleanAt(json, 'loading') ?? false,
  };
}

/** From parsed JSON, leniently. @throws WireError `wire/bad-context` when it is no object at all */
export function parseContextPage(json: unknown): ContextPage {
  if (!isObject(json)) throw badContext();
  return {
    pageUrl: textAt(json, 'page_url') ?? '',
    nextPageUrl: textAt(json, 'next_page_url') ?? '',
    metadata: entriesAt(json, 'metadata'),
    tracks: objectsAt(json, 'tracks').map(parseContextTrack),
    loading: booleanAt(json, 'loading') ?? false,
  };
}

/** From parsed JSON, leniently: a damaged `gid` is as good as none. */
export function parseContextTrack(json: JsonObject): ContextTrack {
  const gid = fromBase64(textAt(json, 'gid') ?? '');
  return {
    uri: textAt(json, 'uri') ?? '',
    uid: textAt(json, 'uid') ?? '',
    gid: gid && gid.length > 0 ? gid : null,
    metadata: entriesAt(json, 'metadata'),
    provider: textAt(json, 'provider') ?? '',
    removed: textsAt(json, 'removed'),
    blocked: textsAt(json, 'blocked'),
  };
}

function parseRestrictions(json: JsonObject): ContextRestrictions {
  const out: Record<string, readonly string[]> = {};
  for (const key of Object.keys(json)) {
    const name = camelCase(key);
    const reasons = textsAt(json, key);
    if (restrictionNames.has(name) && reasons.length > 0) out[name] = reasons;
  }
  return out;
}

/** From the bytes of an answer. @throws WireError `wire/bad-context` */
export function decodeContext(bytes: Uint8Array | string): Context {
  return parseContext(parseJson(bytes));
}

/** From the bytes of an answer to a page address. @throws WireError `wire/bad-context` */
export function decodeContextPage(bytes: Uint8Array | string): ContextPage {
  return parseContextPage(parseJson(bytes));
}

function parseJson(bytes: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof bytes === 'string' ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    throw badContext(error);
  }
}

function badContext(cause?: unknown): WireError {
  return new WireError('wire/bad-context', 'The cloud described what to play in a form that cannot be understood. Try again, or choose something else.', cause);
}

/** As JSON (snake_case), for the far side's part. Empty members are left out, except lists. */
export function encodeContext(context: Input<Context>): Record<string, unknown> {
  return {
    uri: context.uri ?? '',
    url: context.url ?? '',
    metadata: context.metadata ?? {},
    restrictions: Object.fromEntries(Object.entries(context.restrictions ?? {}).map(([name, reasons]) => [snakeCase(name), reasons])),
    pages: (context.pages ?? []).map(encodeContextPage),
    ...(context.loading ? { loading: true } : {}),
  };
}

export function encodeContextPage(page: Input<ContextPage>): Record<string, unknown> {
  return {
    page_url: page.pageUrl ?? '',
    next_page_url: page.nextPageUrl ?? '',
    metadata: page.metadata ?? {},
    tracks: (page.tracks ?? []).map(encodeContextTrack),
    ...(page.loading ? { loading: true } : {}),
  };
}

export function encodeContextTrack(track: Input<ContextTrack>): Record<string, unknown> {
  return {
    uri: track.uri ?? '',
    uid: track.uid ?? '',
    ...(track.gid ? { gid: base64(track.gid) } : {}),
    metadata: track.metadata ?? {},
    ...(track.provider ? { provider: track.provider } : {}),
    ...(track.removed?.length ? { removed: track.removed } : {}),
    ...(track.blocked?.length ? { blocked: track.blocked } : {}),
  };
}

/** What the body of an autoplay request says (connect-control.md §4.1). */
export interface AutoplayRequest {
  readonly contextUri: string;
  readonly recentTrackUris: readonly string[];
}

export function encodeAutoplayRequest({ contextUri, recentTrackUris }: AutoplayRequest): Buffer {
  return encode(player.AutoplayContextRequest, { contextUri, recentTrackUri: recentTrackUris });
}

/** @throws WireError */
export function decodeAutoplayRequest(bytes: Uint8Array): AutoplayRequest {
  const { contextUri, recentTrackUri } = decode(player.AutoplayContextRequest, bytes);
  return { contextUri, recentTrackUris: recentTrackUri };
}
