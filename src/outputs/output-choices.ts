import { createRequire } from 'node:module';
import { isInstalled } from '#foundation';
import type { Release } from './release.ts';
import type { OutputSettings } from './settings.ts';

/**
 * What may be asked for by name here: `auto`, what is installed, silence, and the kind that is configured, as it is configured.
 * Whether a device is behind it shows when it is used.
 */
export async function outputChoices(configured: OutputSettings): Promise<ReadonlyMap<string, OutputSettings>> {
  const release: Release = 'release' in configured ? configured.release : 10;
  const [aplay, pacat] = await Promise.all([isInstalled('aplay'), isInstalled('pacat')]);
  const all: OutputSettings[] = [
    { kind: 'auto', release },
    ...(hasPackage('speaker') ? [{ kind: 'speaker', release } as const] : []),
    ...(aplay ? [{ kind: 'aplay', buffer: 500, release } as const] : []),
    ...(pacat ? [{ kind: 'pacat', buffer: 500, release } as const] : []),
    { kind: 'null', delay: 0 },
    configured,
  ];
  return new Map(all.map((settings) => [settings.kind, settings]));
}

function hasPackage(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
