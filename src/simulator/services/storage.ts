import { createHmac } from 'node:crypto';
import { encodeStorageResolve } from '#spotify/wire';
import type { AudioFile } from '../catalogue/item.ts';
import { cdnNames, type CdnStyle } from '../http/host-names.ts';
import { answerBytes, type Answer, type Exchange, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused } from '../refused.ts';

/** How long an address of the CDN lives, in seconds. */
export const addressLifetime = 86_400;

/** Files that an address without signature was given for. */
const unsigned = new WeakSet<AudioFile>();

export function needsSignature(file: AudioFile): boolean {
  return !unsigned.has(file);
}

const styles: readonly CdnStyle[] = ['bare', 'token', 'verify', 'expires'];

/** Addresses of files (connect-session §12.7): with and without format in the path. */
export function storageRoutes(parts: Parts): Route[] {
  const route = (name: string, path: string): Route => ({
    name,
    service: 'storage',
    method: 'GET',
    path,
    authorisation: 'client',
    clause: 'connect-session §12.7',
    handle: (exchange) => resolve(parts, exchange),
  });
  return [
    route('storage/resolve', '/storage-resolve/v2/files/audio/interactive/{format}/{file}'),
    route('storage/prefetch', '/storage-resolve/v2/files/audio/interactive_prefetch/{format}/{file}'),
    route('storage/old', '/storage-resolve/files/audio/interactive/{file}'),
  ];
}

function resolve({ catalogue, faults, seed, time, addresses }: Parts, { parameters, query }: Exchange): Answer {
  const { file: hex = '', format } = parameters;
  if (!/^[0-9a-f]{40}$/.test(hex)) throw new Refused(400, 'connect-session §1.4', `"${hex}" is not a file id of 40 lower-case hex digits`);
  const file = catalogue.file(hex);
  if (!file) throw new Refused(404, 'connect-session §12.7', `no file ${hex}`);
  if (format !== undefined && Number(format) !== file.format) {
    throw new Refused(404, 'connect-session §12.7', `file ${hex} has format ${file.format}, not ${format}`);
  }
  const about = { file: hex };
  if (faults.take('storage/restricted', about)) return answerBytes(encodeStorageResolve({ result: 'restricted' }));
  if (faults.take('storage/old-result', about)) return answerBytes(encodeStorageResolve({ result: 'storage' }));
  if (faults.take('storage/empty', about)) return answerBytes(encodeStorageResolve({ result: 'cdn', urls: [], fileId: file.id }));
  if (faults.take('storage/no-expiry', about)) {
    unsigned.add(file);
    return answerBytes(encodeStorageResolve({ result: 'cdn', urls: [addressOf(file, 'none', 0, seed, addresses.cdn('none'))] }));
  }
  const now = Math.floor(time.now() / 1000);
  const urls = styles.map((style) => addressOf(file, style, now + addressLifetime, seed, addresses.cdn(style)));
  if (faults.take('storage/expired', about)) urls.unshift(addressOf(file, 'bare', now - 60, seed, addresses.cdn('bare')));
  if (faults.take('storage/dead-host', about)) urls.unshift(addressOf(file, 'verify', now + addressLifetime, seed, 'http://127.0.0.9:9'));
  if (query.get('alt') === 'json') return { status: 200, json: { result: 'CDN', cdnurl: urls, fileid: file.id.toString('base64') } };
  return answerBytes(encodeStorageResolve({ result: 'cdn', urls, fileId: file.id }));
}

/** A signed address in one of the styles in use. */
export function addressOf({ hex }: Pick<AudioFile, 'hex'>, style: CdnStyle, expires: number, seed: string, base: string): string {
  const signature = signAddress(seed, hex, expires);
  const query = {
    bare: `?${expires}_${signature}=`,
    token: `?__token__=exp=${expires}~hmac=${signature}`,
    verify: `?verify=${expires}-${signature}`,
    expires: `?Expires=${expires}~FullPath~hmac=${signature}`,
    none: '',
  }[style];
  return `${base}/audio/${hex}${query}`;
}

export function signAddress(seed: string, hex: string, expires: number): string {
  return createHmac('sha256', seed).update(`${hex}/${expires}`).digest('base64url').slice(0, 32);
}

/** All real names of the CDN. */
export const cdnHosts: readonly string[] = Object.values(cdnNames);
