import type { Command } from '#core';
import { toTonearmError } from '#foundation';
import { decodeTransferState, parseShareLink, parseSpotifyUri, type CommandRequest, type ContextTrack, type OptionsOverride, type PlayCommand, type SkipTo, type TransferCommand } from '#spotify/wire';
import type { RowName } from './context/places.ts';
import type { EditedRow } from './context/queue.ts';
import { isLoadable, type Row } from './context/row.ts';
import { rowOf, sourceOf } from './context/rows.ts';
import type { ContextSource, DeviceCommand, PlayOptions, PlayOrigin } from './device-state.ts';

/** As the machine understands it; one that cannot be read is refused like any other that cannot be done. */
export function understood(request: CommandRequest): DeviceCommand {
  try {
    return deviceCommand(request);
  } catch (error) {
    return { kind: 'refuse', why: `A phone sent a command that cannot be understood (${toTonearmError(error).code}); nothing was done.` };
  }
}

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
      return { kind: 'next', row: command.track ? editedRow(command.track, '') : null };
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
      const row = command.track && editedRow(command.track, '');
      if (!row || (row.uri === '' && row.uid === '')) return { kind: 'refuse', why: 'A phone asked to queue something it did not name.' };
      return { kind: 'enqueue', row };
    }
    case 'set_queue':
      return { kind: 'edit', rows: command.next.map((row) => editedRow(row, '')) };
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
    start: skipTo && nameOf(skipTo),
    at: command.seekTo,
    paused: command.initiallyPaused,
    options: command.options && optionsOf(command.options),
    origin: originOf(command.origin, sentBy),
    suppressions: command.suppressions,
  };
}

/** Null for one that names nothing: a page alone is no row. */
function nameOf({ uid, uri, index, pageIndex }: SkipTo): RowName | null {
  if (uid === null && uri === null && index === null) return null;
  return { uid: uid ?? undefined, uri: uri ?? undefined, index: index ?? undefined, page: pageIndex ?? undefined };
}

function transferCommand(command: TransferCommand, sentBy: string): DeviceCommand {
  if (!command.data) return { kind: 'transfer', from: null };
  const { options, playback, session, queue } = decodeTransferState(command.data);
  const context = sourceOf(session.context);
  const [playing, ...rest] = queue.tracks;
  const isQueued = queue.isPlaying && playing !== undefined;
  const track = isQueued ? playing : playback.track;
  const found = track && rowOf(track, session.context.uri);
  // What plays from the queue is a queue row, also when its sender did not mark it.
  const row: Row | null = found && isQueued ? { ...found, provider: 'queue', metadata: { ...found.metadata, is_queued: 'true' } } : found;
  const wasPaused = playback.isPaused;
  return {
    kind: 'transfer',
    from: {
      context,
      track: row ?? context.rows[0] ?? null,
      contextUid: session.currentUid || (queue.isPlaying ? contextUidOf(playback.track) : null),
      isQueued: isQueued && row !== null,
      queue: (queue.isPlaying ? rest : queue.tracks).map((queued) => editedRow(queued, session.context.uri)),
      position: row ? playback.position : 0,
      // The first row of the context has not been playing since then.
      timestamp: row ? playback.timestamp : 0,
      wasPaused,
      paused: command.restorePaused === 'pause' ? true : command.restorePaused === 'resume' ? false : wasPaused,
      options: { shuffle: options.shufflingContext, repeatContext: options.repeatingContext, repeatTrack: options.repeatingTrack, modes: options.modes },
      origin: originOf(session.origin, sentBy),
      suppressions: session.suppressions,
      sessionId: session.originalSessionId,
    },
  };
}

/** Some senders name the row that was left by the current track of the session. */
const contextUidOf = (track: ContextTrack | null): string | null => (track && track.uid !== '' && !/^q\d+$/.test(track.uid) ? track.uid : null);

const originOf = (origin: object, sentBy: string): PlayOrigin => ({ ...origin, deviceIdentifier: sentBy });

function optionsOf({ shufflingContext, repeatingContext, repeatingTrack, modes }: OptionsOverride): Partial<PlayOptions> {
  return {
    ...(shufflingContext !== null && { shuffle: shufflingContext }),
    ...(repeatingContext !== null && { repeatContext: repeatingContext }),
    ...(repeatingTrack !== null && { repeatTrack: repeatingTrack }),
    ...(modes !== null && { modes }),
  };
}

function editedRow(track: ContextTrack, contextUri: string): EditedRow {
  const row = rowOf(track, contextUri);
  return { uri: row?.uri ?? '', uid: track.uid, provider: track.provider, metadata: track.metadata };
}

/** What any surface asks, in the same terms. Null when it is not for this source. */
export function localCommand(command: Command): DeviceCommand | null {
  switch (command.kind) {
    case 'play':
      return localPlay(command);
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
    case 'enqueue': {
      const uri = spotifyUri(command.uri) ?? command.uri;
      if (!isLoadable({ uri })) return { kind: 'refuse', why: `“${command.uri}” cannot be queued. Queue tracks and episodes; play albums and playlists.` };
      return { kind: 'enqueue', row: { uri, uid: '', metadata: {} } };
    }
    case 'sleep':
      return { kind: 'sleep', after: command.after };
    // The zone's own business, or the zone's to ask for in other words.
    case 'volume':
    case 'mute':
    case 'fade':
    case 'limit':
    case 'announce':
    case 'output':
    case 'transfer':
    case 'preset':
      return null;
  }
}

function localPlay({ uri, at, from, shuffle }: Extract<Command, { kind: 'play' }>): DeviceCommand {
  if (uri === undefined) {
    if (from === undefined && shuffle === undefined) return { kind: 'resume', at };
    return { kind: 'refuse', why: '“from” and “shuffle” say how something begins: name what to play with “uri”.' };
  }
  const start = from === undefined ? null : typeof from === 'number' ? { index: from } : { uri: spotifyUri(from) ?? from };
  if (start?.uri !== undefined && !isLoadable({ uri: start.uri })) return { kind: 'refuse', why: `“${start.uri}” is no row that could be begun with. Name a track or episode, or count rows from 0.` };
  const options = shuffle === undefined ? null : { shuffle };
  return { kind: 'play', context: plainContext(spotifyUri(uri) ?? uri), start, at: at ?? null, paused: false, options, origin: { featureIdentifier: 'tonearm' }, suppressions: [] };
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
