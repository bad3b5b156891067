import { decodeKeyRequest, encodeKey, encodeKeyError } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { Parts } from '../parts.ts';

/** What a key request leads to: a packet, at once or late, or nothing at all. */
export type KeyAnswer =
  | { readonly kind: 'key' | 'error'; readonly payload: Buffer; readonly delay: number; readonly hold: boolean }
  | { readonly kind: 'silence' };

/** Decides over one request for an audio key (connect-session §6). Throws when the request is malformed. */
export function answerKeyRequest({ catalogue, faults, journal }: Parts, payload: Buffer, account: Account, device: string, granted: number): KeyAnswer {
  const { fileId, gid, sequence } = decodeKeyRequest(payload);
  const hex = fileId.toString('hex');
  const about = { device, file: hex };
  const notice = (clause: string, what: string) => journal.refuse({ service: 'access-point', clause, what: `key request ${sequence}: ${what}`, refused: true });
  if (payload.readUInt16BE(40) !== 0) journal.refuse({ service: 'access-point', clause: 'connect-session §6.1', what: `key request ${sequence}: the last two bytes are not zero`, refused: false });
  journal.record('access-point', 'key request', { device, gid: gid.toString('hex'), file: hex, sequence });
  if (faults.take('access-point/key-silence', about)) return { kind: 'silence' };
  const delay = faults.take('access-point/key-delay', about)?.by ?? 0;
  const hold = faults.take('access-point/key-reorder', about) !== null;
  const refuse = (code: number): KeyAnswer => ({ kind: 'error', payload: encodeKeyError({ sequence, code }), delay, hold });

  const refusal = faults.take('access-point/key-refuse', about);
  if (refusal) return refuse(refusal.bytes ?? 1);
  const throttle = faults.peek('access-point/key-throttle', about);
  if (throttle && granted >= (throttle.after ?? 0)) {
    faults.take('access-point/key-throttle', about);
    return refuse(2);
  }
  const file = catalogue.file(hex);
  const owner = catalogue.byGid(gid);
  if (!file) {
    notice('connect-session §6.5', `no such file ${hex}`);
    return refuse(1);
  }
  if (!owner?.files.includes(file)) {
    notice('connect-session §12.5', `file ${hex} belongs to ${file.owner().uri}: the gid of another item was sent`);
    return refuse(1);
  }
  if (!file.isKeyed) {
    notice('connect-session §12.6', `format ${file.format} is not released through this service`);
    return refuse(1);
  }
  if (!account.isPremium) return refuse(1);
  const key = faults.take('access-point/key-wrong', about) ? Buffer.alloc(16, 0x55) : (file.key ?? Buffer.alloc(16));
  const sent = faults.take('access-point/key-short', about) ? key.subarray(0, 15) : key;
  const named = faults.take('access-point/key-wrong-sequence', about) ? (sequence ^ 0x4000_0000) >>> 0 : sequence;
  return { kind: 'key', payload: encodeKey({ sequence: named, key: sent }), delay, hold };
}
