import { crc32, deflateSync } from 'node:zlib';

/** A square PNG; `colourAt` gives red, green and blue, 0 to 255, of each dot. */
export function drawPng(size: number, colourAt: (x: number, y: number) => readonly [number, number, number]): Buffer {
  const stride = 1 + size * 3;
  const dots = Buffer.alloc(size * stride);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (const [channel, value] of colourAt(x, y).entries()) dots[y * stride + 1 + x * 3 + channel] = Math.round(Math.min(255, Math.max(0, value)));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2], 8);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('IDAT', deflateSync(dots)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
