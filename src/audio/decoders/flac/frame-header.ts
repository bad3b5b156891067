/** What the STREAMINFO block says (RFC 9639 §8.2). */
export interface StreamInfo {
  readonly rate: number;
  readonly channels: number;
  readonly bits: number;
  /** Frames of sound in all; null when unknown. */
  readonly length: number | null;
  /** Sound frames in each FLAC frame, where that is always the same. */
  readonly blockSize: number;
  readonly largestFrame: number;
}

export function parseStreamInfo(block: Buffer): StreamInfo | null {
  if (block.length < 34) return null;
  const packed = block.readBigUInt64BE(10);
  const rate = Number(packed >> 44n);
  const length = Number(packed & 0xf_ffff_ffffn);
  if (rate === 0) return null;
  return {
    rate,
    channels: Number((packed >> 41n) & 7n) + 1,
    bits: Number((packed >> 36n) & 31n) + 1,
    length: length === 0 ? null : length,
    blockSize: block.readUInt16BE(2),
    largestFrame: block.readUIntBE(7, 3),
  };
}

const crcTable = Uint8Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80 ? (value << 1) ^ 0x07 : value << 1;
  return value & 0xff;
});

/** The first sound frame of the FLAC frame that starts at `at`; null when none starts there (RFC 9639 §9.1). */
export function frameStart(bytes: Uint8Array, at: number, info: StreamInfo): number | null {
  const two = bytes[at + 1] ?? 0;
  const three = bytes[at + 2] ?? 0;
  const four = bytes[at + 3] ?? 0;
  if (bytes[at] !== 0xff || (two & 0xfe) !== 0xf8 || (four & 1) !== 0 || three >> 4 === 0 || (three & 15) === 15 || four >> 4 > 10) return null;
  const coded = decodeNumber(bytes, at + 4);
  if (!coded) return null;
  const sizeCode = three >> 4;
  const rateCode = three & 15;
  const end = coded.next + (sizeCode === 6 ? 1 : sizeCode === 7 ? 2 : 0) + (rateCode === 12 ? 1 : rateCode === 13 || rateCode === 14 ? 2 : 0);
  if (end >= bytes.length) return null;
  let crc = 0;
  for (let index = at; index < end; index++) crc = crcTable[crc ^ (bytes[index] ?? 0)] ?? 0;
  if (crc !== bytes[end]) return null;
  return (two & 1) === 0 ? coded.value * info.blockSize : coded.value;
}

/** The UTF-8-like number of a frame, up to 36 bits. */
function decodeNumber(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } | null {
  const first = bytes[at] ?? 0xff;
  if (first < 0x80) return { value: first, next: at + 1 };
  let more = 0;
  while (more < 7 && (first & (0x80 >> more)) !== 0) more += 1;
  if (more < 2 || more > 7) return null;
  let value = more === 7 ? 0 : first & (0x7f >> more);
  for (let index = 1; index < more; index++) {
    const byte = bytes[at + index] ?? 0;
    if ((byte & 0xc0) !== 0x80) return null;
    value = value * 64 + (byte & 0x3f);
  }
  return { value, next: at + more };
}
