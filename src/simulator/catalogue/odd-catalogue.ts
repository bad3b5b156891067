import type { CatalogueEntry, FileEntry } from './entry.ts';

/** Titles of the odd entries, by what is odd about them. */
export const oddTitles = {
  plain: 'Plain',
  relinked: 'Relinked',
  standIn: 'Stand-in',
  restricted: 'Restricted',
  nowhere: 'Nowhere',
  onlyHere: 'Only here',
  otherCatalogue: 'Other catalogue',
  explicit: 'Explicit',
  embargoed: 'Embargoed',
  notYetAvailable: 'Not yet available',
  noFiles: 'No files',
  shortId: 'Short file id',
  onlyFlac: 'Only FLAC',
  unknownFormat: 'Unknown format',
  unencrypted: 'Unencrypted',
  filesInTrack: 'Files in track',
  noLoudness: 'No loudness',
  noDuration: 'No duration',
  small: 'Smaller than a chunk',
  episode: 'Plain episode',
} as const;

/**
 * One entry for every case of connect-session §12.15. `content` is what all of them sound like: a Vorbis stream of `duration` ms.
 * Users are taken to be in Sweden.
 */
export function oddCatalogue(content: FileEntry['content'], duration: number): readonly CatalogueEntry[] {
  const vorbis: FileEntry = { format: 2, content };
  const entry = (title: string, more: Partial<CatalogueEntry> = {}): CatalogueEntry => ({ title, artists: ['Odd'], album: 'Odd cases', duration, files: [vorbis], ...more });
  const nextCentury = Date.UTC(2100, 0, 1);
  return [
    entry(oddTitles.plain),
    entry(oddTitles.relinked, { restrictions: [{ forbidden: ['SE'] }], alternatives: [oddTitles.standIn] }),
    entry(oddTitles.standIn, { album: 'Stand-ins', listed: false }),
    entry(oddTitles.restricted, { restrictions: [{ forbidden: ['SE', 'NO'] }] }),
    entry(oddTitles.nowhere, { restrictions: [{ allowed: [] }] }),
    entry(oddTitles.onlyHere, { restrictions: [{ allowed: ['DE', 'SE'] }] }),
    entry(oddTitles.otherCatalogue, { restrictions: [{ allowed: [], catalogues: ['free'] }, { allowed: ['SE'], catalogues: ['premium'] }] }),
    entry(oddTitles.explicit, { explicit: true }),
    entry(oddTitles.embargoed, { earliestLive: nextCentury / 1000 }),
    entry(oddTitles.notYetAvailable, { availability: [{ catalogues: ['premium'], start: new Date(nextCentury) }] }),
    entry(oddTitles.noFiles, { files: [] }),
    entry(oddTitles.shortId, { files: [{ ...vorbis, id: Buffer.alloc(16, 0x1d) }] }),
    entry(oddTitles.onlyFlac, { files: [{ format: 16, content, page: false }] }),
    entry(oddTitles.unknownFormat, { files: [{ format: 99, content, page: false }, vorbis] }),
    entry(oddTitles.unencrypted, { files: [{ ...vorbis, page: false, encrypted: false }] }),
    entry(oddTitles.filesInTrack, { filesIn: 'track' }),
    entry(oddTitles.noLoudness, { loudness: null }),
    entry(oddTitles.noDuration, { duration: 0 }),
    entry(oddTitles.small, { files: [{ format: 0, content }] }),
    { kind: 'episode', title: oddTitles.episode, artists: ['Publisher'], album: 'Odd show', duration, files: [{ format: 0, content }] },
  ];
}
