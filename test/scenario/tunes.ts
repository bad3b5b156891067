import type { CatalogueEntry } from '#simulator';
import { encodeVorbis } from '../../src/simulator/music/encode.ts';
import { bell, pluck, RATE, silence, type Stereo } from '../../src/simulator/music/instruments.ts';
import { finish } from '../../src/simulator/music/room.ts';

/** A short piece of its own for each number: enough notes that no two places sound alike. */
function tune(number: number, seconds: number): Stereo {
  const sound = silence(seconds);
  for (let at = 0, n = number * 3; at < seconds - 0.2; at += 0.23, n++) {
    pluck(sound, { at, length: 0.3, note: 48 + ((n * 7 + number * 5) % 29), strength: 0.6, pan: Math.sin(n) });
    if (n % 4 === 0) bell(sound, { at, length: 1, note: 72 + ((n * 5) % 13), strength: 0.4, pan: -Math.sin(n) });
  }
  finish(sound, { fadeIn: 0.005, fadeOut: 0.05, peak: 0.8 });
  return sound;
}

export interface Tune {
  readonly title: string;
  readonly ogg: Buffer;
  readonly entry: CatalogueEntry;
}

/** Tracks made by the project's own code. The last one has an odd number of frames that is no multiple of anything. */
export async function makeTunes(lengths: readonly number[] = [10, 6.00123]): Promise<readonly Tune[]> {
  const tunes: Tune[] = [];
  for (const [number, seconds] of lengths.entries()) {
    const title = `Tune ${number + 1}`;
    const sound = tune(number, seconds);
    const ogg = await encodeVorbis(sound, [5, 8, 2][number % 3] ?? 5);
    tunes.push({
      title,
      ogg,
      entry: {
        title,
        artists: ['Test Bench'],
        album: 'Fixtures',
        number: number + 1,
        duration: Math.round((sound.left.length / RATE) * 1000),
        files: [{ format: [1, 2, 0][number % 3] ?? 1, content: { bytes: ogg } }],
      },
    });
  }
  return tunes;
}
