import { TonearmError } from '#foundation';
import type { Playable } from '#core';
import type { ByteSource } from './byte-source.ts';
import { DecipheredBytes } from './deciphered-bytes.ts';
import { openFileBytes } from './file-bytes.ts';
import { HttpBytes, type HttpWorld } from './http-bytes.ts';

export { ByteReader } from './byte-reader.ts';
export type { ByteSource } from './byte-source.ts';
export { HttpWorld } from './http-bytes.ts';

export interface OpenedBytes {
  readonly source: ByteSource;
  /** Takes new addresses; only what comes over HTTP has any. */
  readonly refresh: (urls: readonly string[]) => void;
}

/** Opens what a playable's sound is made of, already deciphered. `onWanted` is called when every address has failed. */
export async function openBytes(playable: Playable, world: HttpWorld, onWanted: () => void): Promise<OpenedBytes> {
  const { bytes, cipher } = playable;
  if ('file' in bytes) {
    const file = await openFileBytes(bytes.file);
    return { source: cipher ? new DecipheredBytes(file, cipher) : file, refresh: () => undefined };
  }
  if (bytes.live) throw new TonearmError({ kind: 'invalid', code: 'audio/live-not-supported', message: 'Live streams cannot be played yet.' });
  const http = new HttpBytes(bytes.urls, world, onWanted);
  return { source: cipher ? new DecipheredBytes(http, cipher) : http, refresh: (urls) => http.refresh(urls) };
}
