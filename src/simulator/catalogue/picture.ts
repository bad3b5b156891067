import { createHash } from 'node:crypto';
import { drawPng } from './png.ts';

/** A PNG square in a colour of its own for each name: covers for what has none. */
export function drawSquare(name: string, size = 64): Buffer {
  const [red = 0, green = 0, blue = 0] = createHash('sha256').update(name).digest();
  return drawPng(size, (x) => {
    const shade = 0.6 + (0.4 * x) / size;
    return [red * shade, green * shade, blue * shade];
  });
}
