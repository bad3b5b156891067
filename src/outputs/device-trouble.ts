import { TonearmError } from '#foundation';
import type { DeviceOwner } from './device-owner.ts';

/** A device that takes nothing for so long hangs. */
export const stuckAfter = 5000;
/** A killed program that is not gone by then will not go soon: nobody waits for it. */
export const killPatience = 2000;

export interface LostDevice {
  /** How the device is called in sentences. */
  readonly device: string;
  readonly program: string;
  /** The program's last words, or how it ended. */
  readonly reason: string;
  readonly owners: readonly DeviceOwner[];
}

/** The program ended by itself: because somebody else has the device, or for a reason of its own. */
export function deviceLost({ device, program, reason, owners }: LostDevice): TonearmError {
  if (/busy/i.test(reason)) return deviceBusy(device, owners);
  return new TonearmError({
    kind: 'unavailable',
    code: 'output/device-lost',
    message: `The sound device ${device} stopped playing${reason === '' ? '' : ` (${program}: ${reason})`}. Check that it is connected; Tonearm tries it again by itself for a while.`,
  });
}

/** The program lives and takes no sound. One that waits for an occupied device looks like this, too. */
export function deviceStuck(device: string, program: string, owners: readonly DeviceOwner[]): TonearmError {
  if (owners.length > 0) return deviceBusy(device, owners);
  return new TonearmError({
    kind: 'timeout',
    code: 'output/device-stuck',
    message: `The sound device ${device} has taken no sound for ${stuckAfter / 1000} seconds, so ${program} is started again. If this stays, unplug the device and plug it in again, or restart the sound server.`,
  });
}

function deviceBusy(device: string, owners: readonly DeviceOwner[]): TonearmError {
  const who = owners.map(({ name, process }) => `${name} (process ${process})`).join(' and ') || 'another program';
  return new TonearmError({
    kind: 'conflict',
    code: 'output/device-busy',
    message: `The sound device ${device} is in use by ${who}, so nothing can be played on it now. Stop it there or choose another output; Tonearm tries it again by itself for a while.`,
  });
}
