import { cdnUrlExpiry } from '#spotify/wire';
import { readStored, type AudioFile } from '../catalogue/item.ts';
import type { Answer, Exchange, Route } from '../http/exchange.ts';
import type { Faults } from '../faults.ts';
import type { Parts } from '../parts.ts';
import { Refused } from '../refused.ts';
import { needsSignature, signAddress } from './storage.ts';

/** Bytes of encrypted files in ranges, and of pictures (connect-session §12.8). */
export function cdnRoutes(parts: Parts): Route[] {
  const common = { service: 'cdn', method: 'GET', authorisation: 'forbidden', clause: 'connect-session §12.8' } as const;
  return [
    { ...common, name: 'cdn/audio', path: '/audio/{file}', handle: (exchange) => serve(parts, exchange) },
    {
      ...common,
      name: 'cdn/head',
      path: '/head/{file}',
      async handle({ parameters }) {
        const file = parts.catalogue.file(parameters['file'] ?? '');
        if (!file) throw new Refused(404, 'connect-session §5.7', 'no such file');
        const size = await file.source.size();
        return { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body: await file.source.read(0, Math.min(size, 128 << 10)) };
      },
    },
    {
      ...common,
      name: 'images/image',
      service: 'images',
      path: '/image/{id}',
      handle({ parameters }) {
        const picture = parts.catalogue.pictures.find(parameters['id'] ?? '');
        if (!picture) throw new Refused(404, 'connect-session §12.3', `no image ${parameters['id'] ?? ''}`);
        return { status: 200, headers: { 'Content-Type': picture.type, 'Cache-Control': 'max-age=31536000' }, body: picture.bytes };
      },
    },
  ];
}

async function serve({ catalogue, faults, seed, time }: Parts, { parameters, path, rawQuery, headers, host }: Exchange): Promise<Answer> {
  const hex = parameters['file'] ?? '';
  const file = catalogue.file(hex);
  if (!file) throw new Refused(404, 'connect-session §12.8', `no file ${hex}`);
  const expires = cdnUrlExpiry(`http://cdn${path}?${rawQuery}`);
  if (rawQuery === '' && needsSignature(file)) throw new Refused(403, 'connect-session §12.7', 'the address has lost its signature');
  if (rawQuery !== '' && (expires === null || !rawQuery.includes(signAddress(seed, hex, expires)))) {
    throw new Refused(403, 'connect-session §12.7', 'the address was altered: its signature does not fit');
  }
  // An expired address is no breach: that is what resolving again is for.
  if (expires !== null && expires <= time.now() / 1000) return { status: 403 };
  const total = await file.source.size();
  const about = { file: hex, host };
  const range = faults.take('cdn/no-ranges', about) ? null : wantedRange(headers.get('range'), total);
  if (range === 'beyond') return { status: 416, headers: { 'Content-Range': `bytes */${total}` } };
  const [from, to] = range ?? [0, total];
  const body = await corrupted(file, from, to, faults, about);
  const shift = faults.take('cdn/wrong-range', about) ? 1 : 0;
  return {
    status: range ? 206 : 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Accept-Ranges': 'bytes',
      ...(range ? { 'Content-Range': `bytes ${from + shift}-${to - 1 + shift}/${total}` } : {}),
    },
    body,
    ...pacing(faults, about),
  };
}

function pacing(faults: Faults, about: { readonly file: string; readonly host: string }): Pick<Answer, 'pace' | 'cut'> {
  const slow = faults.take('cdn/slow', about);
  const truncate = faults.take('cdn/truncate', about);
  const reset = faults.take('cdn/reset', about);
  const cut = truncate ? { bytes: truncate.bytes, reset: false } : reset ? { bytes: reset.bytes, reset: true } : null;
  return { ...(slow ? { pace: slow.bytesPerSecond } : {}), ...(cut ? { cut } : {}) };
}

/** `bytes=a-b`, `bytes=a-` and `bytes=-n`; null without or with several ranges, `beyond` past the end. */
function wantedRange(header: string | undefined, total: number): readonly [number, number] | 'beyond' | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return null;
  if (first === '') return Number(last) === 0 ? 'beyond' : [Math.max(0, total - Number(last)), total];
  const from = Number(first);
  if (from >= total) return 'beyond';
  if (last !== '' && Number(last) < from) return null;
  return [from, last === '' ? total : Math.min(total, Number(last) + 1)];
}

async function corrupted(file: AudioFile, from: number, to: number, faults: Faults, about: { readonly file: string; readonly host: string }): Promise<Buffer> {
  const body = await readStored(file, from, to);
  const damage = faults.take('cdn/corrupt', about);
  if (!damage) return body;
  const out = Buffer.from(body);
  for (let at = Math.max(damage.from, from); at < Math.min(damage.to, to); at++) out[at - from] = (out[at - from] ?? 0) ^ 0xa5;
  return out;
}
