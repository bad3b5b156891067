import type { ChildProcess } from 'node:child_process';
import type { Clock, Log } from '#foundation';
import type { Programs } from '#core';
import type { DeviceOwner } from './device-owner.ts';

/** Hears of the processes that play: whoever outlives the thread that started them ends them. */
export interface PlayerWatch {
  began(pid: number): void;
  ended(pid: number): void;
}

/** What an output may use of the world. */
export interface OutputWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly programs: Pick<Programs, 'speakerChild'>;
  /** Who holds the sound cards; the kernel's own word when it is not given. */
  readonly owners?: () => Promise<readonly DeviceOwner[]>;
  readonly players?: PlayerWatch;
}

/** Tells of a process from its start to its end. */
export function watchPlayer(players: PlayerWatch | undefined, child: ChildProcess): void {
  const { pid } = child;
  if (!players || pid === undefined) return;
  players.began(pid);
  child.on('exit', () => players.ended(pid));
}
