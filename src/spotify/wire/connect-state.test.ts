import { describe, expect, it } from 'vitest';
import {
  ClusterUpdateReason, DeviceType, MemberType, PutStateReason,
  decodeCluster, decodeClusterUpdate, decodeLogout, decodePutState, decodeSetVolume,
  encodeCluster, encodeClusterUpdate, encodeLogout, encodePutState, encodeSetVolume,
} from './connect-state.ts';
import { WireError } from './wire-error.ts';

const phone = 'c'.repeat(40);
const speaker = 'd'.repeat(40);

describe('SetVolumeCommand', () => {
  it('is read and written as in connect-control.md §12.2', () => {
    expect(encodeSetVolume({ volume: 32768 }).toString('hex')).toBe('08808002');
    expect(decodeSetVolume(Buffer.from('CICAAg==', 'base64'))).toEqual({ volume: 32768, commandOptions: null, loggingParams: null, connectionType: '', sentByDeviceId: '' });
  });

  it('carries who asked', () => {
    const bytes = 'CICAAhoAIgR3bGFuKihjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj';
    const command = { volume: 32768, loggingParams: { interactionIds: [], pageInstanceIds: [] }, connectionType: 'wlan', sentByDeviceId: phone };
    expect(decodeSetVolume(Buffer.from(bytes, 'base64'))).toEqual({ ...command, commandOptions: null });
    expect(encodeSetVolume(command).toString('base64')).toBe(bytes);
  });

  it.each([
    [-1, 0],
    [-2147483648, 0],
    [0, 0],
    [65535, 65535],
    [65536, 65535],
    [2147483647, 65535],
  ])('clamps %i to %i', (sent, heard) => {
    expect(decodeSetVolume(encodeSetVolume({ volume: sent })).volume).toBe(heard);
  });
});

describe('ClusterUpdate', () => {
  const vector = Buffer.from(
    'CkEI9NOV/7wxEihjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjGgcIkNOV/7wxSNjUlf+8MRACIihjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj',
    'base64',
  );
  const update = {
    cluster: { changedTimestampMs: 1_700_000_000_500, activeDeviceId: phone, playerState: { timestamp: 1_700_000_000_400 }, serverTimestampMs: 1_700_000_000_600 },
    updateReason: ClusterUpdateReason.DEVICE_STATE_CHANGED,
    devicesThatChanged: [phone],
  };

  it('is read as in connect-control.md §12.5', () => {
    expect(vector).toHaveLength(111);
    expect(decodeClusterUpdate(vector)).toMatchObject({ ...update, ackId: '' });
  });

  it('is written as in connect-control.md §12.5', () => {
    expect(encodeClusterUpdate(update)).toEqual(vector);
  });

  it('tells a missing cluster and state from empty ones', () => {
    expect(decodeClusterUpdate(Buffer.alloc(0)).cluster).toBeNull();
    const empty = decodeClusterUpdate(encodeClusterUpdate({ cluster: {} }));
    expect(empty.cluster).toMatchObject({ playerState: null, needsStateUpdates: null, startedPlayingAtTimestamp: null, device: {} });
  });
});

