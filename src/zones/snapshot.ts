import type { CommandKind, Millis, Origin, OutputView, PlayerState, SourceState, Volume } from '#core';

export interface SnapshotParts {
  readonly source: string | null;
  readonly shown: SourceState;
  readonly volume: Volume;
  readonly output: OutputView;
  /** When the zone's own sleep timer pauses. */
  readonly sleep: Millis | null;
  readonly preset: string | null;
  readonly announcing: boolean;
  readonly started: Origin | null;
  readonly changed: Origin;
  readonly can: Abilities;
}

/** What the zone can do beyond what its source can. */
export interface Abilities {
  /** Some source plays what it is given. */
  readonly play: boolean;
  readonly preset: boolean;
  /** There is another zone. */
  readonly transfer: boolean;
}

/** Commands the zone itself answers, whatever holds it. */
const always: readonly CommandKind[] = ['volume', 'mute', 'fade', 'limit', 'sleep', 'announce'];

/** Parts in, frozen picture out. Pure. */
export function takeSnapshot(parts: SnapshotParts, revision: number): PlayerState {
  const { shown, sleep, output } = parts;
  const ends = Math.min(sleep ?? Infinity, shown.sleep?.ends ?? Infinity);
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
    output,
    sleep: ends === Infinity ? null : { ends },
    preset: parts.preset,
    announcing: parts.announcing,
    by: { started: parts.started, changed: parts.changed },
    accepts: accepted(parts),
  });
}

function accepted({ shown, announcing, output, can, source }: SnapshotParts): ReadonlySet<CommandKind> {
  const kinds = new Set<CommandKind>([...always, ...shown.accepts]);
  if (can.play) kinds.add('play');
  if (can.play && can.preset) kinds.add('preset');
  if (can.transfer && source !== null && shown.status !== 'stopped') kinds.add('transfer');
  if (output.choices.length > 0) kinds.add('output');
  // Ends what is being said, too.
  if (announcing) kinds.add('stop');
  return kinds;
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
    same(a.output, b.output) &&
    same(a.sleep, b.sleep) &&
    a.preset === b.preset &&
    a.announcing === b.announcing &&
    a.by.started === b.by.started &&
    a.accepts.size === b.accepts.size &&
    [...a.accepts].every((kind) => b.accepts.has(kind))
  );
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
