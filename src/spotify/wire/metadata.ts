import { isUsableFileId } from './ids.ts';
import type { Loudness } from './normalisation.ts';
import { audiofiles, decode, encode, metadata, type Input } from './proto/index.ts';

/** Tracks and episodes as the catalogue tells them (connect-session.md §12.3); `null` where a field was absent. */
export type TrackMetadata = metadata.Track;
export type EpisodeMetadata = metadata.Episode;
export type AlbumMetadata = metadata.Album;
export type ImageMetadata = metadata.Image;
export type AudioFile = metadata.AudioFile;
export type Restriction = metadata.Restriction;

/** Sizes of `ImageMetadata`: 300, 64, 640 pixels, and larger. */
export const ImageSize = { default: 0, small: 1, large: 2, xlarge: 3 } as const;

/** @throws WireError */
export function decodeTrack(bytes: Uint8Array): TrackMetadata {
  return decode(metadata.Track, bytes);
}

export function encodeTrack(track: Input<TrackMetadata>): Buffer {
  return encode(metadata.Track, track);
}

/** @throws WireError */
export function decodeEpisode(bytes: Uint8Array): EpisodeMetadata {
  return decode(metadata.Episode, bytes);
}

export function encodeEpisode(episode: Input<EpisodeMetadata>): Buffer {
  return encode(metadata.Episode, episode);
}

/** The answer to `AUDIO_FILES` (connect-session.md §12.2). */
export interface AudioFiles {
  readonly files: readonly AudioFile[];
  readonly loudness: Loudness | null;
  readonly albumLoudness: Loudness | null;
}

/** @throws WireError */
export function decodeAudioFiles(bytes: Uint8Array): AudioFiles {
  const answer = decode(audiofiles.AudioFilesExtensionResponse, bytes);
  return {
    files: answer.files.flatMap(({ file }) => (file ? [file] : [])),
    loudness: loudnessOf(answer.defaultFileNormalizationParams),
    albumLoudness: loudnessOf(answer.defaultAlbumNormalizationParams),
  };
}

function loudnessOf(params: audiofiles.NormalizationParams | null): Loudness | null {
  return params && { integrated: params.loudnessDb, peak: params.truePeakDb };
}

export function encodeAudioFiles({ files, loudness, albumLoudness }: Input<AudioFiles>): Buffer {
  return encode(audiofiles.AudioFilesExtensionResponse, {
    files: files?.map((file) => ({ file })),
    defaultFileNormalizationParams: paramsOf(loudness),
    defaultAlbumNormalizationParams: paramsOf(albumLoudness),
  });
}

function paramsOf(loudness: Input<Loudness> | null | undefined): Input<audiofiles.NormalizationParams> | null {
  return loudness ? { loudnessDb: loudness.integrated, truePeakDb: loudness.peak } : null;
}

/** Formats we can get a key for and decode (connect-session.md §12.6). All others, known or not, are passed over. */
export const AudioFormatId = { vorbis96: 0, vorbis160: 1, vorbis320: 2, mp3At256: 3, mp3At320: 4, mp3At160: 5, mp3At96: 6, flac: 16, flac24: 22 } as const;

export type Bitrate = 96 | 160 | 320;

const { vorbis96, vorbis160, vorbis320, mp3At96, mp3At160, mp3At256, mp3At320 } = AudioFormatId;

/** First present wins. */
const preferences: Readonly<Record<Bitrate, readonly number[]>> = {
  96: [vorbis96, mp3At96, vorbis160, mp3At160, mp3At256, vorbis320, mp3At320],
  160: [vorbis160, mp3At160, vorbis96, mp3At96, mp3At256, vorbis320, mp3At320],
  320: [vorbis320, mp3At320, mp3At256, vorbis160, mp3At160, vorbis96, mp3At96],
};

const nominal: Readonly<Record<number, number>> = {
  [vorbis96]: 96, [vorbis160]: 160, [vorbis320]: 320, [mp3At96]: 96, [mp3At160]: 160, [mp3At256]: 256, [mp3At320]: 320,
};

export interface ChosenFile {
  /** 20 bytes. */
  readonly id: Buffer;
  readonly format: number;
  readonly kind: 'vorbis' | 'mp3';
  /** Nominal, kbit/s. */
  readonly bitrate: number;
}

/** The file to play for a wished bitrate; `null` when none can be played. Ids that are not 20 bytes long are passed over. */
export function pickFormat(files: readonly AudioFile[], bitrate: Bitrate): ChosenFile | null {
  for (const format of preferences[bitrate]) {
    const id = files.find((file) => file.format === format && file.fileId !== null && isUsableFileId(file.fileId))?.fileId;
    if (id) return { id, format, kind: format <= vorbis320 ? 'vorbis' : 'mp3', bitrate: nominal[format] ?? 0 };
  }
  return null;
}
