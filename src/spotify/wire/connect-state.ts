import { connect, decode, encode, type Input } from './proto/index.ts';

/**
 * Connect state (connect-control.md §2.2): plain objects with every field set, `null` where presence matters and nothing came.
 * To build one, give an `Input<…>`: every field may be left out.
 */
export type PutStateRequest = connect.PutStateRequest;
export type ConnectDevice = connect.Device;
export type ConnectDeviceInfo = connect.DeviceInfo;
export type Capabilities = connect.Capabilities;
export type ConnectPlayerState = connect.PlayerState;
export type ProvidedTrack = connect.ProvidedTrack;
export type ContextIndex = connect.ContextIndex;
export type ContextPlayerOptions = connect.ContextPlayerOptions;
export type PlayOrigin = connect.PlayOrigin;
export type Suppressions = connect.Suppressions;
export type Restrictions = connect.Restrictions;
export type SleepTimer = connect.SleepTimer;
export type Cluster = connect.Cluster;
export type ClusterUpdate = connect.ClusterUpdate;
export type SetVolumeCommand = connect.SetVolumeCommand;
export type LogoutCommand = connect.LogoutCommand;
export type { Input };

export const PutStateReason = connect.PutStateReason;
export const MemberType = connect.MemberType;
export const ClusterUpdateReason = connect.ClusterUpdateReason;
export const DeviceType = connect.DeviceType;
export const AudioQuality = connect.AudioQuality;

/** The largest volume; 0 is mute. */
export const VOLUME_MAX = 65535;

export function encodePutState(request: Input<PutStateRequest>): Buffer {
  return encode(connect.PutStateRequest, request);
}

/** @throws WireError */
export function decodePutState(bytes: Uint8Array): PutStateRequest {
  return decode(connect.PutStateRequest, bytes);
}

export function encodeCluster(cluster: Input<Cluster>): Buffer {
  return encode(connect.Cluster, cluster);
}

/** The answer to a PUT. @throws WireError */
export function decodeCluster(bytes: Uint8Array): Cluster {
  return decode(connect.Cluster, bytes);
}

export function encodeClusterUpdate(update: Input<ClusterUpdate>): Buffer {
  return encode(connect.ClusterUpdate, update);
}

/** Payload of `hm://connect-state/v1/cluster`. @throws WireError */
export function decodeClusterUpdate(bytes: Uint8Array): ClusterUpdate {
  return decode(connect.ClusterUpdate, bytes);
}

export function encodeSetVolume(command: Input<SetVolumeCommand>): Buffer {
  return encode(connect.SetVolumeCommand, command);
}

/** Payload of `hm://connect-state/v1/connect/volume`; the volume is clamped to 0..65535 (§8.2). @throws WireError */
export function decodeSetVolume(bytes: Uint8Array): SetVolumeCommand {
  const command = decode(connect.SetVolumeCommand, bytes);
  return { ...command, volume: Math.min(Math.max(command.volume, 0), VOLUME_MAX) };
}

export function encodeLogout(command: Input<LogoutCommand>): Buffer {
  return encode(connect.LogoutCommand, command);
}

/** Payload of `hm://connect-state/v1/connect/logout`. @throws WireError */
export function decodeLogout(bytes: Uint8Array): LogoutCommand {
  return decode(connect.LogoutCommand, bytes);
}
