import { describe, expect, it, vi } from 'vitest';
import { FakeClock, TonearmError } from '#foundation';
import type { Resolved, Session } from '#spotify';
import type { Row } from './context/row.ts';
import { Loads } from './loads.ts';
import { refreshRow, resolveRow } from './resolve.ts';

const row: Row = { uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx', uid: 'u', provider: 'context', metadata: {} };
const key = Buffer.alloc(16, 7);
const resolved: Resolved = {
  uri: row.uri, gid: Buffer.alloc(16, 1), kind: 'track', title: 'T', artists: ['A', 'B'], album: 'C', albumUri: 'spotify:album:c', artistUri: 'spotify:artist:a', duration: 200_000, explicit: true,
  images: [{ url: 'small', width: 64 }, { url: 'large', width: 640 }], imageIds: [{ size: 'large', hex: 'aa' }, { size: 'small', hex: 'bb' }],
  file: { id: Buffer.alloc(20, 2), format: 2, kind: 'vorbis', bitrate: 320 }, loudness: { integrated: -20, peak: -10, albumIntegrated: -8, albumPeak: -1 },
};

function fake(patch: Partial<Session> = {}, metadata: Partial<Resolved> = {}) {
  const signals: AbortSignal[] = [];
  const storage = vi.fn(async () => ({ urls: ['https://cdn/1'], expires: 5 }));
  const session = {
    metadata: vi.fn(async () => ({ ...resolved, ...metadata })),
    audioKey: vi.fn(async (_gid: Uint8Array, _file: Uint8Array, signal: AbortSignal) => (signals.push(signal), key)),
    storage,
    ...patch,
  };
  const { metadata: asked, audioKey } = session;
  return { session: session as unknown as Session, asked, audioKey, storage, signals };
}
const { signal } = new AbortController();
const refused = new TonearmError({ kind: 'forbidden', code: 'spotify/key-refused', message: 'No.' });

describe('from a row to a recipe', () => {
  it('names bytes, cipher, what to skip, and what apps draw', async () => {
    const { playable, metadata, expires } = await resolveRow(fake().session, row, 'off', signal);
    expect(playable).toMatchObject({ bytes: { urls: ['https://cdn/1'], live: false }, cipher: { name: 'aes-128-ctr', key }, format: 'vorbis', track: { title: 'T', artists: ['A', 'B'], explicit: true, format: { codec: 'vorbis', bitrate: expect.any(Number) as number }, covers: [{ url: 'large' }, { url: 'small' }] } });
    expect(playable.skip).toBeGreaterThan(0);
    expect(playable).not.toHaveProperty('gainDb');
    expect(expires).toBe(5);
    // Every size gets the closest picture there is (§4.7).
    expect(metadata).toEqual({
      title: 'T', album_title: 'C', album_uri: 'spotify:album:c', artist_uri: 'spotify:artist:a', artist_name: 'A', track_player: 'audio', duration: '200000',
      image_url: 'spotify:image:aa', image_small_url: 'spotify:image:bb', image_large_url: 'spotify:image:aa', image_xlarge_url: 'spotify:image:aa',
    });
  });

  it('skips nothing of an MP3, and leaves out what is not known', async () => {
    const { playable, metadata } = await resolveRow(fake({}, { file: { ...resolved.file, kind: 'mp3' }, album: null, albumUri: null, imageIds: [] }).session, row, 'off', signal);
    expect(playable).not.toHaveProperty('skip');
    expect(playable.track.album).toBe('');
    expect(Object.keys(metadata)).not.toEqual(expect.arrayContaining(['album_title']));
    expect(Object.keys(metadata).some((name) => name.startsWith('image'))).toBe(false);
  });

  it.each([
    ['off', {}, null],
    ['track', {}, 'up'],
    ['album', {}, 'down'],
    ['album', { loudness: { integrated: -20, peak: -10 } }, 'up'],
    ['track', { loudness: null }, null],
    ['track', { kind: 'episode' }, null],
  ] as const)('levels by %s with %j: %s', async (how, patch, expected) => {
    const { playable } = await resolveRow(fake({}, patch).session, row, how, signal);
    if (expected === null) expect(playable).not.toHaveProperty('gainDb');
    else expect(Math.sign(playable.gainDb ?? 0)).toBe(expected === 'up' ? 1 : -1);
  });

  it('needs no metadata that is known', async () => {
    const { session, asked } = fake();
    await resolveRow(session, row, 'off', signal, resolved);
    expect(asked).not.toHaveBeenCalled();
  });

  it('stops asking for the key when there are no addresses', async () => {
    const { session, signals } = fake({ storage: () => Promise.reject(refused) });
    await expect(resolveRow(session, row, 'off', signal)).rejects.toBe(refused);
    expect(signals[0]?.aborted).toBe(true);
  });

  it('changes addresses only when it is refreshed', async () => {
    const { session, storage, audioKey } = fake();
    const first = await resolveRow(session, row, 'track', signal);
    storage.mockResolvedValue({ urls: ['https://cdn/2'], expires: 9 });
    expect(await refreshRow(session, first, signal)).toEqual({ ...first, expires: 9, playable: { ...first.playable, bytes: { urls: ['https://cdn/2'], live: false } } });
    expect(audioKey).toHaveBeenCalledTimes(1);
  });
});

describe('loads', () => {
  function setup(patch: Partial<Session> = {}) {
    const { session, ...spies } = fake(patch);
    const clock = new FakeClock();
    const loaded: string[] = [];
    const failed: string[] = [];
    const foreseen: string[] = [];
    const loads = new Loads({ session, clock, normalisation: 'off', loaded: (id) => loaded.push(id), failed: (id, { code }) => failed.push(`${id} ${code}`), foreseen: (uri, { track }) => foreseen.push(`${uri} ${track.title}`) });
    return { ...spies, clock, loads, loaded, failed, foreseen };
  }

  it('says what became of each, and nothing of one that was forgotten', async () => {
    const { loads, loaded, clock } = setup();
    loads.start('a', row);
    loads.start('b', row);
    loads.forget('a');
    await clock.advance(0);
    expect(loaded).toEqual(['b']);
    expect(loads.recipe('a')).toBeNull();
    expect(loads.recipe('b')).toMatchObject({ format: 'vorbis' });
    expect(loads.size).toBe(1);
    loads[Symbol.dispose]();
    expect(loads.size).toBe(0);
  });

  it('says why one failed', async () => {
    const { loads, failed, clock } = setup({ audioKey: () => Promise.reject(refused) });
    loads.start('a', row);
    await clock.advance(0);
    expect(failed).toEqual(['a spotify/key-refused']);
  });

  it('uses what was foreseen of the row, and not for ever', async () => {
    const { loads, asked, audioKey, foreseen, clock } = setup();
    loads.foresee(row);
    await clock.advance(0);
    expect(foreseen).toEqual([`${row.uri} T`]);
    loads.start('a', row);
    await clock.advance(0);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(audioKey).toHaveBeenCalledTimes(1);
    await clock.advance(31 * 60_000);
    loads.start('b', row);
    await clock.advance(0);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('gives fresh addresses to a load that is still wanted', async () => {
    const { loads, storage, clock } = setup();
    expect(await loads.refresh('a')).toBeNull();
    loads.start('a', row);
    await clock.advance(0);
    storage.mockResolvedValue({ urls: ['https://cdn/2'], expires: 9 });
    const asked = loads.refresh('a');
    expect(await asked).toMatchObject({ bytes: { urls: ['https://cdn/2'] } });
    expect(loads.recipe('a')).toMatchObject({ bytes: { urls: ['https://cdn/2'] } });
    const late = loads.refresh('a');
    loads.forget('a');
    expect(await late).toBeNull();
  });
});
