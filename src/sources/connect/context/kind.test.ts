import { expect, it } from 'vitest';
import { contextKind, endsOpen, isResolvable, isStation } from './kind.ts';

const id = '2RnhhsLPpUvzQ23I6FTEL7';

it.each([
  // address, kind, can be asked for, something may go on after it
  [`spotify:album:${id}`, 'album', true, true],
  [`spotify:playlist:${id}`, 'playlist', true, true],
  [`spotify:user:somebody:playlist:${id}`, 'playlist', true, true],
  ['spotify:user:somebody:collection', 'collection', true, true],
  [`spotify:user:somebody:collection:artist:${id}`, 'collection', true, true],
  ['spotify:user:somebody:collection:your-episodes', 'collection', true, false],
  ['spotify:collection:tracks', 'collection', true, true],
  [`spotify:artist:${id}`, 'artist', true, true],
  [`spotify:track:${id}`, 'track', true, true],
  [`spotify:show:${id}`, 'show', true, false],
  [`spotify:episode:${id}`, 'episode', true, false],
  [`spotify:audiobook:${id}`, 'audiobook', true, false],
  [`spotify:station:track:${id}`, 'station', true, false],
  [`spotify:user:somebody:station:playlist:${id}`, 'station', true, false],
  [`spotify:radio:album:${id}`, 'radio', true, false],
  [`spotify:dailymix:${id}`, 'dailymix', true, true],
  [`spotify:list:${id}`, 'list', true, true],
  ['spotify:internal:recs', 'internal', true, true],
  ['spotify:search:night music', 'search', false, false],
  ['spotify:search:night', 'search', false, false],
  ['spotify:local-files', 'local-files', false, true],
  ['spotify:local:a:b:c:1', 'local', false, true],
  ['spotify:user:somebody', 'user', true, true],
  ['-', '', false, false],
  ['', '', false, false],
  ['context://-', '', false, false],
])('%s', (uri, kind, resolvable, open) => {
  expect([contextKind(uri), isResolvable(uri), endsOpen(uri), isStation(uri)]).toEqual([kind, resolvable, open, kind === 'station' || kind === 'radio']);
});
