/** One page of an Ogg stream. Offsets and lengths in bytes. */
export interface OggPage {
  readonly offset: number;
  readonly length: number;
  /** Samples decoded at its end; -1 when no packet ends on it. */
  readonly granule: number;
  readonly serial: number;
  readonly isFirst: boolean;
}

export interface OggStream {
  readonly rate: number;
  readonly channels: number;
  /** Samples per channel. */
  readonly samples: number;
  readonly bytes: number;
  readonly pages: readonly OggPage[];
}

/** Reads the page structure of an Ogg Vorbis file; null when it is none. */
export function parseOggStream(bytes: Buffer): OggStream | null {
  const pages = [...oggPages(bytes)];
  const first = pages[0];
  if (!first) return null;
  const packet = first.offset + 27 + (bytes[first.offset + 26] ?? 0);
  if (bytes.subarray(packet, packet + 7).toString('latin1') !== '\x01vorbis' || packet + 16 > bytes.length) return null;
  const samples = pages.reduce((most, page) => (page.serial === first.serial ? Math.max(most, page.granule) : most), 0);
  return { rate: bytes.readUInt32LE(packet + 12), channels: bytes[packet + 11] ?? 0, samples, bytes: bytes.length, pages };
}

function* oggPages(bytes: Buffer): Generator<OggPage> {
  let at = 0;
  while (at + 27 <= bytes.length) {
    if (bytes.toString('latin1', at, at + 4) !== 'OggS') {
      const next = bytes.indexOf('OggS', at + 1, 'latin1');
      if (next < 0) return;
      at = next;
      continue;
    }
    const segments = bytes[at + 26] ?? 0;
    if (at + 27 + segments > bytes.length) return;
    let length = 27 + segments;
    for (let segment = 0; segment < segments; segment++) length += bytes[at + 27 + segment] ?? 0;
    const granule = bytes.readBigInt64LE(at + 6);
    yield { offset: at, length, granule: granule < 0n ? -1 : Number(granule), serial: bytes.readUInt32LE(at + 14), isFirst: ((bytes[at + 5] ?? 0) & 2) !== 0 };
    at += length;
  }
}

/**
 * Where to start reading for each percent of the samples, 1 to 100: in 65536ths of the file (connect-session §12.10).
 * The next page from there on is the one that holds the sample, or the one before.
 */
export function percentPositions({ pages, samples, bytes }: OggStream): number[] {
  const sounding = pages.filter(({ granule }) => granule >= 0);
  let reached = 0;
  return Array.from({ length: 100 }, (_, at) => {
    const sample = ((at + 1) * samples) / 100;
    const found = sounding.findIndex(({ granule }) => granule >= sample);
    const page = sounding[found];
    const before = Math.max(0, sounding[found - 1]?.granule ?? 0);
    // Within a page the position moves on evenly, one page behind: the table can code slopes far better than steps.
    const share = page ? (sample - before) / Math.max(1, page.granule - before) : 1;
    const byte = page ? page.offset - (1 - share) * page.length : bytes;
    reached = Math.max(reached, Math.round((byte / bytes) * 65_536));
    return reached;
  });
}
