import { abortable, throwIfAborted, toTonearmError, withTimeout, type Clock, type Log } from '#foundation';
import type { Session } from '#spotify';

/** Of the three seconds a farewell may take, what each of its steps gets. */
const partOfFarewell = 1200;

export interface FarewellPorts {
  readonly session: Pick<Session, 'putInactive' | 'removeDevice'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Gives playback up when we have it, then leaves the list of devices (connect-control.md §10.3). One slow answer does not cost the next its time. */
export async function sayFarewell({ session, clock, log }: FarewellPorts, { isActive, kept }: { readonly isActive: boolean; readonly kept: Promise<void> }, signal: AbortSignal): Promise<void> {
  const late = { code: 'connect/goodbye-slow', message: 'Spotify does not answer to the goodbye.' };
  const briefly = async (work: (brief: AbortSignal) => Promise<unknown>) => {
    try {
      await withTimeout(clock, partOfFarewell, late, signal, work);
    } catch (error) {
      throwIfAborted(signal);
      log.debug('The cloud did not answer in time', { code: toTonearmError(error).code });
    }
  };
  await briefly((brief) => Promise.all([abortable(kept, brief), isActive ? session.putInactive(brief) : null]));
  await briefly((brief) => session.removeDevice(brief));
}
