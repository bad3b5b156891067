import { createPrivateKey, type KeyObject } from 'node:crypto';

/**
 * The RSA key of clouds that keep no state: fixed, because making one takes up to half a second, and known to everybody, because it
 * protects nothing but tests on loopback. Clouds with a state folder, which other programs are told to trust, make their own.
 */
export const testKey: () => KeyObject = () => (key ??= keyOf(first, second));

let key: KeyObject | undefined;

const first =
  'ef09fae6b38bf79d09267714186d84e7788a0be0137da0cd8f851453b4525bf227670b9d9f263062e8b238e488fc4cf00cf9b7d24312e65a6d2b447b7b78ff1e' +
  '11f98cd97b346086f2ca38e2f8b22866c373faf534cf69f02aea4d9b0d5d8c191bb7422d7a749cffbec477860a4a048cde90a584dbef18f46449c666efa9657f';
const second =
  'db76b5f4f8b555068a3fb3db09b6f8c81029ae71a995a4caaa49e94c53ce1834ac084739ec23c63509719bcbed982e538fae80581e38235c6edc934c7a3e9fd5' +
  '3195c93b09da6b9f9379a8e1613b61029804e7b912485c98f277bca4488a9953dfea6994342867de6b5139b279227052666886a67133be1f53a2181f747f14cd';
const exponent = 65_537n;

function keyOf(firstPrime: string, secondPrime: string): KeyObject {
  const [p, q] = [BigInt(`0x${firstPrime}`), BigInt(`0x${secondPrime}`)];
  const d = inverse(exponent, (p - 1n) * (q - 1n));
  const members = { n: p * q, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(Object.entries(members).map(([name, value]) => [name, base64url(value)])) }, format: 'jwk' });
}

/** The number that, multiplied by `value`, leaves 1 when divided by `modulus`. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, next] = [modulus, value];
  let [factor, following] = [0n, 1n];
  while (next > 0n) {
    const share = rest / next;
    [rest, next] = [next, rest - share * next];
    [factor, following] = [following, factor - share * following];
  }
  return factor < 0n ? factor + modulus : factor;
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex').toString('base64url');
}
