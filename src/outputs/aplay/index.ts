import { z } from 'zod';
import { defineOutput } from '../output-definition.ts';
import { ProgramOutput, tryProgram, type Player } from '../program-output.ts';

const settings = z.strictObject({
  kind: z.literal('aplay'),
  device: z.string().min(1).optional().describe('ALSA device, as listed by `aplay -L`; absent: the default one'),
  buffer: z.int().min(200).max(2000).default(500).describe('Sound kept ready, in ms: more survives a busy machine, less reacts faster to volume'),
});

/** ALSA through the `aplay` program of alsa-utils. */
export const aplay = defineOutput({
  kind: 'aplay',
  settings,
  async open(chosen, format, world, signal) {
    const output = new ProgramOutput(player(chosen, format.rate), format, world);
    await output.start(signal);
    return output;
  },
  probe: (chosen, _world, signal) => tryProgram('aplay', [...player(chosen, 44_100).arguments, '/dev/null'], signal),
});

function player({ device, buffer }: z.infer<typeof settings>, rate: number): Player {
  const deviceBuffer = Math.round(buffer / 2);
  const list = ['-q', '-t', 'raw', '-f', 'S16_LE', '-c', '2', '-r', String(rate), `--buffer-time=${deviceBuffer * 1000}`];
  if (device !== undefined) list.push('-D', device);
  return { program: 'aplay', arguments: list, device: device ?? 'default', deviceBuffer, buffer };
}
