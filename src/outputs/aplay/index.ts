import type { Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import { ProgramOutput, tryProgram, type Player } from '../program-output.ts';
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

function player({ device, buffer }: AplaySettings, rate: number): Player {
  const deviceBuffer = Math.round(buffer / 2);
  const list = ['-q', '-t', 'raw', '-f', 'S16_LE', '-c', '2', '-r', String(rate), `--buffer-time=${deviceBuffer * 1000}`];
  if (device !== undefined) list.push('-D', device);
  return { program: 'aplay', arguments: list, device: device ?? 'default', deviceBuffer, buffer };
}
