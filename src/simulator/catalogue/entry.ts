/** What a simulated cloud can play, as tests and folders say it. */
export interface CatalogueEntry {
  readonly kind?: 'track' | 'episode';
  readonly title: string;
  /** First one is the main artist. Default `Nobody`. For an episode: the publisher. */
  readonly artists?: readonly string[];
  /** Album, or show of an episode. Default: the title. */
  readonly album?: string;
  readonly number?: number;
  readonly disc?: number;
  /** Milliseconds, as metadata will say. */
  readonly duration: number;
  readonly explicit?: boolean;
  /** `spotify:track:…`. Default: made from the seed, artist, album and title. */
  readonly uri?: string;
  readonly files?: readonly FileEntry[];
  /** Where the files are listed: in AUDIO_FILES only (the rule since 2025 for tracks), in the item itself only, or in both (default for episodes). */
  readonly filesIn?: 'extension' | 'track' | 'both';
  /** JPEG or PNG bytes. Default: a plain square. */
  readonly cover?: Uint8Array;
  readonly restrictions?: readonly RestrictionEntry[];
  /** URIs or titles of other entries that may stand in (relinking, connect-session §12.5). */
  readonly alternatives?: readonly string[];
  /** Unix seconds or milliseconds, sent as it is. */
  readonly earliestLive?: number;
  readonly availability?: readonly { readonly catalogues?: readonly string[]; readonly start?: Date }[];
  /** LUFS and dBTP; null leaves them out. */
  readonly loudness?: LoudnessEntry | null;
  /** In the list of everything and in its album. Default true; alternatives usually are not. */
  readonly listed?: boolean;
  /** For an episode whose audio is hosted elsewhere. */
  readonly externalUrl?: string;
}

export interface LoudnessEntry {
  readonly integrated: number;
  readonly peak: number;
  readonly albumIntegrated?: number;
  readonly albumPeak?: number;
}

export interface FileEntry {
  /** Number of the format (connect-session §12.6): 0, 1, 2 Vorbis; 4 MP3; 16 FLAC. Anything goes. */
  readonly format: number;
  /** The file as a player would open it: an Ogg stream, an MP3 file … */
  readonly content: { readonly path: string } | { readonly bytes: Uint8Array };
  /** Default: 20 bytes made from the seed. */
  readonly id?: Uint8Array;
  /** Default true. */
  readonly encrypted?: boolean;
  /** Put the extra Ogg page in front. Default: for formats 0, 1 and 2. */
  readonly page?: boolean;
  /** Whether the access point hands out the key. Default: not for FLAC (16, 22). */
  readonly keyed?: boolean;
  /** kbit/s in AUDIO_FILES. Default: the nominal rate. */
  readonly bitrate?: number;
  /** For the extra page; dB and linear. Default 0 dB and peak 1. */
  readonly gain?: { readonly track: number; readonly trackPeak: number; readonly album: number; readonly albumPeak: number };
}

/** At most one of the country lists; an empty allowed list means nowhere. */
export interface RestrictionEntry {
  readonly allowed?: readonly string[];
  readonly forbidden?: readonly string[];
  /** `premium`, `free` …; none: all of them. */
  readonly catalogues?: readonly string[];
}
