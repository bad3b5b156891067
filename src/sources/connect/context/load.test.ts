import { describe, expect, it } from 'vitest';
import { FakeClock, TonearmError } from '#foundation';
import { parseContext, type Context } from '#spotify/wire';
import type { ContextSource } from '../device-state.ts';
import { loadContext, loadPage } from './load.ts';
import { sourceOf } from './rows.ts';

const uri = (n: number) => `spotify:track:${String(n).padStart(22, '0')}`;
const tracks = (...numbers: number[]) => numbers.map((n) => ({ uri: uri(n), uid: `u${n}` }));
const playlist = 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7';
const given = (json: object = {}): ContextSource => sourceOf(parseContext({ uri: playlist, ...json }));
const nothing = { until: null, isWhole: false };
const { signal } = new AbortController();

/** A cloud of contexts by uri and pages by address. */
function cloud(contexts: Record<string, object>, pages: Record<string, object> = {}, pageTime = 0) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const answer = (from: Record<string, object>, name: string): Context => {
    asked.push(name);
    const found = from[name];
    if (!found) throw new TonearmError({ kind: 'not-found', code: 'spotify/not-found', message: 'There is no such thing.' });
    return parseContext(found);
  };
  return {
    asked,
    clock,
    resolveContext: async (name: string) => answer(contexts, name),
    async fetchPage(name: string) {
      await clock.advance(pageTime);
      return answer(pages, name);
    },
  };
}
const uris = (context: ContextSource) => context.rows.map((row) => row.uri);

describe('where rows come from', () => {
  it('the command, when its rows are complete', async () => {
    const ports = cloud({});
    expect(uris(await loadContext(ports, given({ metadata: { playlist_number_of_tracks: '2' }, pages: [{ tracks: tracks(1, 2) }] }), nothing, signal))).toEqual([uri(1), uri(2)]);
    expect(ports.asked).toEqual([]);
  });

  it('the resolver, when rows are missing; the phone’s uids stay', async () => {
    const ports = cloud({ [playlist]: { uri: playlist, pages: [{ tracks: [{ uri: uri(1) }, { uri: uri(2) }, { uri: uri(3) }] }] } });
    const context = await loadContext(ports, given({ metadata: { playlist_number_of_tracks: '3' }, pages: [{ tracks: [{ uri: uri(2), uid: 'mine' }] }] }), nothing, signal);
    expect(context.rows.map((row) => row.uid)[1]).toBe('mine');
    expect(context.rows).toHaveLength(3);
  });

  it('the address of the context, when it has one of the cloud’s own', async () => {
    const ports = cloud({}, { 'hm://lexicon/x': { pages: [{ tracks: tracks(4) }] } });
    const context = await loadContext(ports, given({ url: 'hm://lexicon/x' }), nothing, signal);
    expect(context).toMatchObject({ uri: playlist, url: 'hm://lexicon/x' });
    expect(uris(context)).toEqual([uri(4)]);
  });

  it('the command’s rows after all, when the resolver knows nothing', async () => {
    expect(uris(await loadContext(cloud({}), given({ metadata: { playlist_number_of_tracks: '9' }, pages: [{ tracks: tracks(1) }] }), nothing, signal))).toEqual([uri(1)]);
  });

  it.each(['', '-'])('never the resolver for “%s”', async (home) => {
    const ports = cloud({});
    expect(uris(await loadContext(ports, given({ uri: home, metadata: { playlist_number_of_tracks: '9' }, pages: [{ tracks: tracks(1) }] }), nothing, signal))).toEqual([uri(1)]);
    await expect(loadContext(ports, given({ uri: home }), nothing, signal)).rejects.toMatchObject({ code: 'connect/empty-context' });
    expect(ports.asked).toEqual([]);
  });

  it.each([
    ['an unknown context', {}, 'spotify/not-found'],
    ['an empty one', { [playlist]: { uri: playlist, pages: [{}] } }, 'connect/empty-context'],
  ])('%s is an error', async (_, contexts, code) => {
    await expect(loadContext(cloud(contexts), given(), nothing, signal)).rejects.toMatchObject({ code });
  });
});

describe('pages', () => {
  const paged = { [playlist]: { uri: playlist, pages: [{ tracks: tracks(1, 2), next_page_url: 'hm://2' }] } };
  const pages = { 'hm://2': { pages: [{ tracks: tracks(3), next_page_url: 'hm://3' }] }, 'hm://3': { pages: [{ tracks: tracks(4) }] } };

  it.each([
    ['none when there is a row already', nothing, 0, ['hm://2']],
    ['until a uid is found', { until: { uid: 'u3' }, isWhole: false }, 1, ['hm://3']],
    ['until a uri is found', { until: { uri: uri(4) }, isWhole: false }, 2, []],
    ['until the uid is found, although the same song stood before it', { until: { uid: 'u4', uri: uri(1) }, isWhole: false }, 2, []],
    ['until a place on a later page is there', { until: { index: 0, page: 2 }, isWhole: false }, 2, []],
    ['until there are enough for an index', { until: { index: 2 }, isWhole: false }, 1, ['hm://3']],
    ['all for a shuffle', { until: null, isWhole: true }, 2, []],
    ['all for a row that is nowhere', { until: { uid: 'no' }, isWhole: false }, 2, []],
  ])('are fetched: %s', async (_, want, count, morePages) => {
    const ports = cloud(paged, pages);
    const context = await loadContext(ports, given(), want, signal);
    expect(ports.asked.length - 1).toBe(count);
    expect(context.morePages).toEqual(morePages);
    expect(context.rows.map((row) => row.index?.page)).toEqual([0, 0, 1, 2].slice(0, context.rows.length));
  });

  it('are skipped when they are empty', async () => {
    const ports = cloud({ [playlist]: { uri: playlist, pages: [{ page_url: 'hm://empty' }, { page_url: 'hm://3' }] } }, { ...pages, 'hm://empty': { pages: [{}] } });
    expect(uris(await loadContext(ports, given(), nothing, signal))).toEqual([uri(4)]);
  });

  it('of an endless station are bounded in number and in time', async () => {
    const endless: Record<string, object> = {};
    for (let n = 0; n < 400; n++) endless[`hm://${n}`] = { pages: [{ tracks: tracks(n), next_page_url: `hm://${n + 1}` }] };
    const station = { [playlist]: { uri: playlist, pages: [{ tracks: tracks(999), next_page_url: 'hm://0' }] } };
    const fast = cloud(station, endless);
    await loadContext(fast, given(), { until: { uid: 'no' }, isWhole: false }, signal);
    expect(fast.asked).toHaveLength(257);
    const slow = cloud(station, endless, 3000);
    await loadContext(slow, given(), { until: null, isWhole: true }, signal);
    expect(slow.asked).toHaveLength(5);
  });

  it('do not go round in circles', async () => {
    const { morePages } = await loadPage(cloud({}, { 'hm://me': { pages: [{ tracks: tracks(1), next_page_url: 'hm://me' }] } }), given(), 'hm://me', signal);
    expect(morePages).toEqual([]);
  });

  it('give equal songs other uids than the pages before', async () => {
    const known = given({ pages: [{ tracks: [{ uri: uri(1) }] }] });
    const { rows } = await loadPage(cloud({}, { 'hm://2': { pages: [{ tracks: [{ uri: uri(1) }] }] } }), known, 'hm://2', signal);
    expect(rows[0]?.uid).not.toBe(known.rows[0]?.uid);
    expect(rows[0]?.index).toEqual({ page: 1, track: 0 });
  });
});
