import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drawCover } from './cover.ts';
import { encodeVorbis } from './encode.ts';
import { pieces } from './pieces.ts';

/** Renders and encodes the demo's catalogue into `folder`: for each piece an Ogg Vorbis file and a cover. */
export async function renderMusic(folder: string, onPiece: (title: string) => void): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const piece of pieces) {
    onPiece(piece.title);
    await writeFile(join(folder, piece.file), await encodeVorbis(piece.render(), piece.quality));
    await writeFile(join(folder, `${piece.file}.png`), drawCover(piece.colours));
  }
}
