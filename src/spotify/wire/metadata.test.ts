import { describe, expect, it } from 'vitest';
import {
  AudioFormatId, decodeAudioFiles, decodeEpisode, decodeTrack, encodeAudioFiles, encodeEpisode, encodeTrack, pickFormat, type Bitrate,
} from './metadata.ts';

const { vorbis96, vorbis160, vorbis320, mp3At96, mp3At160, mp3At256, mp3At320, flac, flac24 } = AudioFormatId;
const gid = Buffer.from('5e000000000000000000000000000001', 'hex');

describe('a track (connect-session.md §12.3)', () => {
  it('is written and read', () => {
    const track = {
      gid,
      name: 'Tune',
      album: { gid, name: 'Album', coverGroup: { image: [{ fileId: Buffer.alloc(20, 1), size: 2, width: 640, height: 640 }] }, date: { year: 2024, month: 2 } },
      artist: [{ gid, name: 'Artist' }],
      number: 3,
      duration: 215_000,
      explicit: false,
      restriction: [{ countriesAllowed: '', catalogueStr: ['premium'] }, { countriesForbidden: 'DE' }],
      alternative: [{ gid, restriction: [{ countriesAllowed: 'FR' }] }],
      earliestLiveTimestamp: 1_700_000_000,
    };
    const decoded = decodeTrack(encodeTrack(track));
    expect(decoded).toMatchObject(track);
    // Present but empty is nowhere; absent is anywhere.
    expect(decoded.restriction.map((rule) => [rule.countriesAllowed, rule.countriesForbidden])).toEqual([['', null], [null, 'DE']]);
    expect(decoded.popularity).toBeNull();
  });

  it('has zig-zag coded numbers', () => {
    expect(encodeTrack({ duration: 200, number: -1 }).toString('hex')).toBe('2801' + '389003');
    expect(decodeTrack(Buffer.from('389003', 'hex')).duration).toBe(200);
  });

  it('keeps formats nobody knows', () => {
    expect(decodeTrack(encodeTrack({ file: [{ fileId: Buffer.alloc(16), format: 99 }] })).file).toEqual([{ fileId: Buffer.alloc(16), format: 99 }]);
  });
});

describe('an episode (connect-session.md §12.3)', () => {
  it('is written and read', () => {
    const episode = {
      gid, name: 'Talk', duration: 1_800_000, audio: [{ fileId: Buffer.alloc(20, 2), format: 0 }], description: 'About', explicit: true, publishTime: { year: 2023, month: 12, day: 24 },
      show: { gid, name: 'Show', publisher: 'People', coverImage: { image: [{ fileId: Buffer.alloc(20, 3) }] } }, externalUrl: 'https://example.org/a.mp3', type: 1,
    };
    expect(decodeEpisode(encodeEpisode(episode))).toMatchObject(episode);
    expect(encodeEpisode({ explicit: true }).toString('hex')).toBe('b00401');
  });
});

describe('AUDIO_FILES (connect-session.md §12.2)', () => {
  it('is written and read', () => {
    const answer = { files: [{ fileId: Buffer.alloc(20, 1), format: 2 }], loudness: { integrated: -8, peak: -0.5 }, albumLoudness: null };
    const bytes = encodeAudioFiles(answer);
    expect(bytes.toString('hex')).toBe('0a1a0a180a14' + '01'.repeat(20) + '1002' + '120a0d000000c115000000bf');
    expect(decodeAudioFiles(bytes)).toEqual(answer);
  });

  it('may hold nothing', () => {
    expect(decodeAudioFiles(Buffer.alloc(0))).toEqual({ files: [], loudness: null, albumLoudness: null });
    expect(decodeAudioFiles(Buffer.from('0a00', 'hex')).files).toEqual([]);
  });
});

describe('pickFormat (connect-session.md §12.6)', () => {
  const file = (format: number | null, length = 20) => ({ fileId: Buffer.alloc(length, (format ?? 0) + 1), format });
  const all = [vorbis96, vorbis160, vorbis320, mp3At256, mp3At320, mp3At160, mp3At96];

  it.each<[Bitrate, readonly number[], number | null]>([
    [96, all, vorbis96],
    [160, all, vorbis160],
    [320, all, vorbis320],
    [96, [mp3At320, vorbis320, mp3At256], mp3At256],
    [160, [vorbis96, vorbis320], vorbis96],
    [160, [mp3At96, vorbis96], vorbis96],
    [320, [vorbis96, vorbis160, mp3At256], mp3At256],
    [320, [mp3At320, mp3At256], mp3At320],
    [320, [vorbis96], vorbis96],
    [96, [vorbis160, mp3At96], mp3At96],
    [320, [flac, flac24, 99, 10, 7], null],
    [320, [flac, mp3At96], mp3At96],
    [160, [], null],
  ])('%i of %j is %j', (bitrate, formats, chosen) => {
    expect(pickFormat(formats.map((format) => file(format)), bitrate)?.format ?? null).toBe(chosen);
  });

  it('follows each list to its end', () => {
    const order = (bitrate: Bitrate) => {
      const left = all.map((format) => file(format));
      const out: number[] = [];
      for (let next = pickFormat(left, bitrate); next; next = pickFormat(left, bitrate)) {
        const { format } = next;
        out.push(format);
        left.splice(left.findIndex((candidate) => candidate.format === format), 1);
      }
      return out;
    };
    expect(order(96)).toEqual([vorbis96, mp3At96, vorbis160, mp3At160, mp3At256, vorbis320, mp3At320]);
    expect(order(160)).toEqual([vorbis160, mp3At160, vorbis96, mp3At96, mp3At256, vorbis320, mp3At320]);
    expect(order(320)).toEqual([vorbis320, mp3At320, mp3At256, vorbis160, mp3At160, vorbis96, mp3At96]);
  });

  it('says what it found', () => {
    expect(pickFormat([file(vorbis320)], 320)).toEqual({ id: Buffer.alloc(20, 3), format: 2, kind: 'vorbis', bitrate: 320 });
    expect(pickFormat([file(mp3At256)], 320)).toEqual({ id: Buffer.alloc(20, 4), format: 3, kind: 'mp3', bitrate: 256 });
  });

  it('passes over files with odd ids, and those that say nothing', () => {
    expect(pickFormat([file(vorbis320, 16), file(vorbis320), { fileId: null, format: vorbis320 }], 320)?.id).toHaveLength(20);
    expect(pickFormat([file(vorbis320, 16), file(null)], 320)).toBeNull();
  });
});
