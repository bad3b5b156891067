import { drawPng } from '../catalogue/png.ts';

const parts = (colour: number): readonly [number, number, number] => [(colour >> 16) & 0xff, (colour >> 8) & 0xff, colour & 0xff];

/** A cover as PNG: a record in two colours (0xRRGGBB) on a slope between them. */
export function drawCover(colours: readonly [number, number], size = 300): Buffer {
  const [first, second] = [parts(colours[0]), parts(colours[1])];
  return drawPng(size, (x, y) => {
    const slope = (x + y) / (2 * size);
    const radius = Math.hypot(x - size * 0.5, y - size * 0.52) / size;
    const paint = (channel: 0 | 1 | 2) => {
      if (radius < 0.02) return 0;
      if (radius < 0.13) return first[channel];
      if (radius < 0.38) return second[channel] * (0.55 + 0.12 * Math.sin(radius * 420));
      return first[channel] * (1 - slope) + second[channel] * slope;
    };
    return [paint(0), paint(1), paint(2)];
  });
}
