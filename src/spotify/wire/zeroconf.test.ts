import { describe, expect, it } from 'vitest';
import { createDhKeyPair } from './diffie-hellman.ts';
import { WireError } from './wire-error.ts';
import {
  type DeviceInfo, encodeForm, encodeGetInfo, encodeStatus, judgeGetInfo, parseAddUser, parseForm, parseGetInfo, parseStatus, ZeroconfStatus, type ZeroconfStatusName,
} from './zeroconf.ts';

const info: DeviceInfo = {
  deviceId: 'c7b60f3edf3318e80575d5e28c1ce24aa99a9025',
  name: 'Küche',
  publicKey: createDhKeyPair().publicKey.toString('base64'),
  brand: 'Tonearm',
  model: 'Tonearm',
  libraryVersion: '0.1.0',
  activeUser: '',
};

describe('what a speaker tells about itself', () => {
  it('round-trips, passes a strict phone, and has every key of the table', () => {
    const text = encodeGetInfo(info);
    expect(judgeGetInfo(text)).toEqual([]);
    expect(parseGetInfo(text)).toEqual({
      ...info, status: 101, deviceType: 'Speaker', version: '2.9.0', tokenType: 'default', scope: 'streaming', clientId: '65b708073fc0480ea92a077233ca87bd',
      availability: '', groupStatus: 'NONE', resolverVersion: '1', accountRequirement: 'PREMIUM',
    });
    expect(Object.keys(JSON.parse(text) as object).sort()).toEqual([
      'accountReq', 'activeUser', 'aliases', 'availability', 'brandDisplayName', 'clientID', 'deviceID', 'deviceType', 'groupStatus', 'libraryVersion', 'modelDisplayName',
      'productID', 'publicKey', 'remoteName', 'resolverVersion', 'scope', 'spotifyError', 'status', 'statusString', 'supported_capabilities', 'supported_drm_media_formats',
      'tokenType', 'version', 'voiceSupport',
    ]);
  });

  it('cuts names at a character and stays within the limits', () => {
    const long = parseGetInfo(encodeGetInfo({ ...info, name: `${'x'.repeat(62)}🎧🎧`, brand: 'ü'.repeat(40), model: 'm'.repeat(31), libraryVersion: '1'.repeat(99) }));
    expect(long.name).toBe('x'.repeat(62));
    expect(long.brand).toBe('ü'.repeat(16));
    expect(long.model).toBe('m'.repeat(30));
    expect(long.libraryVersion).toHaveLength(30);
  });

  it('is read leniently', () => {
    expect(parseGetInfo('{"status":"101","deviceID":7,"remoteName":null,"publicKey":"INVALID","extra":{}}')).toMatchObject({ status: 101, deviceId: '', name: null, publicKey: 'INVALID', tokenType: 'default' });
    expect(parseGetInfo('{}')).toMatchObject({ status: 0, deviceId: '', activeUser: '' });
  });

  it.each(['', 'x', '[]', 'null', '"text"', '{"a":', '\u0000'])('is not %j', (text) => {
    expect(() => parseGetInfo(text)).toThrow(WireError);
    expect(() => parseStatus(text)).toThrow(WireError);
    expect(() => judgeGetInfo(text)).toThrow(WireError);
  });

  it('is judged by type, limit and presence', () => {
    const json = { ...(JSON.parse(encodeGetInfo(info)) as Record<string, unknown>), status: '101', remoteName: 'x'.repeat(65), aliases: {}, version: 2, deviceID: undefined };
    expect(judgeGetInfo(JSON.stringify(json))).toEqual([
      'deviceID is missing (§10.3)', 'status is not an integer (§10.3)', 'version is not text (§10.3)', 'remoteName is longer than 64 bytes (§10.3)', 'aliases is not a list of at most 8 (§10.3)',
    ]);
  });
});

describe('answers', () => {
  it.each(Object.entries(ZeroconfStatus))('%s', (name, { status, http, text }) => {
    const answer = encodeStatus(name as ZeroconfStatusName, { spotifyError: 3 });
    expect(answer.http).toBe(http);
    expect(JSON.parse(answer.body)).toEqual({ status, statusString: text, spotifyError: 3 });
    expect(parseStatus(answer.body)).toEqual({ status, name, text, spotifyError: 3, deviceId: null, publicKey: null });
  });

  it('carries the new key when the old one was used', () => {
    const { body } = encodeStatus('invalidPublicKey', { version: '2.9.0', deviceId: 'id', publicKey: 'key' });
    expect(JSON.parse(body)).toEqual({ status: 203, statusString: 'ERROR-INVALID-PUBLICKEY', spotifyError: 0, version: '2.9.0', deviceID: 'id', publicKey: 'key' });
    expect(parseStatus(body)).toMatchObject({ name: 'invalidPublicKey', deviceId: 'id', publicKey: 'key' });
  });

  it('is read leniently', () => {
    expect(parseStatus('{"status":"202","spotifyError":"x"}')).toEqual({ status: 202, name: 'loginFailed', text: '', spotifyError: 0, deviceId: null, publicKey: null });
    expect(parseStatus('{"status":999}').name).toBeNull();
  });
});

describe('forms', () => {
  it('are decoded, first of the same name wins', () => {
    expect([...parseForm('action=addUser&userName=za%C5%BC+x&a=1&a=2&&flag')]).toEqual([['action', 'addUser'], ['userName', 'zaż x'], ['a', '1'], ['flag', '']]);
    expect([...parseForm(Buffer.from('b=%zz%2'))]).toEqual([['b', '%zz%2']]);
    expect([...parseForm('')]).toEqual([]);
    expect([...parseForm(encodeForm([['k', 'a+b /&='], ['ü', 'ß']]))]).toEqual([['k', 'a+b /&='], ['ü', 'ß']]);
  });

  it('are refused above 16 KiB', () => {
    expect(parseForm('x'.repeat(16_384)).size).toBe(1);
    expect(() => parseForm('x'.repeat(16_385))).toThrow(WireError);
  });

  it('give empty fields for missing ones', () => {
    expect(parseAddUser(parseForm('action=addUser&blob=a b'))).toEqual({ username: '', blob: 'a+b', clientKey: '', tokenType: 'default', loginId: '', deviceName: '', deviceId: '', version: '' });
  });
});
