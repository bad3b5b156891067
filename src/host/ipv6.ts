import { isIPv4, isIPv6 } from 'node:net';

/** The 16 bytes of an address, without its scope. Throws `RangeError` when it is none. */
export function bytesOfIPv6(address: string): Buffer {
  const plain = address.split('%')[0] ?? '';
  if (!isIPv6(plain)) throw new RangeError(`${address} is no IPv6 address.`);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  const [, before = plain, last] = dotted ?? [];
  const tail = last !== undefined && isIPv4(last) ? Buffer.from(last.split('.').map(Number)).toString('hex').match(/.{4}/g) ?? [] : [];
  const [left = '', right] = before.split('::');
  const groups = (text: string | undefined) => (text ?? '').split(':').filter((group) => group !== '');
  const head = groups(left);
  const rest = [...groups(right), ...tail];
  const zeros = right === undefined ? [] : Array.from({ length: 8 - head.length - rest.length }, () => '0');
  return Buffer.from((right === undefined ? [...head, ...tail] : [...head, ...zeros, ...rest]).map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** As systems write it: small letters, the longest run of zeros shortened (RFC 5952). */
export function textOfIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
