import { describe, expect, it } from 'vitest';
import { decodeLogin5Answer, decodeLogin5Request, encodeLogin5Answer, encodeLogin5Request, Login5Error, type Login5Answer } from './login5.ts';
import { WireError } from './wire-error.ts';

describe('requests', () => {
  const plain = { clientId: 'c', deviceId: 'd', username: 'u', data: Buffer.of(1, 2) };

  it('carry stored credentials', () => {
    const bytes = encodeLogin5Request(plain);
    expect(bytes.toString('hex')).toBe('0a060a01631201' + '64' + 'a206' + '07' + '0a0175' + '12020102');
    expect(decodeLogin5Request(bytes)).toEqual({ ...plain, loginContext: Buffer.alloc(0), solutions: [] });
  });

  it('carry solutions and the context they belong to', () => {
    const request = { ...plain, loginContext: Buffer.of(9), solutions: [{ suffix: Buffer.alloc(16, 1), duration: 1500.25 }] };
    expect(decodeLogin5Request(encodeLogin5Request(request))).toEqual(request);
    expect(encodeLogin5Request(request).toString('hex')).toContain('120109' + '1a200a1e0a1c' + '0a10' + '01'.repeat(16) + '1208' + '0801' + '1090ebc4ee01');
  });

  it('without stored credentials are refused', () => {
    expect(() => decodeLogin5Request(Buffer.from('0a030a0163', 'hex'))).toThrow(WireError);
  });
});

describe('answers', () => {
  it.each<[Login5Answer, string]>([
    [{ kind: 'ok', username: 'u', accessToken: 't', storedCredential: Buffer.of(7), expiresIn: 3600 }, '0a0c0a0175120174' + '1a0107' + '20901c'],
    [{ kind: 'error', code: 0, name: 'UNKNOWN_ERROR' }, '1000'],
    [{ kind: 'error', code: Login5Error.TRY_AGAIN_LATER, name: 'TRY_AGAIN_LATER' }, '1008'],
    [{ kind: 'challenges', loginContext: Buffer.of(5), challenges: [{ kind: 'hashcash', prefix: Buffer.of(1), length: 10 }] }, '1a090a070a050a0101100a2a0105'],
  ])('%j', (answer, hex) => {
    expect(encodeLogin5Answer(answer).toString('hex')).toBe(hex);
    expect(decodeLogin5Answer(Buffer.from(hex, 'hex'))).toEqual(answer);
  });

  it('may ask a person', () => {
    const answer: Login5Answer = { kind: 'challenges', loginContext: Buffer.alloc(0), challenges: [{ kind: 'code' }] };
    expect(decodeLogin5Answer(encodeLogin5Answer(answer))).toEqual(answer);
  });

  it('keep error numbers nobody knows', () => {
    expect(decodeLogin5Answer(Buffer.from('1063', 'hex'))).toEqual({ kind: 'error', code: 99, name: 'UNKNOWN_ERROR' });
  });

  it('are the last one written when there are several', () => {
    expect(decodeLogin5Answer(Buffer.from('0a03120174' + '1001', 'hex'))).toMatchObject({ kind: 'error', code: 1 });
  });

  it.each(['', '0a00', '2a0105'])('%j is refused', (hex) => {
    expect(() => decodeLogin5Answer(Buffer.from(hex, 'hex'))).toThrow(WireError);
  });
});
