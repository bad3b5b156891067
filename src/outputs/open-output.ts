import type { Millis, Output, PcmFormat } from '#core';
import type { OutputWorld } from './output-world.ts';
import type { ConcreteOutput } from './settings.ts';

/**
 * Opens the output that was chosen for frames of this format. The result may have another rate when its far side knows only one;
 * the caller adapts. Rejects with a `TonearmError` that says why there is no sound. Only the code of the chosen one is loaded.
 */
export async function openOutput(settings: ConcreteOutput, format: PcmFormat, world: OutputWorld, signal: AbortSignal): Promise<Output> {
  switch (settings.kind) {
    case 'speaker':
      return (await import('./speaker/index.ts')).openSpeaker(settings, format, world, signal);
    case 'aplay':
      return (await import('./aplay/index.ts')).openAplay(settings, format, world, signal);
    case 'pacat':
      return (await import('./pacat/index.ts')).openPacat(settings, format, world, signal);
    case 'pipe':
      return (await import('./pipe/index.ts')).openPipe(settings, format, world, signal);
    case 'null':
      return (await import('./null/index.ts')).openNull(settings, format, world);
  }
}

/** Null when the output would work here, else why not, in a few words for people. Makes no sound. */
export async function probeOutput(settings: ConcreteOutput, world: OutputWorld, signal: AbortSignal): Promise<string | null> {
  switch (settings.kind) {
    case 'speaker':
      return (await import('./speaker/index.ts')).probeSpeaker(settings, world, signal);
    case 'aplay':
      return (await import('./aplay/index.ts')).probeAplay(settings, signal);
    case 'pacat':
      return (await import('./pacat/index.ts')).probePacat(settings, signal);
    case 'pipe':
      return (await import('./pipe/index.ts')).probePipe(settings);
    case 'null':
      return null;
  }
}

/** The only rate the output can take, or null when it takes any. */
export function fixedRate(settings: ConcreteOutput): number | null {
  return settings.kind === 'pipe' ? settings.rate : null;
}

/** How long it keeps its device in silence; a pipe and silence itself hold nothing that others could want. */
export function releaseAfter(settings: ConcreteOutput): Millis {
  const release = 'release' in settings ? settings.release : usualRelease;
  return release === 'never' ? Infinity : release * 1000;
}

const usualRelease = 10;
