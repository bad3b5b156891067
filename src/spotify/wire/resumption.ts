import { decode, encode, resumption, type Input } from './proto/index.ts';

/** Resume points of episodes (connect-control.md §7.3). Positions in milliseconds, whole seconds on the wire. */

/** What is asked about one episode. */
export function encodeListCurrentStates(uri: string): Buffer {
  return encode(resumption.ListCurrentStatesRequest, { pageSize: 1, filter: `cs.uri == "${uri}"` });
}

/** The uri asked about; `null` when the filter is of another form. @throws WireError */
export function decodeListCurrentStates(bytes: Uint8Array): string | null {
  return /^cs\.uri == "([^"]*)"$/.exec(decode(resumption.ListCurrentStatesRequest, bytes).filter)?.[1] ?? null;
}

/**
 * Where to resume an episode according to the answer: the newest revision decides, and every kind but a position means 0.
 * @throws WireError
 */
export function decodeResumePosition(bytes: Uint8Array, uri: string): number {
  const { currentStates } = decode(resumption.ListCurrentStatesResponse, bytes);
  const revisions = currentStates.filter((state) => state.uri === uri).flatMap((state) => state.resumePointRevisions);
  let newest: resumption.ResumePointRevision | undefined;
  for (const revision of revisions) {
    if (!newest || millisOf(revision.updateTime) > millisOf(newest.updateTime)) newest = revision;
  }
  const snapshot = newest?.snapshot;
  return Math.max(millisOf(snapshot?.position ?? snapshot?.relativePosition?.startOffset ?? null), 0);
}

function millisOf(time: { readonly seconds: number; readonly nanos: number } | null): number {
  return time ? time.seconds * 1000 + Math.round(time.nanos / 1e6) : 0;
}

export interface ResumeState {
  readonly uri: string;
  readonly revisions: readonly { readonly position: number | 'finished'; /** Unix milliseconds. */ readonly updated: number }[];
}

/** For the far side's part. */
export function encodeCurrentStates(states: readonly ResumeState[]): Buffer {
  return encode(resumption.ListCurrentStatesResponse, {
    currentStates: states.map(({ uri, revisions }) => ({
      uri,
      resumePointRevisions: revisions.map(({ position, updated }) => ({ snapshot: snapshotOf(position), createTime: timeOf(updated), updateTime: timeOf(updated) })),
    })),
  });
}

/** A report: a position (rounded down to whole seconds), or that the episode was heard to its end. `now` is Unix milliseconds. */
export interface ResumeReport {
  readonly uri: string;
  readonly position: number | 'finished';
  readonly now: number;
}

export function encodeResumeReport({ uri, position, now }: ResumeReport): Buffer {
  return encode(resumption.CreateResumePointRevisionRequest, { uri, resumePointRevision: { snapshot: snapshotOf(position), createTime: timeOf(now) } });
}

/** @throws WireError */
export function decodeResumeReport(bytes: Uint8Array): ResumeReport {
  const { uri, resumePointRevision: revision } = decode(resumption.CreateResumePointRevisionRequest, bytes);
  const position = revision?.snapshot?.finished ? 'finished' : millisOf(revision?.snapshot?.position ?? null);
  return { uri, position, now: millisOf(revision?.createTime ?? null) };
}

function snapshotOf(position: number | 'finished'): Input<resumption.ResumePoint> {
  return position === 'finished' ? { finished: {} } : { position: { seconds: Math.floor(position / 1000) } };
}

function timeOf(millis: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(millis / 1000);
  return { seconds, nanos: Math.round((millis - seconds * 1000) * 1e6) };
}
