import type { SessionEvents } from '#spotify';
import { decodeClusterUpdate, decodePlaylistModification, decodeSetVolume } from '#spotify/wire';
import type { DeviceInput } from './device-state.ts';
import { fromWireVolume } from './report.ts';

/** What a message of the cloud says to a speaker (connect-control.md §1.5). */
export type News = { readonly kind: 'input'; readonly input: DeviceInput } | { readonly kind: 'volume'; /** 0 to 1. */ readonly level: number } | { readonly kind: 'logout' };

const uris = {
  cluster: 'hm://connect-state/v1/cluster',
  volume: 'hm://connect-state/v1/connect/volume',
  logout: 'hm://connect-state/v1/connect/logout',
  playlist: 'hm://playlist/v2/playlist/',
};

/** Null for what is none of our business. Throws `WireError` for what cannot be read. */
export function newsOf({ uri, payload }: Pick<SessionEvents['message'], 'uri' | 'payload'>): News | null {
  if (uri.startsWith(uris.cluster)) {
    const { cluster } = decodeClusterUpdate(payload);
    if (!cluster) return null;
    return { kind: 'input', input: { type: 'cluster', activeDevice: cluster.activeDeviceId, needsState: cluster.needFullPlayerState, startedAt: cluster.startedPlayingAtTimestamp ?? 0 } };
  }
  if (uri.startsWith(uris.volume)) return { kind: 'volume', level: fromWireVolume(decodeSetVolume(payload).volume) };
  if (uri.startsWith(uris.logout)) return { kind: 'logout' };
  if (uri.startsWith(uris.playlist)) return { kind: 'input', input: { type: 'modified', uri: decodePlaylistModification(payload).uri } };
  return null;
}
