import { createDecipheriv } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIO_IV, base62ToGid, parseAudioHeader, seekByte, seekPositions } from '#spotify/wire';
import { Catalogue } from './catalogue.ts';
import { Contexts } from './contexts.ts';
import { readStored, type AudioFile } from './item.ts';
import { oddCatalogue, oddTitles } from './odd-catalogue.ts';
import { layOddContexts } from './odd-contexts.ts';
import { readMusicFolder } from './folder.ts';
import { parseOggStream, percentPositions } from './ogg-pages.ts';
import { encodeTune, tuneRate } from './tune.fixture.ts';

let tune: Buffer;
beforeAll(async () => {
  tune = await encodeTune(12);
});

const first = (catalogue: Catalogue, title: string, at = 0): AudioFile => {
  const file = catalogue.get(title).files[at];
  if (!file) throw new Error('no file');
  return file;
};

describe('a catalogue', () => {
  const entries = () => [{ title: 'One', artists: ['A', 'B'], album: 'Album', duration: 12_000, files: [{ format: 1, content: { bytes: tune } }] }];

  it('gives the same ids for the same seed, and others for another', () => {
    const [one, same, other] = ['x', 'x', 'y'].map((seed) => new Catalogue(seed, entries()).get('One'));
    expect(same).toMatchObject({ uri: one?.uri, gid: one?.gid });
    expect(same?.files[0]?.hex).toBe(one?.files[0]?.hex);
    expect(other?.uri).not.toBe(one?.uri);
    expect(one?.gid).toHaveLength(16);
    expect(base62ToGid(one?.uri.split(':')[2] ?? '')).toEqual(one?.gid);
    expect(one?.files[0]?.id).toHaveLength(20);
  });

  it('finds items by uri, id and title, and says what is missing', () => {
    const catalogue = new Catalogue('x', entries());
    const item = catalogue.get('One');
    expect(catalogue.byUri(item.uri)).toBe(item);
    expect(catalogue.byGid(item.gid)).toBe(item);
    expect(catalogue.byUri(item.uri.replace('track', 'episode'))).toBeNull();
    expect(catalogue.byUri('nonsense')).toBeNull();
    expect(() => catalogue.get('Two')).toThrow('nothing called "Two"');
    expect(() => catalogue.add({ ...entries()[0], title: 'One', duration: 1, artists: ['A'], album: 'Album' })).toThrow('already has "One"');
  });

  it('takes a given uri', () => {
    const uri = 'spotify:track:2RnhhsLPpUvzQ23I6FTEIx';
    expect(new Catalogue('x', [{ title: 'Given', duration: 1, uri }]).get('Given').gid.toString('hex')).toBe('5e000000000000000000000000000001');
  });

  it('holds covers in three sizes, also for what has none', () => {
    const catalogue = new Catalogue('x', entries());
    const { pictures } = catalogue.get('One');
    expect(pictures.map(({ width }) => width)).toEqual([300, 64, 640]);
    expect(new Set(pictures.map(({ hex }) => hex)).size).toBe(3);
    expect(catalogue.pictures.find(pictures[0]?.hex ?? '')?.bytes.subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('what the CDN keeps', () => {
  it('is an encrypted page of 167 bytes and then the stream', async () => {
    const catalogue = new Catalogue('x', [{ title: 'One', duration: 12_000, files: [{ format: 1, content: { bytes: tune }, gain: { track: -3.5, trackPeak: 0.9, album: -4, albumPeak: 0.95 } }] }]);
    const file = first(catalogue, 'One');
    const size = await file.source.size();
    expect(size).toBe(tune.length + 167);
    const stored = await readStored(file, 0, size);
    const plain = createDecipheriv('aes-128-ctr', file.key ?? Buffer.alloc(16), AUDIO_IV).update(stored);
    expect(plain.subarray(167).equals(tune)).toBe(true);
    const header = parseAudioHeader(plain);
    expect(header).toMatchObject({ length: 167, bytes: tune.length, samples: parseOggStream(tune)?.samples });
    expect(header?.trackGain).toBeCloseTo(-3.5);
    expect(header?.albumPeak).toBeCloseTo(0.95);
    expect(plain.readFloatLE(144)).toBeCloseTo(-3.5);
  });

  it('is the same in every piece', async () => {
    const file = first(new Catalogue('x', [{ title: 'One', duration: 1, files: [{ format: 1, content: { bytes: tune } }] }]), 'One');
    const size = await file.source.size();
    const whole = await readStored(file, 0, size);
    for (const [from, to] of [[0, 1], [1, 17], [160, 170], [166, 167], [167, 168], [5000, 9001], [size - 3, size]] as const) {
      expect(await readStored(file, from, to)).toEqual(whole.subarray(from, to));
    }
  });

  it('has a seek table that leads near', () => {
    const stream = parseOggStream(tune);
    if (!stream) throw new Error('no stream');
    expect(stream).toMatchObject({ rate: tuneRate, channels: 2, samples: 12 * tuneRate });
    const positions = percentPositions(stream);
    expect(positions).toHaveLength(100);
    expect([...positions].sort((a, b) => a - b)).toEqual(positions);
  });

  it('leads to the right place in the whole file', async () => {
    const file = first(new Catalogue('x', [{ title: 'One', duration: 1, files: [{ format: 1, content: { bytes: tune } }] }]), 'One');
    const header = parseAudioHeader(await file.source.read(0, 167));
    if (!header?.seek) throw new Error('no table');
    expect(seekPositions(header.seek)).toHaveLength(100);
    const stream = parseOggStream(tune);
    for (const second of [3, 6, 9]) {
      const byte = seekByte(header.seek, second * tuneRate, header);
      const page = stream?.pages.find(({ offset }) => offset >= byte);
      // The page holds the sample or ends a little before it; pages of this tune last more than a second.
      expect((page?.granule ?? 0) / tuneRate).toBeGreaterThan(second - 0.3);
      expect((page?.granule ?? 0) / tuneRate).toBeLessThan(second + 2);
    }
  });

  it('has no page for other formats, and no key where none is wanted', async () => {
    const content = { bytes: Buffer.from('ID3 something') };
    const catalogue = new Catalogue('x', [{ title: 'One', duration: 1, files: [{ format: 4, content }, { format: 16, content }, { format: 0, content, page: false, encrypted: false }] }]);
    expect(await first(catalogue, 'One').source.size()).toBe(13);
    expect(first(catalogue, 'One', 1).isKeyed).toBe(false);
    expect(await readStored(first(catalogue, 'One', 2), 0, 13)).toEqual(content.bytes);
  });
});

describe('a music folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tonearm-simulator-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('becomes a catalogue', async () => {
    await expect(readMusicFolder(folder)).rejects.toThrow('holds no .ogg');
    await writeFile(join(folder, 'Untagged.ogg'), tune);
    await writeFile(join(folder, 'Other.mp3'), await encodeTune(3, { format: 'mp3' }));
    await writeFile(join(folder, 'cover.png'), Buffer.from('89504e470d0a1a0a', 'hex'));
    const entries = await readMusicFolder(folder);
    expect(entries.map(({ title, files }) => [title, files?.map(({ format }) => format)])).toEqual([['Other', [4]], ['Untagged', [0]]]);
    expect(entries[1]).toMatchObject({ artists: ['Unknown artist'], duration: 12_000 });
    expect(entries[1]?.cover).toHaveLength(8);
    const catalogue = new Catalogue('x', entries);
    expect((await readStored(first(catalogue, 'Untagged'), 0, 1000)).length).toBe(1000);
    expect(parseAudioHeader(await first(catalogue, 'Untagged').source.read(0, 167))?.samples).toBe(12 * tuneRate);
  });

  it('that is not there is said so', async () => {
    await expect(readMusicFolder(join(folder, 'nowhere'))).rejects.toThrow('cannot be read');
  });

  it('with a broken file is said so', async () => {
    await writeFile(join(folder, 'Broken.flac'), 'this is not music');
    await expect(readMusicFolder(folder)).rejects.toThrow('Broken.flac cannot be read as music');
  });
});

describe('contexts', () => {
  const make = () => {
    const catalogue = new Catalogue('x', oddCatalogue({ bytes: tune }, 12_000));
    return { catalogue, contexts: new Contexts(catalogue) };
  };
  const rows = (document: { pages: readonly { tracks?: readonly object[] }[] } | null) => document?.pages.flatMap(({ tracks = [] }) => tracks) ?? [];

  it('follow from the catalogue', () => {
    const { catalogue, contexts } = make();
    const plain = catalogue.get(oddTitles.plain);
    const everything = contexts.resolve(contexts.everything);
    expect(rows(everything)).toHaveLength(Object.keys(oddTitles).length - 1);
    expect(rows(everything).every((row) => 'uid' in row)).toBe(true);
    expect(rows(contexts.resolve(plain.album.uri)).every((row) => !('uid' in row))).toBe(true);
    expect(rows(contexts.resolve(plain.uri))).toEqual([{ uri: plain.uri }]);
    expect(rows(contexts.resolve(catalogue.get(oddTitles.episode).album.uri))).toEqual([{ gid: catalogue.get(oddTitles.episode).gid.toString('base64') }]);
    const artist = contexts.resolve(plain.artists[0]?.uri ?? '');
    expect(rows(artist)).toHaveLength(10);
    const url = artist?.pages[1]?.page_url ?? '';
    expect(contexts.page(url)).toMatchObject({ page_url: url });
    expect(contexts.fetches(url)).toBe(1);
    expect(rows(contexts.resolve('spotify:user:listener:collection'))).not.toHaveLength(0);
    expect(contexts.resolve('spotify:playlist:0000000000000000000000')).toBeNull();
  });

  it('have stations without an end behind them', () => {
    const { catalogue, contexts } = make();
    const station = contexts.autoplay(catalogue.get(oddTitles.plain).album.uri);
    expect(station?.uri).toMatch(/^spotify:station:album:/);
    let page = station?.pages[0] ?? null;
    for (let more = 0; more < 5; more++) {
      expect(page?.tracks).toHaveLength(50);
      page = contexts.page(page?.next_page_url ?? '');
    }
    expect(contexts.autoplay('nonsense')).toBeNull();
  });

  it('come in all the odd forms', () => {
    const { catalogue, contexts } = make();
    const odd = layOddContexts(catalogue, contexts);
    const count = (uri: string) => rows(contexts.resolve(uri)).length;
    expect({ album: count(odd.album), playlist: count(odd.playlist), paged: count(odd.paged), liked: count(odd.liked), show: count(odd.show), empty: count(odd.empty), hole: count(odd.hole), doubles: count(odd.doubles), marked: count(odd.marked) }).toEqual({
      album: 13,
      playlist: 250,
      paged: 50,
      liked: 3000,
      show: 40,
      empty: 0,
      hole: 6,
      doubles: 10,
      marked: 7,
    });
    expect(contexts.page(contexts.resolve(odd.paged)?.pages[0]?.next_page_url ?? '')).toHaveProperty('tracks.length', 30);
    const artist = contexts.resolve(odd.artist);
    expect(artist?.pages.filter(({ tracks }) => !tracks).map(({ page_url: url = '' }) => contexts.page(url))).toEqual(Array(6).fill(expect.objectContaining({ tracks: Array(10).fill(expect.anything()) })));
  });
});
