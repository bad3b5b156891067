import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogueEntry } from '../catalogue/entry.ts';
import { RATE } from './instruments.ts';
import { pieces } from './pieces.ts';

/** The rendered pieces as the cloud's catalogue. Rejects when `folder` does not hold them. */
export async function demoCatalogue(folder: string): Promise<readonly CatalogueEntry[]> {
  return await Promise.all(
    pieces.map(async (piece): Promise<CatalogueEntry> => {
      const path = join(folder, piece.file);
      return {
        title: piece.title,
        artists: [piece.artist],
        album: piece.album,
        number: piece.number,
        duration: Math.round((lastGranule(await readFile(path)) / RATE) * 1000),
        files: [{ format: formatOf(piece.quality), content: { path } }],
        cover: await readFile(`${path}.png`),
      };
    }),
  );
}

/** Nominal bitrate as Spotify lists it, from the encoder's quality. */
const formatOf = (quality: number): number => (quality >= 7 ? 2 : quality >= 4 ? 1 : 0);

/** Samples of an Ogg stream: the granule position of its last page. */
function lastGranule(ogg: Buffer): number {
  const page = ogg.lastIndexOf('OggS');
  return page < 0 ? 0 : Number(ogg.readBigUInt64LE(page + 6));
}
