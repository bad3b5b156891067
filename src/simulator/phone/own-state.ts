import { randomBytes } from 'node:crypto';
import { DeviceType, MemberType, encodePutState, type ConnectPlayerState, type Input } from '#spotify/wire';
import { keymaster } from '../accounts.ts';

/** What a phone that plays by itself says of it. Positions and times in ms. */
export interface OwnPlayback {
  readonly contextUri: string;
  readonly trackUri: string;
  readonly uid: string;
  readonly position: number;
  readonly duration: number;
  readonly isPaused: boolean;
  readonly queue: readonly { readonly uri: string; readonly uid: string }[];
}

export interface OwnState {
  readonly deviceId: string;
  readonly name: string;
  readonly volume: number;
  readonly reason: number;
  readonly startedAt: number;
  readonly now: number;
  readonly playback: OwnPlayback | null;
}

/** The state a phone PUTs about itself (connect-control §2.2). */
export function encodeOwnState({ deviceId, name, volume, reason, startedAt, now, playback }: OwnState): Buffer {
  return encodePutState({
    device: {
      deviceInfo: {
        canPlay: true,
        volume,
        name,
        capabilities: {
          canBePlayer: true,
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
        deviceSoftwareVersion: '1.0',
        deviceType: DeviceType.SMARTPHONE,
        spircVersion: '3.2.6',
        deviceId,
        clientId: keymaster,
        brand: 'simulated',
        model: 'phone',
        license: 'premium',
      },
      playerState: playback ? playing(playback, now) : { playbackSpeed: 1, isSystemInitiated: true, playOrigin: {}, options: {}, suppressions: {}, sessionId: 'phone' },
    },
    memberType: MemberType.CONNECT_STATE,
    isActive: playback !== null,
    putStateReason: reason,
    startedPlayingAt: playback ? startedAt : 0,
    clientSideTimestamp: now,
  });
}

function playing({ contextUri, trackUri, uid, position, duration, isPaused, queue }: OwnPlayback, now: number): Input<ConnectPlayerState> {
  return {
    timestamp: now,
    contextUri,
    contextUrl: `context://${contextUri}`,
    playOrigin: { featureIdentifier: 'playlist', referrerIdentifier: 'your_library' },
    track: { uri: trackUri, uid, provider: 'context', metadata: {} },
    playbackId: randomBytes(16).toString('hex'),
    playbackSpeed: isPaused ? 0 : 1,
    positionAsOfTimestamp: position,
    duration,
    isPlaying: true,
    isPaused,
    isSystemInitiated: true,
    options: { modes: { context_enhancement: 'NONE' } },
    suppressions: {},
    sessionId: randomBytes(11).toString('hex'),
    queueRevision: '1',
    nextTracks: queue.map((row) => ({ ...row, provider: 'queue', metadata: { is_queued: 'true' } })),
  };
}
