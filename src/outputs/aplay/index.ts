import type { Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import type { Player } from '../player-run.ts';
import { deviceShare, ProgramOutput } from '../program-output.ts';
import { tryProgram } from '../try-program.ts';
import type { AplaySettings } from './settings.ts';

/** ALSA through the `aplay` program of alsa-utils. */
export async function openAplay(settings: AplaySettings, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  const output = new ProgramOutput(player(settings, format.rate), format, world);
  await output.start(signal);
  return output;
}

export function probeAplay(settings: AplaySettings, signal: AbortSignal): Promise<string | null> {
  return tryProgram('aplay', [...player(settings, 44_100).arguments, '/dev/null'], signal);
}

function player({ device, buffer, release }: AplaySettings, rate: number): Player {
  const deviceBuffer = deviceShare(buffer, rate);
  // -N: an occupied device is an error at once; without it aplay waits for the device without a word.
  const list = ['-N', '-q', '-t', 'raw', '-f', 'S16_LE', '-c', '2', '-r', String(rate), `--buffer-time=${deviceBuffer * 1000}`];
  if (device !== undefined) list.push('-D', device);
  return { program: 'aplay', arguments: list, device: device ?? 'default', deviceBuffer, buffer, staysOpen: release !== 0 };
}
