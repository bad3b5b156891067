/** The head of one MPEG audio layer III frame (ISO 11172-3 §2.4.1.3, 13818-3). */
export interface FrameHeader {
  /** 1, 2, or 2.5. */
  readonly version: number;
  readonly rate: number;
  readonly channels: number;
  /** kbit/s. */
  readonly bitrate: number;
  /** Bytes with the head. */
  readonly length: number;
  /** Frames of sound it holds: 1152 or 576. */
  readonly samples: number;
  /** Bytes between the head and the main data. */
  readonly sideLength: number;
}

const bitrates = {
  full: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  low: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
const rates = [44_100, 48_000, 32_000] as const;

/** Reads four bytes; null when they are no head of a layer III frame. Free format is not supported. */
export function parseFrameHeader(bytes: Uint8Array, at = 0): FrameHeader | null {
  const [one = 0, two = 0, three = 0, four = 0] = bytes.subarray(at, at + 4);
  if (one !== 0xff || (two & 0xe0) !== 0xe0 || (two & 0x06) !== 0x02) return null;
  const version = [2.5, null, 2, 1][(two >> 3) & 3] ?? null;
  const fullRate = rates[(three >> 2) & 3];
  if (version === null || fullRate === undefined) return null;
  const isFull = version === 1;
  const bitrate = (isFull ? bitrates.full : bitrates.low)[three >> 4] ?? 0;
  if (bitrate === 0) return null;
  const rate = fullRate / (isFull ? 1 : version === 2 ? 2 : 4);
  const channels = four >> 6 === 3 ? 1 : 2;
  const samples = isFull ? 1152 : 576;
  const padding = (three >> 1) & 1;
  const checksum = (two & 1) === 0 ? 2 : 0;
  const sideLength = checksum + (isFull ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17);
  return { version, rate, channels, bitrate, samples, length: Math.floor((samples * bitrate * 125) / rate) + padding, sideLength };
}

/** What an encoder says of the whole file in a first frame without sound. */
export interface InfoTag {
  /** Frames after this one, or null. */
  readonly frames: number | null;
  readonly isConstant: boolean;
  /** Samples the encoder put in front and behind, or null when it does not say. */
  readonly delay: number | null;
  readonly padding: number | null;
}

/** The Xing/Info tag with LAME's extension; null when the frame is one of sound. */
export function parseInfoTag(frame: Buffer, header: FrameHeader): InfoTag | null {
  const at = 4 + header.sideLength;
  const name = frame.toString('latin1', at, at + 4);
  if (name === 'Xing' || name === 'Info') {
    const flags = frame.length >= at + 8 ? frame.readUInt32BE(at + 4) : 0;
    let next = at + 8;
    const frames = (flags & 1) !== 0 && frame.length >= next + 4 ? frame.readUInt32BE(next) : null;
    next += ((flags & 1) !== 0 ? 4 : 0) + ((flags & 2) !== 0 ? 4 : 0) + ((flags & 4) !== 0 ? 100 : 0) + ((flags & 8) !== 0 ? 4 : 0);
    // LAME's part: nine bytes of name, delay and padding 21 bytes in, twelve bits each.
    const hasDelays = frame.length >= next + 24 && /^(LAME|Lavf|Lavc|GOGO)/.test(frame.toString('latin1', next, next + 4));
    const delays = hasDelays ? frame.readUIntBE(next + 21, 3) : null;
    return { frames, isConstant: name === 'Info', delay: delays === null ? null : delays >> 12, padding: delays === null ? null : delays & 0xfff };
  }
  if (frame.toString('latin1', 36, 40) === 'VBRI' && frame.length >= 54) return { frames: frame.readUInt32BE(50), isConstant: false, delay: null, padding: null };
  return null;
}