describe('PutStateRequest', () => {
  const vector = Buffer.from(
    '12a4010a8c010801108080021a074b69746368656e223710012801380140404a0b617564696f2f747261636b4a0d617564696f2f657069736f646550' +
      '017801800101980101a00101b80101c801013205302e312e3038044a05332e322e365228646464646464646464646464646464646464646464646464' +
      '64646464646464646464646464646464ba01077072656d69756d121349000000000000f03f78012a00820100920100180228036080d095ffbc31',
    'hex',
  );
  const request = {
    device: {
      deviceInfo: {
        canPlay: true,
        volume: 32768,
        name: 'Kitchen',
        capabilities: {
          canBePlayer: true,
          gaiaEqConnectId: true,
          isObservable: true,
          volumeSteps: 64,
          supportedTypes: ['audio/track', 'audio/episode'],
          commandAcks: true,
          supportsPlaylistV2: true,
          isControllable: true,
          supportsTransferCommand: true,
          supportsCommandRequest: true,
          supportsGzipPushes: true,
          supportsSetOptionsCommand: true,
        },
        deviceSoftwareVersion: '0.1.0',
        deviceType: DeviceType.SPEAKER,
        spircVersion: '3.2.6',
        deviceId: speaker,
        license: 'premium',
      },
      playerState: { playbackSpeed: 1, isSystemInitiated: true, playOrigin: {}, options: {}, suppressions: {} },
    },
    memberType: MemberType.CONNECT_STATE,
    putStateReason: PutStateReason.NEW_DEVICE,
    clientSideTimestamp: 1_700_000_000_000,
  };

  it('is read as in connect-control.md §12.6', () => {
    expect(vector).toHaveLength(178);
    const decoded = decodePutState(vector);
    expect(decoded).toMatchObject({
      ...request,
      device: { ...request.device, playerState: { playbackSpeed: 1, isSystemInitiated: true, track: null, index: null, nextTracks: [] } },
      isActive: false,
      startedPlayingAt: 0,
    });
    expect(decoded.device?.playerState?.options).toEqual({ shufflingContext: false, repeatingContext: false, repeatingTrack: false, playbackSpeed: null, modes: {} });
    expect(decoded.device?.playerState?.suppressions).toEqual({ providers: [] });
  });

  it('is written so that it reads the same as connect-control.md §12.6', () => {
    expect(decodePutState(encodePutState(request))).toEqual(decodePutState(vector));
    expect(encodePutState(request)).toHaveLength(vector.length);
  });

  it('keeps message ids above 2^31 and 64-bit times', () => {
    const sent = { messageId: 4_294_967_295, lastCommandMessageId: 2_147_483_649, startedPlayingAt: 1_900_000_000_123, hasBeenPlayingForMs: 2 ** 40 };
    expect(decodePutState(encodePutState(sent))).toMatchObject(sent);
  });

  it('keeps negative 64-bit values', () => {
    const sent = { device: { playerState: { timestamp: -5, positionAsOfTimestamp: -(2 ** 40), duration: -1 } } };
    expect(decodePutState(encodePutState(sent)).device?.playerState).toMatchObject(sent.device.playerState);
  });

  it('writes sleep timers as one of three', () => {
    for (const sleepTimer of [{ none: {} }, { timestamp: { timestamp: 1_700_000_900_000 } }, { endOfTrack: {} }]) {
      const state = decodePutState(encodePutState({ device: { playerState: { sleepTimer } } })).device?.playerState;
      expect(state?.sleepTimer).toEqual({ none: null, timestamp: null, endOfTrack: null, ...sleepTimer });
    }
    expect(decodePutState(encodePutState({ device: { playerState: {} } })).device?.playerState?.sleepTimer).toBeNull();
  });
});

describe('Cluster', () => {
  it('keeps devices by id, aliases by number and odd keys out', () => {
    const device = { [phone]: { name: 'Phone', volume: 1, deviceAliases: { 7: { id: 7, displayName: 'Den' } } } };
    const decoded = decodeCluster(encodeCluster({ device }));
    expect(decoded.device[phone]).toMatchObject({ name: 'Phone', deviceAliases: { 7: { id: 7, displayName: 'Den', isGroup: false } } });
    const hostile = decodeCluster(encodeCluster({ device: JSON.parse('{"__proto__":{"name":"x"}}') as Record<string, object> }));
    expect(Object.keys(hostile.device)).toEqual([]);
    expect(({} as Record<string, unknown>)['name']).toBeUndefined();
  });

  it('keeps restrictions under their own numbers', () => {
    const restrictions = { disallowPausingReasons: ['a'], disallowUpdatingContextReasons: ['b'], disallowPlayingReasons: ['c'], disallowViewingOrderedTracksInNextTracksReasons: ['d'] };
    const bytes = encodeCluster({ playerState: { restrictions } });
    expect(decodeCluster(bytes).playerState?.restrictions).toMatchObject(restrictions);
    expect(bytes.toString('hex')).toContain('0a0161' + 'aa010162' + 'b2010163' + 'aa020164');
  });

  it('refuses damaged bytes with a WireError', () => {
    expect(() => decodeCluster(Buffer.from('0a', 'hex'))).toThrow(WireError);
    expect(() => decodeCluster(Buffer.from('ffffffffff', 'hex'))).toThrow(WireError);
  });
});

describe('LogoutCommand', () => {
  it('may be empty', () => {
    expect(decodeLogout(Buffer.alloc(0))).toEqual({ commandOptions: null });
    expect(decodeLogout(encodeLogout({ commandOptions: { messageId: 5 } }))).toEqual({ commandOptions: { messageId: 5, targetAliasId: 0 } });
  });
});
