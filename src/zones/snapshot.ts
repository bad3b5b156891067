import type { CommandKind, Origin, PlayerState, SourceState, Volume } from '#core';

export interface SnapshotParts {
  readonly source: string | null;
  readonly shown: SourceState;
  readonly volume: Volume;
  readonly started: Origin | null;
  readonly changed: Origin;
}

/** Commands the zone itself answers, whatever holds it. */
const always: readonly CommandKind[] = ['volume', 'mute'];

/** Parts in, frozen picture out. Pure. */
export function takeSnapshot(parts: SnapshotParts, revision: number): PlayerState {
  const { shown } = parts;
  return Object.freeze({
    revision,
    source: parts.source,
    status: shown.status,
    track: shown.track,
    position: shown.position,
    volume: parts.volume,
    order: shown.order,
    queue: shown.queue,
    account: shown.account,
    notice: shown.notice,
    by: { started: parts.started, changed: parts.changed },
    accepts: new Set<CommandKind>([...always, ...shown.accepts]),
  });
}

/** True when nothing a viewer could see differs; revision and cause do not count. */
export function sameSnapshot(a: PlayerState, b: PlayerState): boolean {
  return (
    a.source === b.source &&
    a.status === b.status &&
    same(a.track, b.track) &&
    same(a.position, b.position) &&
    same(a.volume, b.volume) &&
    same(a.order, b.order) &&
    same(a.queue, b.queue) &&
    same(a.account, b.account) &&
    same(a.notice, b.notice) &&
    a.by.started === b.by.started &&
    a.accepts.size === b.accepts.size &&
    [...a.accepts].every((kind) => b.accepts.has(kind))
  );
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
