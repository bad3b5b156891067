import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { parseBuffer, type IAudioMetadata } from 'music-metadata';
import { TonearmError } from '#foundation';
import type { CatalogueEntry, FileEntry } from './entry.ts';

const kinds: Readonly<Record<string, 'vorbis' | 'mp3' | 'flac'>> = { '.ogg': 'vorbis', '.oga': 'vorbis', '.mp3': 'mp3', '.flac': 'flac' };
const types = { vorbis: 'audio/ogg', mp3: 'audio/mpeg', flac: 'audio/flac' } as const;
const covers = ['cover.jpg', 'cover.png', 'folder.jpg', 'folder.png', 'front.jpg'];

/**
 * Makes a catalogue of a folder and everything below it: titles, artists, albums and covers from tags, else from file names.
 * The same piece in several formats becomes one track with several files.
 */
export async function readMusicFolder(folder: string): Promise<readonly CatalogueEntry[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-folder', message: `The music folder ${folder} cannot be read.`, cause });
  });
  const paths = found
    .filter((entry) => entry.isFile() && extname(entry.name).toLowerCase() in kinds)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const byPiece = new Map<string, CatalogueEntry>();
  for (const path of paths) {
    const entry = await readMusicFile(path);
    const { title, album = '', artists = [], disc, number } = entry;
    const key = [artists[0], album, disc, number, title].join('\n');
    const known = byPiece.get(key);
    const isNew = known?.files?.every((file) => entry.files?.[0]?.format !== file.format) ?? false;
    if (known && isNew) byPiece.set(key, { ...known, files: [...(known.files ?? []), ...(entry.files ?? [])] });
    else if (known) byPiece.set(path, { ...entry, title: `${title} (${basename(path)})` });
    else byPiece.set(key, entry);
  }
  if (byPiece.size > 0) return [...byPiece.values()];
  throw new TonearmError({ kind: 'not-found', code: 'simulator/empty-folder', message: `The music folder ${folder} holds no .ogg, .mp3 or .flac file.` });
}

async function readMusicFile(path: string): Promise<CatalogueEntry> {
  const kind = kinds[extname(path).toLowerCase()] ?? 'vorbis';
  const bytes = await readFile(path);
  const { common, format } = await parse(path, bytes, types[kind]);
  const duration = Math.round((format.duration ?? 0) * 1000);
  const bitrate = duration > 0 ? Math.round((bytes.length * 8) / duration) : 0;
  const picture = common.picture?.[0]?.data ?? (await coverBeside(path));
  const artists = common.artists?.filter((artist) => artist !== '') ?? [];
  return {
    title: common.title ?? basename(path, extname(path)),
    artists: artists.length > 0 ? artists : [common.artist ?? 'Unknown artist'],
    album: common.album ?? basename(dirname(path)),
    ...(common.track.no === null ? {} : { number: common.track.no }),
    ...(common.disk.no === null ? {} : { disc: common.disk.no }),
    duration,
    ...(picture ? { cover: picture } : {}),
    files: [{ format: formatOf(kind, bitrate), content: { path }, bitrate, ...gainOf(common) }],
  };
}

async function parse(path: string, bytes: Buffer, type: string): Promise<IAudioMetadata> {
  try {
    return await parseBuffer(bytes, { mimeType: type, path, size: bytes.length }, { duration: true });
  } catch (cause) {
    throw new TonearmError({ kind: 'corrupt', code: 'simulator/bad-music-file', message: `${path} cannot be read as music: mend it or take it out of the folder.`, cause });
  }
}

/** Vorbis by its mean rate, MP3 as the highest rate, FLAC as what nobody gets a key for (connect-session §12.6). */
function formatOf(kind: 'vorbis' | 'mp3' | 'flac', bitrate: number): number {
  if (kind === 'mp3') return 4;
  if (kind === 'flac') return 16;
  return bitrate <= 112 ? 0 : bitrate <= 240 ? 1 : 2;
}

function gainOf(common: IAudioMetadata['common']): Pick<FileEntry, 'gain'> {
  const track = common.replaygain_track_gain?.dB;
  if (track === undefined) return {};
  const trackPeak = common.replaygain_track_peak?.ratio ?? 1;
  return { gain: { track, trackPeak, album: common.replaygain_album_gain?.dB ?? track, albumPeak: common.replaygain_album_peak?.ratio ?? trackPeak } };
}

async function coverBeside(path: string): Promise<Buffer | null> {
  for (const name of covers) {
    const bytes = await readFile(join(dirname(path), name)).catch(() => null);
    if (bytes) return bytes;
  }
  return null;
}
