import { layOddContexts, type ContextRow } from '#simulator';
import { encodeTransferState, formatUri, parseSpotifyUri, type Input, type ProvidedTrack, type TransferState } from '#spotify/wire';
import { album, type ListeningRoom, type ListeningRoomOptions } from '../kit/listening-room.ts';
import { command, newest, openLife } from './life-room.ts';

/** Forty tracks of one album, so that everything that comes next is published. */
export const fortySongs = album('Song', 40);

export async function openOrder(options: ListeningRoomOptions = {}): Promise<ListeningRoom> {
  return openLife({ catalogue: fortySongs, ...options });
}

/** A playlist with uids; rows are numbers of `Song n`, or rows as they are. */
export function layPlaylist(room: ListeningRoom, name: string, rows: readonly (number | ContextRow)[], metadata: Readonly<Record<string, string>> = {}): string {
  const uri = formatUri('playlist', room.cloud.catalogue.identity.gid('playlist', name));
  const tracks = rows.map((row, at) => (typeof row === 'number' ? songRow(room, row, `${name}${at}`) : row));
  room.cloud.contexts.set({ uri, metadata, pages: [{ tracks }] });
  return uri;
}

export const songRow = (room: ListeningRoom, n: number, uid: string): ContextRow => ({ uri: room.uri(`Song ${n}`), uid });

export const oddContexts = (room: ListeningRoom) => layOddContexts(room.cloud.catalogue, room.cloud.contexts);

/** Sends a transfer made by hand. */
export function handOver(room: ListeningRoom, state: Input<TransferState>, options: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
  return command(room, { endpoint: 'transfer', data: encodeTransferState(state).toString('base64'), from_device_identifier: room.phone.deviceId, options });
}

/** A row as the cloud likes to send it: with its id only. */
export const bare = (uri: string, uid: string) => ({ gid: parseSpotifyUri(uri).gid ?? Buffer.alloc(0), uid });

/** Titles of what was published to come next; what is no track by its address. */
export const nextTitles = (room: ListeningRoom, state = newest(room)): string[] => state.nextTracks.map((row) => titleOf(room, row));
export const titleOf = (room: ListeningRoom, { uri }: Pick<ProvidedTrack, 'uri'>): string => room.cloud.catalogue.byUri(uri)?.title ?? uri;
export const heardTitles = (room: ListeningRoom): string[] => room.deck.heard.map((row) => titleOf(room, row));
export const songs = (...numbers: readonly number[]): string[] => numbers.map((n) => `Song ${n}`);
export const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, n) => from + n);
