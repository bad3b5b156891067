import { decode, encode, extendedmetadata, type Input } from './proto/index.ts';

/** Kinds of metadata one can ask for (connect-session.md §12.2). */
export const ExtensionKind = extendedmetadata.ExtensionKind;

/** The names the answers to some kinds carry. */
export const ExtensionTypeUrl: Readonly<Record<number, string>> = {
  [ExtensionKind.AUDIO_FILES]: 'type.googleapis.com/spotify.extendedmetadata.audiofiles.AudioFilesExtensionResponse',
  [ExtensionKind.ARTIST_V4]: 'type.googleapis.com/spotify.metadata.Artist',
  [ExtensionKind.ALBUM_V4]: 'type.googleapis.com/spotify.metadata.Album',
  [ExtensionKind.TRACK_V4]: 'type.googleapis.com/spotify.metadata.Track',
  [ExtensionKind.SHOW_V4]: 'type.googleapis.com/spotify.metadata.Show',
  [ExtensionKind.EPISODE_V4]: 'type.googleapis.com/spotify.metadata.Episode',
};

export interface ExtensionRequest {
  readonly uri: string;
  /** Of `ExtensionKind`. */
  readonly kinds: readonly number[];
}

export function encodeBatchedEntityRequest(requests: readonly ExtensionRequest[]): Buffer {
  return encode(extendedmetadata.BatchedEntityRequest, {
    entityRequest: requests.map(({ uri, kinds }) => ({ entityUri: uri, query: kinds.map((extensionKind) => ({ extensionKind })) })),
  });
}

/** @throws WireError */
export function decodeBatchedEntityRequest(bytes: Uint8Array): readonly ExtensionRequest[] {
  const { entityRequest } = decode(extendedmetadata.BatchedEntityRequest, bytes);
  return entityRequest.map(({ entityUri, query }) => ({ uri: entityUri, kinds: query.map(({ extensionKind }) => extensionKind) }));
}

/** One answer: what one entity has of one kind. */
export interface ExtensionAnswer {
  readonly uri: string;
  readonly kind: number;
  /** As in HTTP; anything but 200 concerns this answer only. */
  readonly status: number;
  readonly etag: string;
  /** Empty when there is no value. */
  readonly typeUrl: string;
  readonly value: Buffer;
}

/** All answers, flat: match them by kind and uri. @throws WireError */
export function decodeBatchedExtensionResponse(bytes: Uint8Array): readonly ExtensionAnswer[] {
  const { extendedMetadata } = decode(extendedmetadata.BatchedExtensionResponse, bytes);
  return extendedMetadata.flatMap(({ extensionKind: kind, extensionData }) =>
    extensionData.map(({ header, entityUri, extensionData: any }) => ({
      uri: entityUri,
      kind,
      status: header?.statusCode ?? 0,
      etag: header?.etag ?? '',
      typeUrl: any?.typeUrl ?? '',
      value: any?.value ?? Buffer.alloc(0),
    })),
  );
}

/** For the far side's part; `status` defaults to 200 and `typeUrl` to the right one. */
export function encodeBatchedExtensionResponse(answers: readonly (Input<ExtensionAnswer> & Pick<ExtensionAnswer, 'uri' | 'kind'>)[]): Buffer {
  const kinds = [...new Set(answers.map(({ kind }) => kind))];
  return encode(extendedmetadata.BatchedExtensionResponse, {
    header: {},
    extendedMetadata: kinds.map((kind) => ({
      header: { cacheTtlInSeconds: 3600, extensionType: 1 },
      extensionKind: kind,
      extensionData: answers
        .filter((answer) => answer.kind === kind)
        .map(({ uri, status, etag, typeUrl, value }) => ({
          header: { statusCode: status ?? 200, etag },
          entityUri: uri,
          extensionData: value && { typeUrl: typeUrl ?? ExtensionTypeUrl[kind], value },
        })),
    })),
  });
}
