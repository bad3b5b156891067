import { AudioQuality, DeviceType, MemberType, PutStateReason, VOLUME_MAX, type ConnectPlayerState, type Input, type ProvidedTrack, type PutStateRequest, type Restrictions } from '#spotify/wire';
import { queueRevision, type Row } from './context/row.ts';
import { currentRow, previousRows, upcoming } from './context/track-list.ts';
import type { DeviceState } from './device-state.ts';
import type { ReportKind } from './reporter.ts';

/** Reports that carry the state. */
export type StateReport = Exclude<ReportKind, 'inactive'>;

type DeviceInfo = NonNullable<NonNullable<PutStateRequest['device']>['deviceInfo']>;

export interface DeviceFacts {
  readonly deviceId: string;
  readonly name: string;
  readonly brand: string;
  readonly model: string;
  readonly version: string;
  readonly clientId: string;
  readonly deviceType: keyof typeof deviceTypes;
  /** 0 to 1. */
  readonly volume: number;
  /** As the cloud's cluster shows it; empty while unknown. */
  readonly publicIp: string;
  /** Server time. */
  readonly now: number;
}

export const deviceTypes = {
  speaker: DeviceType.SPEAKER,
  avr: DeviceType.AVR,
  stb: DeviceType.STB,
  tv: DeviceType.TV,
  computer: DeviceType.COMPUTER,
} as const;

const shown = { next: 50, previous: 10 };
const volumeSteps = 64;

const reasons: Readonly<Record<StateReport, number>> = {
  hello: PutStateReason.NEW_DEVICE,
  claim: PutStateReason.PLAYER_STATE_CHANGED,
  state: PutStateReason.PLAYER_STATE_CHANGED,
  volume: PutStateReason.VOLUME_CHANGED,
};

/** The whole state as the cloud wants it (connect-control.md §2.2 to §2.7). Pure. `isShort` halves the lists after a 413. */
export function putStateOf(state: DeviceState, kind: StateReport, facts: DeviceFacts, isShort = false): Input<PutStateRequest> {
  return {
    device: { deviceInfo: deviceInfo(facts), playerState: playerState(state, facts.now, isShort ? shown.next / 2 : shown.next) },
    memberType: MemberType.CONNECT_STATE,
    isActive: state.isActive,
    putStateReason: reasons[kind],
    ...(state.lastCommand && { lastCommandSentByDeviceId: state.lastCommand.sentBy, lastCommandMessageId: state.lastCommand.messageId }),
    startedPlayingAt: state.isActive ? state.activeSince : 0,
    clientSideTimestamp: facts.now,
  };
}

function deviceInfo({ deviceId, name, brand, model, version, clientId, deviceType, volume, publicIp }: DeviceFacts): Input<DeviceInfo> {
  return {
    canPlay: true,
    volume: toWireVolume(volume),
    name,
    capabilities: {
      canBePlayer: true,
      gaiaEqConnectId: true,
      supportsLogout: true,
      isObservable: true,
      volumeSteps,
      supportedTypes: ['audio/track', 'audio/episode', 'audio/media'],
      commandAcks: true,
      supportsPlaylistV2: true,
      isControllable: true,
      supportsTransferCommand: true,
      supportsCommandRequest: true,
      supportsGzipPushes: true,
      supportsSetOptionsCommand: true,
      supportedAudioQuality: AudioQuality.VERY_HIGH,
      supportsRemoteSleepTimer: true,
    },
    deviceSoftwareVersion: version,
    deviceType: deviceTypes[deviceType],
    spircVersion: '3.2.6',
    deviceId,
    clientId,
    brand,
    model,
    license: 'premium',
    ...(publicIp !== '' && { publicIp }),
  };
}

