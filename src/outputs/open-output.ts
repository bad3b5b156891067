import type { Output, PcmFormat } from '#core';
import type { OutputWorld } from './output-definition.ts';
import { outputs, type ConcreteOutput } from './settings.ts';

/** Opens the output that was chosen. Rejects with a `TonearmError` that says why there is no sound. */
export function openOutput(settings: ConcreteOutput, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  switch (settings.kind) {
    case 'speaker':
      return outputs.speaker.open(settings, format, world, signal);
    case 'aplay':
      return outputs.aplay.open(settings, format, world, signal);
    case 'pacat':
      return outputs.pacat.open(settings, format, world, signal);
    case 'pipe':
      return outputs.pipe.open(settings, format, world, signal);
    case 'null':
      return outputs.null.open(settings, format, world, signal);
  }
}

/** Why the output would not work here, or null. */
export function probeOutput(settings: ConcreteOutput, world: OutputWorld, signal: AbortSignal): Promise<string | null> {
  switch (settings.kind) {
    case 'speaker':
      return outputs.speaker.probe(settings, world, signal);
    case 'aplay':
      return outputs.aplay.probe(settings, world, signal);
    case 'pacat':
      return outputs.pacat.probe(settings, world, signal);
    case 'pipe':
      return outputs.pipe.probe(settings, world, signal);
    case 'null':
      return outputs.null.probe(settings, world, signal);
  }
}
