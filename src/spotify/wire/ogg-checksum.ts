const polynomial = 0x04c11db7;

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ polynomial : value << 1;
  return value;
});

/** Where an Ogg page keeps its checksum. */
const at = 22;

/** The checksum of an Ogg page, which counts its own four bytes as zero (RFC 3533 §6). */
export function oggChecksum(page: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < page.length; index++) {
    const byte = index >= at && index < at + 4 ? 0 : (page[index] ?? 0);
    sum = (sum << 8) ^ (table[((sum >>> 24) ^ byte) & 0xff] ?? 0);
  }
  return sum >>> 0;
}
