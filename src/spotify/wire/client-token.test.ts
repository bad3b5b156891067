import { describe, expect, it } from 'vitest';
import {
  decodeClientTokenAnswer, decodeClientTokenRefusal, decodeClientTokenRequest, encodeClientTokenAnswer, encodeClientTokenAnswers, encodeClientTokenRefusal, encodeClientTokenRequest,
} from './client-token.ts';
import { clienttoken, encode } from './proto/index.ts';
import { WireError } from './wire-error.ts';

const clientId = '65b708073fc0480ea92a077233ca87bd';
const platform = { systemName: 'Linux', release: '6.1.0', version: '#1 SMP', hardware: 'x86_64' };

describe('requests', () => {
  it('introduce us', () => {
    const bytes = encodeClientTokenRequest({ clientId, deviceId: 'd', version: '1.2.52.442', platform });
    const desktop = '\n\x05Linux\x12\x056.1.0\x1a\x06#1 SMP"\x06x86_64';
    const sdk = `\n\x20*\x1e${desktop}\x12\x01d`;
    expect(bytes.toString('latin1')).toBe(`\x08\x01\x12\x55\n\x0a1.2.52.442\x12\x20${clientId}\x1a\x25${sdk}`);
    expect(decodeClientTokenRequest(bytes)).toEqual({ kind: 'client', clientId, deviceId: 'd', version: '1.2.52.442', platform });
  });

  it('answer challenges', () => {
    const suffix = '95601890AFD809FD00000000000002F4';
    const bytes = encodeClientTokenAnswers({ state: 's', suffixes: [suffix] });
    expect(bytes.toString('latin1')).toBe(`\x08\x02\x1a\x2b\n\x01s\x12\x26\x08\x03\x22\x22\n\x20${suffix}`);
    expect(decodeClientTokenRequest(bytes)).toEqual({ kind: 'answers', state: 's', suffixes: [suffix] });
  });

  it('of other machines are told apart', () => {
    const bytes = encode(clienttoken.ClientTokenRequest, { requestType: 1, clientData: { clientId, connectivitySdkData: { platformSpecificData: { android: {} } } } });
    expect(decodeClientTokenRequest(bytes)).toEqual({ kind: 'client', clientId, deviceId: '', version: '', platform: null });
  });

  it.each(['', '0801', '0802', '0807'])('%j is refused', (hex) => {
    expect(() => decodeClientTokenRequest(Buffer.from(hex, 'hex'))).toThrow(WireError);
  });
});

describe('answers', () => {
  it.each([
    { kind: 'granted', token: 'sim-client-token-1', expiresAfter: 1_216_800, refreshAfter: 1_209_600, domains: ['spotify.com', 'spotify.net'] } as const,
    {
      kind: 'challenges',
      state: 'x',
      challenges: [
        { kind: 'hashcash', prefix: '22007FB1B050E4801C50F2015A65643E', length: 10 },
        { kind: 'other', type: 2 },
      ],
    } as const,
  ])('$kind', (answer) => {
    expect(decodeClientTokenAnswer(encodeClientTokenAnswer(answer))).toEqual(answer);
  });

  it('have the documented field numbers', () => {
    expect(encodeClientTokenAnswer({ kind: 'granted', token: 't', expiresAfter: 2, refreshAfter: 1, domains: ['a'] }).toString('hex')).toBe('0801120c0a0174100218012203' + '0a0161');
    expect(encodeClientTokenAnswer({ kind: 'challenges', state: 's', challenges: [{ kind: 'hashcash', prefix: 'p', length: 10 }] }).toString('hex')).toBe('08021a0e0a0173120908032205080a120170');
  });

  it.each(['', '0801', '08011200', '0802', '0809'])('%j is refused', (hex) => {
    expect(() => decodeClientTokenAnswer(Buffer.from(hex, 'hex'))).toThrow(WireError);
  });

  it('may be a refusal', () => {
    expect(decodeClientTokenRefusal(encodeClientTokenRefusal('no'))).toBe('no');
  });
});
