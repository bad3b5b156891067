import type { Clock, Log } from '#foundation';
import type { Programs } from '#core';

/** What an output may use of the world. */
export interface OutputWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly programs: Pick<Programs, 'speakerChild'>;
}
