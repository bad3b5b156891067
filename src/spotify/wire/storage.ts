import { decode, encode, storage } from './proto/index.ts';

/** Where a file can be fetched (connect-session.md §12.7). */
export interface StorageAnswer {
  readonly result: 'cdn' | 'storage' | 'restricted' | 'unknown';
  /** In the order in which they are to be tried. */
  readonly urls: readonly string[];
  /** Non-empty: the addresses expire. */
  readonly fileId: Buffer;
}

/** @throws WireError */
export function decodeStorageResolve(bytes: Uint8Array): StorageAnswer {
  const { result, cdnurl, fileid } = decode(storage.StorageResolveResponse, bytes);
  return { result: resultName(result), urls: cdnurl, fileId: fileid };
}

function resultName(result: number): StorageAnswer['result'] {
  switch (result) {
    case storage.Result.CDN:
      return 'cdn';
    case storage.Result.STORAGE:
      return 'storage';
    case storage.Result.RESTRICTED:
      return 'restricted';
    default:
      return 'unknown';
  }
}

export function encodeStorageResolve({ result, urls, fileId }: { readonly result?: 'cdn' | 'storage' | 'restricted'; readonly urls?: readonly string[]; readonly fileId?: Uint8Array }): Buffer {
  const code = result === 'restricted' ? storage.Result.RESTRICTED : result === 'storage' ? storage.Result.STORAGE : storage.Result.CDN;
  return encode(storage.StorageResolveResponse, { result: code, cdnurl: urls, fileid: fileId });
}

/** When a CDN address expires, in Unix seconds; `null` when it does not say. Never throws. */
export function cdnUrlExpiry(url: string): number | null {
  const query = URL.canParse(url) ? new URL(url).search.slice(1) : '';
  if (query === '') return null;
  const values = new Map(query.split('&').map((part) => [part.split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1)]));
  const verify = values.get('verify');
  if (verify !== undefined) return seconds(verify.split('-', 1)[0]);
  const token = values.get('__token__');
  if (token !== undefined) return seconds(/exp=([^~]*)/.exec(token)?.[1]);
  const expires = values.get('Expires');
  if (expires !== undefined) return seconds(expires.split('~', 1)[0]);
  return query.includes('_') ? seconds(query.split('_', 1)[0]) : null;
}

function seconds(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
}
