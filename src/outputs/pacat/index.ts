import type { Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import type { Player } from '../player-run.ts';
import { deviceShare, ProgramOutput } from '../program-output.ts';
import { tryProgram } from '../try-program.ts';
import type { PacatSettings } from './settings.ts';

/** PulseAudio, or PipeWire in its place, through the `pacat` program of pulseaudio-utils. */
export async function openPacat(settings: PacatSettings, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  const output = new ProgramOutput(player(settings, format.rate), format, world);
  await output.start(signal);
  return output;
}

export function probePacat(settings: PacatSettings, signal: AbortSignal): Promise<string | null> {
  return tryProgram('pacat', [...player(settings, 44_100).arguments, '/dev/null'], signal);
}

function player({ device, server, buffer, release }: PacatSettings, rate: number): Player {
  const deviceBuffer = deviceShare(buffer, rate);
  const list = ['--playback', '--raw', '--format=s16le', '--channels=2', `--rate=${rate}`, `--latency-msec=${deviceBuffer}`, '--client-name=Tonearm', '--stream-name=Tonearm'];
  if (device !== undefined) list.push(`--device=${device}`);
  if (server !== undefined) list.push(`--server=${server}`);
  return { program: 'pacat', arguments: list, device: device ?? 'of PulseAudio', deviceBuffer, buffer, staysOpen: release !== 0 };
}
