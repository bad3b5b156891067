import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogueEntry } from '#simulator';
import { encodeVorbis } from '../../src/simulator/music/encode.ts';
import { RATE, silence } from '../../src/simulator/music/instruments.ts';
import { pieces } from '../../src/simulator/music/pieces.ts';

/** Three minutes of the demo's busiest piece at about 250 kbit/s, made once and kept in a cache. */
export async function longTrack(root: string): Promise<{ readonly path: string; readonly ogg: Buffer; readonly seconds: number }> {
  const path = join(root, 'node_modules/.cache/tonearm-bench-180s.ogg');
  const seconds = 180;
  if (!existsSync(path)) {
    process.stderr.write('Making three minutes of music for the benchmarks (only the first time) …\n');
    const piece = pieces.find(({ file }) => file === 'kitchen-floor.ogg') ?? pieces[0];
    if (!piece) throw new Error('There is no music.');
    const once = piece.render();
    const all = silence(seconds);
    for (let at = 0; at < all.left.length; at += once.left.length) {
      all.left.set(once.left.subarray(0, all.left.length - at), at);
      all.right.set(once.right.subarray(0, all.right.length - at), at);
    }
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
    writeFileSync(path, await encodeVorbis(all, 9));
  }
  return { path, ogg: readFileSync(path), seconds };
}

export function entryOf(title: string, path: string, seconds: number): CatalogueEntry {
  return { title, artists: ['Bench'], album: 'Bench', duration: Math.round(seconds * 1000), files: [{ format: 2, content: { path } }] };
}

export { RATE };
