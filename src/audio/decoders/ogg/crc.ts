/** Four tables, so that four bytes are taken at a step. Polynomial 0x04c11db7, not reflected, as Ogg has it. */
function makeTables(): readonly Uint32Array[] {
  const first = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = index << 24;
    for (let bit = 0; bit < 8; bit++) value = value & 0x8000_0000 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
    first[index] = value >>> 0;
  }
  const all = [first];
  for (let step = 1; step < 4; step++) {
    const last = all[step - 1] ?? first;
    all.push(last.map((value) => ((value << 8) ^ (first[value >>> 24] ?? 0)) >>> 0));
  }
  return all;
}

/** The checksum of a whole Ogg page, its own checksum field (bytes 22 to 25) counted as zeros. */
export function pageChecksum(page: Buffer): number {
  return run(run(run(0, page, 0, 22), zeros, 0, 4), page, 26, page.length) >>> 0;
}

const zeros = Buffer.alloc(4);

/* Constants of a function, not of the module, so that they are known when the loop is compiled. The indices are masked to a byte: every look-up hits. */
/* eslint-disable @typescript-eslint/no-non-null-assertion */
const run = ((): ((seed: number, bytes: Buffer, from: number, to: number) => number) => {
  const [one, two, three, four] = makeTables() as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  return (seed, bytes, from, to) => {
    let crc = seed;
    let at = from;
    for (; at + 4 <= to; at += 4) {
      crc ^= (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      crc = four[crc >>> 24]! ^ three[(crc >>> 16) & 255]! ^ two[(crc >>> 8) & 255]! ^ one[crc & 255]!;
    }
    for (; at < to; at++) crc = (crc << 8) ^ one[((crc >>> 24) ^ bytes[at]!) & 255]!;
    return crc;
  };
})();
