import { describe, expect, it } from 'vitest';
import { WireError } from '../wire-error.ts';
import { authentication, connect, decode, encode, keyexchange, login5, mercury, metadata, resumption, type Message } from './index.ts';

const bytes = (hex: string) => Buffer.from(hex, 'hex');

describe('encode', () => {
  it('leaves out zeros of proto3 and writes those of proto2', () => {
    expect(encode(connect.SetVolumeCommand, { volume: 0, connectionType: '' })).toHaveLength(0);
    expect(encode(mercury.Subscription, { uri: '', expiry: 0 }).toString('hex')).toBe('0a001000');
    expect(encode(mercury.Header, { statusCode: 200 }).toString('hex')).toBe('209003');
    expect(encode(keyexchange.APLoginFailed, { errorCode: 12 }).toString('hex')).toBe('500c');
  });

  it('writes empty messages that are present', () => {
    expect(encode(connect.PlayerState, { options: {}, playOrigin: null }).toString('hex')).toBe('820100');
    expect(encode(resumption.ResumePoint, { finished: {} }).toString('hex')).toBe('2200');
  });

  it('writes zero of a oneof', () => {
    expect(encode(login5.LoginResponse, { error: 0 }).toString('hex')).toBe('1000');
  });

  it('writes proto2 lists unpacked', () => {
    const hello = encode(keyexchange.ClientHello, {
      buildInfo: { product: 0, platform: 8, version: 1 },
      cryptosuitesSupported: [0],
      loginCryptoHello: { diffieHellman: { gc: bytes('01'), serverKeysKnown: 1 } },
      clientNonce: bytes('02'),
      padding: bytes('1e'),
    });
    expect(hello.toString('hex')).toBe('5208' + '5000' + 'f00108' + 'c00201' + 'f00100' + '920308' + '5206' + '520101' + 'a00101' + 'e203' + '0102' + 'b204011e');
  });

  it('refuses to leave out what is required', () => {
    expect(() => encode(authentication.LoginCredentials, { username: 'a' })).toThrow(WireError);
    expect(encode(authentication.LoginCredentials, { typ: 0 }).toString('hex')).toBe('a00100');
  });
});

describe('decode', () => {
  it('refuses messages without what is required', () => {
    expect(() => decode(keyexchange.APLoginFailed, bytes(''))).toThrow(/errorCode/);
    expect(() => decode(keyexchange.APResponseMessage, bytes('f20100'))).toThrow(WireError);
  });

  it('tells zero from absent in proto2', () => {
    expect(decode(keyexchange.APLoginFailed, bytes('5000a00100'))).toEqual({ errorCode: 0, retryDelay: 0, expiry: null, errorDescription: null });
  });

  it('skips unknown fields of every wire type', () => {
    const unknown = 'f83f01' + 'f93f0102030405060708' + 'fa3f020102' + 'fb3f' + '0801' + 'fc3f' + 'fd3f01020304';
    expect(decode(connect.SetVolumeCommand, bytes(`${unknown}0805${unknown}`)).volume).toBe(5);
  });

  it('skips known fields of another wire type', () => {
    expect(decode(connect.SetVolumeCommand, bytes('0a0105' + '2005' + '0d00000000')).volume).toBe(0);
  });

  it('takes numbers packed and unpacked', () => {
    const expected = { catalogue: [1, 2, 3] };
    expect(decode(metadata.Restriction, bytes('0801' + '0802' + '0803'))).toMatchObject(expected);
    expect(decode(metadata.Restriction, bytes('0a03010203'))).toMatchObject(expected);
    expect(decode(metadata.Restriction, bytes('0801' + '0a020203'))).toMatchObject(expected);
  });

  it('merges a message that comes in parts, and lets the last scalar win', () => {
    expect(decode(connect.Cluster, bytes('1a020801' + '1a020806' + '1a0312017a' + '12016112' + '0162'))).toMatchObject({
      activeDeviceId: 'b', playerState: { timestamp: 6, contextUri: 'z' },
    });
  });

  it('keeps the last of a oneof', () => {
    expect(decode(metadata.Restriction, bytes('12024445' + '1a024652'))).toMatchObject({ countriesAllowed: null, countriesForbidden: 'FR' });
    expect(decode(metadata.Restriction, bytes('1a024652' + '1200'))).toMatchObject({ countriesAllowed: '', countriesForbidden: null });
  });

  it('does not keep the packet alive for a few bytes of it', () => {
    const packet = Buffer.concat([bytes('0a03010203'), Buffer.alloc(0)]);
    const track = decode(metadata.Track, packet);
    packet.fill(0);
    expect(track.gid).toEqual(bytes('010203'));
  });

  it('gives map entries without key or value their defaults', () => {
    expect(decode(connect.ProvidedTrack, bytes('1a00' + '1a030a0161')).metadata).toEqual({ '': '', a: '' });
    expect(decode(connect.Cluster, bytes('22030a0161')).device['a']).toMatchObject({ name: '', capabilities: null });
  });

  it('shares nothing that can be changed', () => {
    const one = decode(connect.PlayerState, bytes('9a0100'));
    const other = decode(connect.PlayerState, bytes('9a0100'));
    expect(one.prevTracks).toHaveLength(1);
    expect(one.prevTracks).not.toBe(other.prevTracks);
    expect(Object.isFrozen(one.nextTracks)).toBe(true);
    expect(Object.isFrozen(one.contextMetadata)).toBe(true);
  });

  it.each<[string, Message<unknown>, string]>([
    ['a length beyond the end', connect.Cluster, '1205'],
    ['a message beyond its parent', connect.ClusterUpdate, '0a021a05ffffffffff'],
    ['a number cut short', connect.SetVolumeCommand, '08ff'],
    ['a number without end', connect.SetVolumeCommand, '08ffffffffffffffffffff01'],
    ['a negative length', connect.Cluster, '12ffffffffffffffffff01'],
    ['field number zero', connect.Cluster, '0000'],
    ['a group that never ends', connect.Cluster, 'fb3f'],
    ['an end without a group', connect.Cluster, '0c'],
    ['wire type 6', connect.Cluster, '0e'],
    ['a packed number beyond its list', metadata.Restriction, '0a01ff01'],
    ['a double cut short', connect.PlayerState, '49000000'],
    ['a map entry beyond its end', connect.ProvidedTrack, '1a020a05aaaaaaaaaa'],
  ])('refuses %s', (_, type, hex) => {
    expect(() => decode(type, bytes(hex))).toThrow(WireError);
  });

  it('refuses deep nesting', () => {
    let track: Buffer = Buffer.alloc(0);
    for (let depth = 0; depth < 40; depth++) track = Buffer.concat([bytes('6a'), varint(track.length), track]);
    expect(() => decode(metadata.Track, track)).toThrow(/nested/);
    const groups = Buffer.alloc(100_000, 0x0b);
    expect(() => decode(metadata.Track, groups)).toThrow(WireError);
  });

  it('refuses small bytes that would become large objects', () => {
    const many = Buffer.concat(Array<Buffer>(60_000).fill(bytes('9a0100')));
    expect(() => decode(connect.PlayerState, many)).toThrow(/too large/);
    expect(() => decode(connect.PlayerState, Buffer.alloc(9 * 1024 * 1024))).toThrow(/too large/);
  });
});

function varint(value: number): Buffer {
  const out: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...out, rest]);
    out.push((rest & 127) | 128);
  }
}
