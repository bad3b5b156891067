import type { ConnectPlayerState, ProvidedTrack } from '#spotify/wire';

/** Far more than anybody shows; lists like that slow other people's players down (connect-control §2.10). */
const mostRows = { next: 100, previous: 50 };

/** What is wrong with the lists around the current track (connect-control §4, §5): both known receivers keep to this. */
export function judgeLists({ track, nextTracks, prevTracks, index }: ConnectPlayerState): string[] {
  const faults: string[] = [];
  if (nextTracks.length > mostRows.next) faults.push(`${nextTracks.length} next_tracks`);
  if (prevTracks.length > mostRows.previous) faults.push(`${prevTracks.length} prev_tracks`);
  if ([...prevTracks, ...nextTracks].some(({ uri }) => uri === '')) faults.push('a row without a uri among next_tracks or prev_tracks');
  if (prevTracks.some(isQueued)) faults.push('a queue row among prev_tracks');
  const queued = nextTracks.filter(isQueued);
  if (nextTracks.slice(0, queued.length).some((row) => !isQueued(row))) faults.push('a queue row behind rows of the context');
  const uids = [...(track && isQueued(track) ? [track] : []), ...queued].map(({ uid }) => uid);
  if (new Set(uids).size < uids.length) faults.push(`queue rows with the same uid: ${uids.join(', ')}`);
  if (nextTracks.some((row) => !isQueued(row) && row.metadata['is_queued'] === 'true')) faults.push('is_queued on a row that is not of the queue');
  if (index && track && (isQueued(track) || track.provider === 'autoplay')) faults.push(`an index although the track is of the ${track.provider}`);
  if (track?.uri === 'spotify:delimiter' || track?.uri.startsWith('spotify:meta:') === true) faults.push(`${track.uri} is no track`);
  return faults;
}

const isQueued = ({ provider }: ProvidedTrack): boolean => provider === 'queue';
