import type { Command } from '#core';
import { decodeTransferState, parseShareLink, parseSpotifyUri, type CommandRequest, type ContextTrack, type OptionsOverride, type PlayCommand, type TransferCommand } from '#spotify/wire';
import { rowOf, sourceOf } from './context/rows.ts';
import type { EditedRow } from './context/track-list.ts';
import type { ContextSource, DeviceCommand, PlayOptions, PlayOrigin } from './device-state.ts';

/** A dealer request as the machine understands it (connect-control.md §3). Throws `WireError` for a transfer that cannot be read. */
export function deviceCommand({ command, sentBy }: CommandRequest): DeviceCommand {
  switch (command.endpoint) {
    case 'play':
      return playCommand(command, sentBy);
    case 'transfer':
      return transferCommand(command, sentBy);
    case 'pause':
      return { kind: 'pause' };
    case 'resume':
      return { kind: 'resume' };
    case 'seek_to': {
      if (command.relative === 'current') return { kind: 'seek', to: command.position ?? command.value ?? 0, from: 'here' };
      const to = command.relative === 'beginning' ? (command.position ?? command.value) : (command.value ?? command.position);
      if (to === null || !['', 'beginning'].includes(command.relative)) return { kind: 'refuse', why: 'A phone asked to move to a place it did not name.' };
      return { kind: 'seek', to, from: 'start' };
    }
    case 'skip_next':
      return { kind: 'next', row: command.track ? editedRow(command.track) : null };
    case 'skip_prev':
      return { kind: 'previous', mayRestart: command.allowSeeking };
    case 'set_shuffling_context':
      return { kind: 'options', options: { shuffle: command.value } };
    case 'set_repeating_context':
      return { kind: 'options', options: { repeatContext: command.value } };
    case 'set_repeating_track':
      return { kind: 'options', options: { repeatTrack: command.value } };
    case 'set_options': {
      return { kind: 'options', options: optionsOf({ ...command, modes: null }) };
    }
    case 'add_to_queue': {
      const row = command.track && rowOf(command.track, '');
      if (!row) return { kind: 'refuse', why: 'A phone asked to queue something it did not name.' };
      return { kind: 'enqueue', row: { uri: row.uri, uid: command.track.uid, metadata: row.metadata } };
    }
    case 'set_queue':
      return { kind: 'edit', rows: command.next.map(editedRow) };
    case 'update_context':
      return { kind: 'update', context: sourceOf(command.context) };
    case 'set_sleep_timer': {
      const { timer } = command;
      return { kind: 'sleep', after: timer.kind === 'duration' ? timer.duration : timer.kind === 'end-of-track' ? 'track' : null };
    }
    case 'set_playback_speed':
      return { kind: 'refuse', why: 'Playing faster or slower is not possible on this speaker.' };
    case 'unknown':
      return { kind: 'refuse', why: `A phone sent “${command.name}”, which this version of Tonearm does not know.` };
  }
}

function playCommand(command: PlayCommand, sentBy: string): DeviceCommand {
  const { skipTo } = command;
  return {
    kind: 'play',
    context: sourceOf(command.context),
    start: skipTo && { uid: skipTo.uid ?? undefined, uri: skipTo.uri ?? undefined, index: skipTo.index ?? undefined },
    at: command.seekTo,
    paused: command.initiallyPaused,
    options: command.options && optionsOf(command.options),
    origin: originOf(command.origin, sentBy),
    suppressions: command.suppressions,
  };
}

function transferCommand(command: TransferCommand, sentBy: string): DeviceCommand {
  if (!command.data) return { kind: 'transfer', from: null };
  const { options, playback, session, queue } = decodeTransferState(command.data);
  const context = sourceOf(session.context);
  const [playing, ...rest] = queue.tracks;
  const track = queue.isPlaying ? (playing ?? null) : playback.track;
  const row = track && rowOf(track, session.context.uri);
  const wasPaused = playback.isPaused;
  return {
    kind: 'transfer',
    from: {
      context,
      track: row ?? context.rows[0] ?? null,
      contextUid: session.currentUid || null,
      isQueued: queue.isPlaying && row !== null,
      queue: (queue.isPlaying ? rest : queue.tracks).map(editedRow),
      position: row ? playback.position : 0,
      timestamp: playback.timestamp,
      wasPaused,
      paused: command.restorePaused === 'pause' ? true : command.restorePaused === 'resume' ? false : wasPaused,
      options: { shuffle: options.shufflingContext, repeatContext: options.repeatingContext, repeatTrack: options.repeatingTrack, modes: options.modes },
      origin: originOf(session.origin, sentBy),
      suppressions: session.suppressions,
      sessionId: session.originalSessionId,
    },
  };
}

const originOf = (origin: object, sentBy: string): PlayOrigin => ({ ...origin, deviceIdentifier: sentBy });

function optionsOf({ shufflingContext, repeatingContext, repeatingTrack, modes }: OptionsOverride): Partial<PlayOptions> {
  return {
    ...(shufflingContext !== null && { shuffle: shufflingContext }),
    ...(repeatingContext !== null && { repeatContext: repeatingContext }),
    ...(repeatingTrack !== null && { repeatTrack: repeatingTrack }),
    ...(modes !== null && { modes }),
  };
}

function editedRow(track: ContextTrack): EditedRow {
  const row = rowOf(track, '');
  return { uri: row?.uri ?? '', uid: track.uid, provider: track.provider, metadata: track.metadata };
}

/** What any surface asks, in the same terms. Null when it is not for this source. */
export function localCommand(command: Command): DeviceCommand | null {
  switch (command.kind) {
    case 'play':
      if (command.uri === undefined) return { kind: 'resume', at: command.at };
      return { kind: 'play', context: plainContext(spotifyUri(command.uri) ?? command.uri), start: null, at: command.at ?? null, paused: false, options: null, origin: { featureIdentifier: 'tonearm' }, suppressions: [] };
    case 'pause':
    case 'stop':
      return { kind: command.kind };
    case 'next':
      return { kind: 'next', row: null };
    case 'previous':
      return { kind: 'previous', mayRestart: true };
    case 'seek':
      return { kind: 'seek', to: command.to, from: 'start' };
    case 'shuffle':
      return { kind: 'options', options: { shuffle: command.on } };
    case 'repeat':
      return { kind: 'options', options: { repeatTrack: command.mode === 'track', repeatContext: command.mode !== 'off' } };
    case 'enqueue':
      return { kind: 'enqueue', row: { uri: spotifyUri(command.uri) ?? command.uri, uid: '', metadata: {} } };
    case 'volume':
    case 'mute':
      return null;
  }
}

const plainContext = (uri: string): ContextSource => ({ uri, url: `context://${uri}`, metadata: {}, restrictions: {}, rows: [], morePages: [] });

/** The URI of a Spotify link or URI; null for anything else. */
export function spotifyUri(text: string): string | null {
  const link = parseShareLink(text);
  if (link) return link;
  if (!text.startsWith('spotify:')) return null;
  try {
    return parseSpotifyUri(text).text;
  } catch {
    return null;
  }
}