function playerState(state: DeviceState, now: number, limit: number): Input<ConnectPlayerState> {
  const idle: Input<ConnectPlayerState> = {
    timestamp: now,
    playbackSpeed: 1,
    isSystemInitiated: true,
    playOrigin: {},
    options: { shufflingContext: state.options.shuffle, repeatingContext: state.options.repeatContext, repeatingTrack: state.options.repeatTrack, modes: { ...state.options.modes } },
    suppressions: {},
    sessionId: state.sessionId,
    queueRevision: queueRevision([]),
  };
  if (!state.isActive) return idle;
  const { list, anchor, load } = state;
  const row = currentRow(list);
  const next = upcoming(list, limit, state.options.repeatContext);
  // What could not be played lately is greyed out (§4.8).
  const unavailable = new Set(state.unavailable.filter(({ until }) => until > now).map(({ uri }) => uri));
  const listed = (each: Row) => ({ ...provided(each, {}, list.context.uri), ...(unavailable.has(each.uri) && { disallowReasons: ['unavailable'] }) });
  const isLoaded = state.phase !== 'idle';
  const isPaused = isLoaded && (state.phase === 'paused' || (state.phase === 'loading' && state.isPauseWanted));
  return {
    ...idle,
    timestamp: anchor.timestamp,
    positionAsOfTimestamp: Math.round(state.duration > 0 ? Math.min(anchor.position, state.duration) : anchor.position),
    contextUri: list.context.uri,
    contextUrl: list.context.url !== '' ? list.context.url : list.context.uri === '' ? '' : `context://${list.context.uri}`,
    contextRestrictions: { ...list.context.restrictions },
    contextMetadata: { ...list.context.metadata },
    playOrigin: { ...state.origin },
    suppressions: { providers: state.suppressions },
    ...(row && isLoaded && { track: provided(row, state.trackMetadata, list.context.uri) }),
    ...(!list.aside && row?.index && row.provider !== 'autoplay' && isLoaded && { index: row.index }),
    ...(load && { playbackId: load.id }),
    playbackSpeed: state.phase === 'playing' ? 1 : isLoaded ? 0 : 1,
    duration: state.duration,
    isPlaying: isLoaded,
    isPaused,
    isBuffering: state.phase === 'loading' || state.phase === 'stalled',
    restrictions: restrictions(state, row, isPaused),
    prevTracks: previousRows(list, shown.previous).map(listed),
    nextTracks: next.map(listed),
    queueRevision: queueRevision(next),
    ...(state.sleepAt !== null && { sleepTimer: { timestamp: { timestamp: state.sleepAt } } }),
    ...(state.sleepAtEnd && { sleepTimer: { endOfTrack: {} } }),
  };
}

function provided(row: Row, more: Row['metadata'], contextUri: string): Input<ProvidedTrack> {
  const metadata: Record<string, string> = { ...row.metadata, ...more };
  if (row.provider !== 'queue' && contextUri !== '') {
    metadata['context_uri'] ??= contextUri;
    metadata['entity_uri'] ??= contextUri;
  }
  return {
    uri: row.uri,
    uid: row.uid,
    metadata,
    provider: row.provider,
    ...(row.removed && { removed: [...row.removed] }),
    ...(metadata['album_uri'] !== undefined && { albumUri: metadata['album_uri'] }),
    ...(metadata['artist_uri'] !== undefined && { artistUri: metadata['artist_uri'] }),
  };
}

/** §2.5: the context's own, and what would not work right now. */
function restrictions(state: DeviceState, row: Row | null, isPaused: boolean): Input<Restrictions> {
  const isFirst = previousRows(state.list, 1).length === 0;
  const isAutoplay = row?.provider === 'autoplay' || state.list.context.uri.startsWith('spotify:station:');
  return {
    ...state.list.context.restrictions,
    disallowPausingReasons: isPaused ? ['not_playing'] : [],
    disallowResumingReasons: isPaused ? [] : ['not_paused'],
    disallowSettingPlaybackSpeedReasons: ['not_supported'],
    ...(isFirst && { disallowSkippingPrevReasons: ['no previous tracks'], disallowPeekingPrevReasons: ['no previous tracks'] }),
    ...(isAutoplay && {
      disallowTogglingShuffleReasons: ['autoplay'],
      disallowTogglingRepeatContextReasons: ['autoplay'],
      disallowTogglingRepeatTrackReasons: ['autoplay'],
    }),
  };
}

/** 0..65535, rounded (connect-control.md §8.1). */
export const toWireVolume = (level: number): number => Math.round(Math.min(Math.max(level, 0), 1) * VOLUME_MAX);
export const fromWireVolume = (volume: number): number => Math.min(Math.max(volume, 0), VOLUME_MAX) / VOLUME_MAX;
