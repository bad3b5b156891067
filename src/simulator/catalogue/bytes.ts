import { open, readFile, stat } from 'node:fs/promises';
import { buildSeekTable, encodeAudioHeader } from '#spotify/wire';
import type { FileEntry } from './entry.ts';
import type { ByteSource } from './item.ts';
import { parseOggStream, percentPositions } from './ogg-pages.ts';

/** Bytes in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: () => Promise.resolve(buffer.length), read: (from, to) => Promise.resolve(buffer.subarray(from, to)) };
}

/** Bytes of a file on disk, read as they are asked for. */
export function fileSource(path: string): ByteSource {
  let size: Promise<number> | undefined;
  return {
    size: () => (size ??= stat(path).then((stats) => stats.size)),
    async read(from, to) {
      const file = await open(path);
      try {
        const buffer = Buffer.alloc(Math.max(0, to - from));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}

/** What the CDN keeps for a file: its bytes, with the extra Ogg page in front of Vorbis (connect-session §12.10). */
export function storedSource({ content, format, page = format <= 2, gain }: FileEntry): ByteSource {
  const plain = 'path' in content ? fileSource(content.path) : memorySource(content.bytes);
  if (!page) return plain;
  let header: Promise<Buffer> | undefined;
  const extra = () => (header ??= headerPage('path' in content ? readFile(content.path) : Promise.resolve(Buffer.from(content.bytes)), gain));
  return {
    size: async () => (await extra()).length + (await plain.size()),
    async read(from, to) {
      const front = await extra();
      const head = front.subarray(Math.min(from, front.length), Math.min(to, front.length));
      if (to <= front.length) return head;
      const rest = await plain.read(Math.max(0, from - front.length), to - front.length);
      return head.length === 0 ? rest : Buffer.concat([head, rest]);
    },
  };
}

async function headerPage(bytes: Promise<Buffer>, gain: FileEntry['gain']): Promise<Buffer> {
  const stream = parseOggStream(await bytes);
  const positions = stream ? percentPositions(stream) : Array<number>(100).fill(0);
  return encodeAudioHeader({
    samples: stream?.samples ?? 0,
    bytes: stream?.bytes ?? 0,
    seek: buildSeekTable(positions),
    trackGain: gain?.track ?? 0,
    trackPeak: gain?.trackPeak ?? 1,
    albumGain: gain?.album ?? 0,
    albumPeak: gain?.albumPeak ?? 1,
  });
}
