import { MemberType, PutStateReason, type ConnectPlayerState, type PutStateRequest } from '#spotify/wire';
import { judgeLists } from './list-checks.ts';

/** So far, in ms, a state's own time may be from the server's. */
export const mostSkew = 5000;

/** A command as states name it. */
export interface KnownCommand {
  readonly messageId: number;
  readonly sentBy: string;
}

/** What was known when a state came in. */
export interface PutCircumstances {
  /** Server time, Unix ms. */
  readonly now: number;
  /** The same device's request before this one. */
  readonly previous: PutStateRequest | null;
  /** When the last PLAYER_STATE_CHANGED came, monotonic ms; null before the first. */
  readonly lastStateAt: number | null;
  readonly monotonic: number;
  readonly isFirstOnConnection: boolean;
  /** Commands this device may name as its last; empty for any. */
  readonly commands: readonly KnownCommand[];
  readonly isClaim: boolean;
}

/** What the cloud lets pass but a good device would not send (connect-control §2.9). */
export function judgePut(request: PutStateRequest, circumstances: PutCircumstances): string[] {
  const { now, previous, lastStateAt, monotonic, isFirstOnConnection, commands, isClaim } = circumstances;
  const faults: string[] = [];
  const state = request.device?.playerState ?? null;
  if (request.memberType !== MemberType.CONNECT_STATE) faults.push(`member_type is ${request.memberType}, not CONNECT_STATE`);
  if (Math.abs(request.clientSideTimestamp - now) > mostSkew) faults.push(`client_side_timestamp is ${request.clientSideTimestamp - now} ms from server time`);
  if (isFirstOnConnection && request.putStateReason !== PutStateReason.NEW_DEVICE) faults.push('the first PUT on a connection is not NEW_DEVICE');
  if (!isFirstOnConnection && request.putStateReason === PutStateReason.NEW_DEVICE) faults.push('NEW_DEVICE although the connection id is not new');
  if (request.isActive && request.startedPlayingAt === 0) faults.push('active without started_playing_at');
  if (request.putStateReason === PutStateReason.PLAYER_STATE_CHANGED && lastStateAt !== null && monotonic - lastStateAt < 180 && !isClaim) {
    faults.push(`PLAYER_STATE_CHANGED ${Math.round(monotonic - lastStateAt)} ms after the one before`);
  }
  const names = ({ messageId, sentBy }: KnownCommand) => request.lastCommandMessageId === messageId && request.lastCommandSentByDeviceId === sentBy;
  if (commands.length > 0 && !commands.some(names)) {
    faults.push(`last_command is ${request.lastCommandMessageId}, the newest are ${commands.map(({ messageId }) => messageId).join(', ')}`);
  }
  if (!state) faults.push('no player_state');
  else faults.push(...judgeState(state, now), ...judgeLists(state), ...judgeQueue(state, previous?.device?.playerState ?? null));
  return faults;
}

function judgeState(state: ConnectPlayerState, now: number): string[] {
  const faults: string[] = [];
  if (state.sessionId === '') faults.push('session_id is empty');
  if (state.duration > 0 && state.positionAsOfTimestamp > state.duration + 1000) faults.push(`position ${state.positionAsOfTimestamp} is past the end ${state.duration}`);
  if (state.timestamp > now + 1000) faults.push(`timestamp is ${state.timestamp - now} ms in the future`);
  if (state.track && state.track.uri !== '') {
    if (state.track.uid === '') faults.push('track without uid');
    if (state.track.provider === '') faults.push('track without provider');
  }
  if (!flagsFit(state)) {
    faults.push(`flags is_playing=${state.isPlaying} is_paused=${state.isPaused} is_buffering=${state.isBuffering} speed=${state.playbackSpeed} fit no row of §2.4`);
  }
  return faults;
}

/** The rows of connect-control §2.4, the newer project's values. */
function flagsFit({ isPlaying, isPaused, isBuffering, playbackSpeed: speed }: ConnectPlayerState): boolean {
  if (!isPlaying) return !isPaused && !isBuffering;
  if (isPaused) return speed === 0;
  return isBuffering || speed === 1;
}

function judgeQueue(state: ConnectPlayerState, before: ConnectPlayerState | null): string[] {
  if (!before) return [];
  const rows = (of: ConnectPlayerState) => of.nextTracks.map(({ uri, uid }) => `${uri} ${uid}`).join('\n');
  const isSameList = rows(state) === rows(before);
  const isSameRevision = state.queueRevision === before.queueRevision;
  if (!isSameList && isSameRevision) return ['next_tracks changed and queue_revision did not'];
  return isSameList && !isSameRevision ? ['queue_revision changed and next_tracks did not'] : [];
}
