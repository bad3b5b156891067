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

/** The part of a playable that says where its bytes are. */
export type ByteRecipe = Pick<Playable, 'cipher' | 'format'> & { readonly bytes: Exclude<Playable['bytes'], { readonly tone: unknown }> };

/** Opens what a playable's sound is made of, already deciphered. `onWanted` is called when every address has failed. */
export async function openBytes({ bytes, cipher, format }: ByteRecipe, world: HttpWorld, onWanted: () => void): Promise<OpenedBytes> {
  if ('file' in bytes) {
    const file = await openFileBytes(bytes.file);
    return { source: cipher ? new DecipheredBytes(file, cipher) : file, refresh: () => undefined };
  }
  // Of sound of unknown origin nobody knows what its server can do.
  if (bytes.live || format === 'any') {
    const { StreamBytes } = await import('./stream-bytes.ts');
    return { source: new StreamBytes(bytes.urls, world, bytes.live), refresh: () => undefined };
  }
  const http = new HttpBytes(bytes.urls, world, onWanted);
  return { source: cipher ? new DecipheredBytes(http, cipher) : http, refresh: (urls) => http.refresh(urls) };
}
