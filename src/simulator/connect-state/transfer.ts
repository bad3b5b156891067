import { encodeTransferState, parseSpotifyUri, type ConnectPlayerState, type ContextTrack, type Input, type ProvidedTrack } from '#spotify/wire';

/** What the next device needs to go on, made of what the last one reported (connect-control §3.4, §3.20). */
export function transferOf(state: ConnectPlayerState, now: number): Buffer {
  const { track, options, playOrigin, contextUri, contextUrl, contextMetadata, nextTracks, prevTracks, sessionId, suppressions } = state;
  const isQueued = track?.provider === 'queue';
  const queued = nextTracks.filter(({ provider }) => provider === 'queue');
  const upcoming = nextTracks.find(({ provider }) => provider !== 'queue');
  const position = Math.max(0, Math.round(state.positionAsOfTimestamp));
  return encodeTransferState({
    options: options
      ? { shufflingContext: options.shufflingContext, repeatingContext: options.repeatingContext, repeatingTrack: options.repeatingTrack, modes: options.modes }
      : {},
    playback: {
      timestamp: state.timestamp || now,
      position,
      speed: state.isPaused ? 0 : 1,
      isPaused: state.isPaused,
      track: track ? bareRow(track) : null,
    },
    session: {
      origin: playOrigin ?? {},
      context: {
        uri: contextUri,
        url: contextUrl === '' ? `context://${contextUri}` : contextUrl,
        metadata: contextMetadata,
        // Lists without a home travel with their rows.
        pages: contextUri === '' || contextUri === '-' ? [{ tracks: [...prevTracks, ...(track && !isQueued ? [track] : []), ...nextTracks].filter(({ provider }) => provider !== 'queue').map(row) }] : [],
      },
      currentUid: isQueued ? (upcoming?.uid ?? '') : (track?.uid ?? ''),
      suppressions: suppressions?.providers ?? [],
      originalSessionId: sessionId === '' ? null : sessionId,
    },
    queue: { tracks: [...(isQueued ? [track] : []), ...queued].map(bareRow), isPlaying: isQueued },
  });
}

/** A row with its id instead of its uri, as the cloud likes to send them. */
function bareRow({ uri, uid, metadata }: ProvidedTrack): Input<ContextTrack> {
  const gid = gidOf(uri);
  return { ...(gid ? { gid } : { uri }), uid, metadata };
}

function row({ uri, uid, metadata }: ProvidedTrack): Input<ContextTrack> {
  return { uri, uid, metadata };
}

function gidOf(uri: string): Buffer | null {
  try {
    return parseSpotifyUri(uri).gid;
  } catch {
    return null;
  }
}
