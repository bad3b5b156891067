import { ExtensionKind, decodeBatchedEntityRequest, encodeAudioFiles, encodeBatchedExtensionResponse, encodeEpisode, encodeTrack, hexToGid } from '#spotify/wire';
import { assertProtobufBody } from '../http/body.ts';
import { answerBytes, type Route } from '../http/exchange.ts';
import type { AudioFile, CatalogueItem, Named } from '../catalogue/item.ts';
import type { RestrictionEntry } from '../catalogue/entry.ts';
import type { Parts } from '../parts.ts';
import { Refused, decodeOr400 } from '../refused.ts';

const clause = 'connect-session §12.2';

/** What a track or episode is and which files it has, new way (connect-session §12.2) and old (§12.4). */
export function metadataRoutes(parts: Parts): Route[] {
  const { catalogue, faults, journal } = parts;
  return [
    {
      name: 'metadata/extended',
      service: 'metadata',
      method: 'POST',
      path: '/extended-metadata/v0/extended-metadata',
      authorisation: 'client',
      clause,
      handle(exchange) {
        assertProtobufBody(exchange, clause);
        const requests = decodeOr400(clause, 'BatchedEntityRequest', () => decodeBatchedEntityRequest(exchange.body));
        if (requests.length === 0) throw new Refused(400, clause, 'nothing was asked for');
        journal.record('metadata', 'extended metadata', { requests }, exchange.phone);
        const answers = requests.flatMap(({ uri, kinds }) => kinds.map((kind) => ({ uri, kind, ...answerFor(parts, uri, kind, exchange.phone) })));
        return answerBytes(encodeBatchedExtensionResponse(answers));
      },
    },
    {
      name: 'metadata/old',
      service: 'metadata',
      method: 'GET',
      path: '/metadata/4/{kind}/{id}',
      authorisation: 'client',
      clause: 'connect-session §12.4',
      handle({ parameters: { kind = '', id = '' } }) {
        const gid = decodeOr400('connect-session §1.2', `id ${id}`, () => hexToGid(id));
        const item = catalogue.byGid(gid);
        const status = faults.take('metadata/entry-status')?.status;
        if (status !== undefined) return { status };
        if (item?.kind !== kind) throw new Refused(404, 'connect-session §12.4', `no ${kind} ${id}`);
        // Receivers that still ask here know no other place for the list of files.
        return answerBytes(encodeItem(parts, item, true));
      },
    },
  ];
}

function answerFor(parts: Parts, uri: string, kind: number, phone: string | null): { readonly status: number; readonly value?: Buffer } {
  const forced = parts.faults.take('metadata/entry-status')?.status;
  if (forced !== undefined) return { status: forced };
  const item = parts.catalogue.byUri(uri);
  if (!item) {
    parts.journal.refuse({ service: 'metadata', clause, what: `no entity ${uri}`, refused: true, phone });
    return { status: 404 };
  }
  const wanted = item.kind === 'track' ? ExtensionKind.TRACK_V4 : ExtensionKind.EPISODE_V4;
  const { filesIn = item.kind === 'track' ? 'extension' : 'both' } = item.entry;
  if (kind === wanted) return { status: 200, value: encodeItem(parts, item, filesIn !== 'extension') };
  if (kind === ExtensionKind.AUDIO_FILES && filesIn !== 'track') return { status: 200, value: encodeFiles(item) };
  return { status: 404 };
}

function encodeFiles({ files, loudness }: CatalogueItem): Buffer {
  const album = loudness?.albumIntegrated === undefined ? null : { integrated: loudness.albumIntegrated, peak: loudness.albumPeak ?? loudness.peak };
  return encodeAudioFiles({
    files: files.map(fileOf),
    ...(loudness ? { loudness: { integrated: loudness.integrated, peak: loudness.peak }, albumLoudness: album ?? { integrated: loudness.integrated, peak: loudness.peak } } : {}),
  });
}

function encodeItem(parts: Parts, item: CatalogueItem, withFiles: boolean): Buffer {
  return item.kind === 'track' ? encodeTrack(trackOf(parts, item, withFiles)) : encodeEpisode(episodeOf(item, withFiles));
}

function trackOf({ catalogue }: Parts, item: CatalogueItem, withFiles: boolean) {
  const { entry, album, artists } = item;
  const alternatives = (entry.alternatives ?? []).map((name) => catalogue.get(name));
  return {
    gid: item.gid,
    name: item.title,
    album: {
      gid: album.gid,
      name: album.name,
      artist: artists.slice(0, 1).map(bare),
      type: 1,
      label: 'Simulator',
      date: { year: 2024, month: 5, day: 17 },
      coverGroup: { image: imagesOf(item) },
      cover: imagesOf(item),
    },
    artist: artists.map(bare),
    number: item.number,
    discNumber: item.disc,
    duration: item.duration,
    popularity: 50,
    explicit: item.explicit,
    externalId: [{ type: 'isrc', id: `SIM${item.gid.toString('hex').slice(0, 9).toUpperCase()}` }],
    restriction: (entry.restrictions ?? []).map(restrictionOf),
    file: withFiles ? item.files.map(fileOf) : [],
    alternative: alternatives.map((other) => ({
      gid: other.gid,
      restriction: (other.entry.restrictions ?? []).map(restrictionOf),
      file: withFiles ? other.files.map(fileOf) : [],
    })),
    hasLyrics: false,
    languageOfPerformance: ['zxx'],
    canonicalUri: item.uri,
    ...(entry.earliestLive === undefined ? {} : { earliestLiveTimestamp: entry.earliestLive }),
    availability: (entry.availability ?? []).map(availabilityOf),
  };
}

function episodeOf(item: CatalogueItem, withFiles: boolean) {
  const { entry, album } = item;
  return {
    gid: item.gid,
    name: item.title,
    duration: item.duration,
    audio: withFiles ? item.files.map(fileOf) : [],
    description: `${item.title} of ${album.name}`,
    number: item.number,
    publishTime: { year: 2024, month: 5, day: 17, hour: 6, minute: 0 },
    coverImage: { image: imagesOf(item) },
    language: 'en',
    explicit: item.explicit,
    show: { gid: album.gid, name: album.name, publisher: item.artists[0]?.name ?? '', coverImage: { image: imagesOf(item) } },
    restriction: (entry.restrictions ?? []).map(restrictionOf),
    availability: (entry.availability ?? []).map(availabilityOf),
    ...(entry.externalUrl === undefined ? {} : { externalUrl: entry.externalUrl }),
    type: 0,
  };
}

function bare({ gid, name }: Named) {
  return { gid, name };
}

function imagesOf({ pictures }: CatalogueItem) {
  return pictures.map(({ id, size, width }) => ({ fileId: id, size, width, height: width }));
}

function fileOf({ id, format }: AudioFile) {
  return { fileId: id, format };
}

function restrictionOf({ allowed, forbidden, catalogues = [] }: RestrictionEntry) {
  return {
    catalogueStr: [...catalogues],
    type: 0,
    ...(allowed ? { countriesAllowed: allowed.join('') } : {}),
    ...(forbidden ? { countriesForbidden: forbidden.join('') } : {}),
  };
}

function availabilityOf({ catalogues = [], start }: { readonly catalogues?: readonly string[]; readonly start?: Date }) {
  return {
    catalogueStr: [...catalogues],
    ...(start
      ? { start: { year: start.getUTCFullYear(), month: start.getUTCMonth() + 1, day: start.getUTCDate(), hour: start.getUTCHours(), minute: start.getUTCMinutes() } }
      : {}),
  };
}
