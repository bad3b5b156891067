import type { Output, PcmFormat } from '#core';
import type { OutputWorld } from '../output-world.ts';
import { probeSpeaker as probe } from './child.ts';
import type { SpeakerSettings } from './settings.ts';
import { SpeakerOutput } from './speaker-output.ts';

/** ALSA through the optional package `speaker`, in a process of its own. */
export async function openSpeaker({ device, release }: SpeakerSettings, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  const output = new SpeakerOutput({ name: device ?? null, staysOpen: release !== 0 }, format, world);
  await output.start(signal);
  return output;
}

export function probeSpeaker({ device }: SpeakerSettings, world: OutputWorld, signal: AbortSignal): Promise<string | null> {
  return probe(world, device ?? null, signal);
}
