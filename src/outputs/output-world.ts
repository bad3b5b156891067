import type { Clock, Log } from '#foundation';
import type { Programs } from '#core';
import type { DeviceOwner } from './device-owner.ts';

/** What an output may use of the world. */
export interface OutputWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly programs: Pick<Programs, 'speakerChild'>;
  /** Who holds the sound cards; the kernel's own word when it is not given. */
  readonly owners?: () => Promise<readonly DeviceOwner[]>;
}
