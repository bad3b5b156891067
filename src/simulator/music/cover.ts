import { crc32, deflateSync } from 'node:zlib';

/** A cover as PNG: a record of the two colours on a slope between them. */
export function drawCover([first, second]: readonly [number, number], size = 300): Buffer {
  const part = (colour: number, shift: number) => (colour >> shift) & 0xff;
  const rows = Buffer.alloc(size * (1 + size * 3));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const slope = (x + y) / (2 * size);
      const radius = Math.hypot(x - size * 0.5, y - size * 0.52) / size;
      const groove = radius < 0.38 && radius > 0.13 ? 0.55 + 0.12 * Math.sin(radius * 420) : radius < 0.13 ? (radius < 0.02 ? 0 : 1) : null;
      for (const [channel, shift] of [16, 8, 0].entries()) {
        const base = part(first, shift) * (1 - slope) + part(second, shift) * slope;
        const value = groove === null ? base : groove === 1 ? part(first, shift) : part(second, shift) * groove;
        rows[y * (1 + size * 3) + 1 + x * 3 + channel] = Math.round(Math.min(255, Math.max(0, value)));
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2], 8);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
