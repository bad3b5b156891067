import { z } from 'zod';
import { defineOutput } from '../output-definition.ts';
import { ProgramOutput, tryProgram, type Player } from '../program-output.ts';

const settings = z.strictObject({
  kind: z.literal('pacat'),
  device: z.string().min(1).optional().describe('Sink, as listed by `pactl list short sinks`; absent: the default one'),
  server: z.string().min(1).optional().describe('PulseAudio server; absent: the usual one of this user'),
  buffer: z.int().min(200).max(2000).default(500).describe('Sound kept ready, in ms: more survives a busy machine, less reacts faster to volume'),
});

/** PulseAudio, or PipeWire in its place, through the `pacat` program of pulseaudio-utils. */
export const pacat = defineOutput({
  kind: 'pacat',
  settings,
  async open(chosen, format, world, signal) {
    const output = new ProgramOutput(player(chosen, format.rate), format, world);
    await output.start(signal);
    return output;
  },
  probe: (chosen, _world, signal) => tryProgram('pacat', [...player(chosen, 44_100).arguments, '/dev/null'], signal),
});

function player({ device, server, buffer }: z.infer<typeof settings>, rate: number): Player {
  const deviceBuffer = Math.round(buffer / 2);
  const list = ['--playback', '--raw', '--format=s16le', '--channels=2', `--rate=${rate}`, `--latency-msec=${deviceBuffer}`, '--client-name=Tonearm', '--stream-name=Tonearm'];
  if (device !== undefined) list.push(`--device=${device}`);
  if (server !== undefined) list.push(`--server=${server}`);
  return { program: 'pacat', arguments: list, device: device ?? 'of PulseAudio', deviceBuffer, buffer };
}
