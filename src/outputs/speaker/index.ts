import { z } from 'zod';
import { defineOutput } from '../output-definition.ts';
import { probeSpeaker } from './child.ts';
import { SpeakerOutput } from './speaker-output.ts';

/** ALSA through the optional package `speaker`, in a process of its own. */
export const speaker = defineOutput({
  kind: 'speaker',
  settings: z.strictObject({
    kind: z.literal('speaker'),
    device: z.string().min(1).optional().describe('ALSA device, as listed by `aplay -L`; absent: the default one'),
  }),
  async open({ device }, format, world, signal) {
    const output = new SpeakerOutput(device ?? null, format, world);
    await output.start(signal);
    return output;
  },
  probe: ({ device }, world, signal) => probeSpeaker(world.programs.speakerChild, device ?? null, signal),
});
