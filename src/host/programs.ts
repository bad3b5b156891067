import type { Programs } from '#core';

/** Where the code for other threads and processes lies. Run from the bundle that is beside us, run from source it is `dist/`. */
export function findPrograms(from = import.meta.url): Programs {
  const folder = new URL(from.endsWith('.ts') ? '../../dist/' : './', from);
  return {
    audioThread: new URL('audio-thread.js', folder),
    puzzleThread: new URL('puzzle-thread.js', folder),
    holidaysThread: new URL('holidays-thread.js', folder),
    speakerChild: new URL('speaker-child.js', folder),
  };
}
