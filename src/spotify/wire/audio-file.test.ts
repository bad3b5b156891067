import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AUDIO_HEADER_LENGTH, AUDIO_IV, counterBlock, encodeAudioHeader, parseAudioHeader } from './audio-file.ts';
import { oggChecksum } from './ogg-checksum.ts';

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

function keystream(offset: number, length: number): string {
  const skip = offset % 16;
  return createCipheriv('aes-128-ctr', key, counterBlock(offset)).update(Buffer.alloc(skip + length)).subarray(skip).toString('hex');
}

describe('counterBlock (connect-session.md §12.9)', () => {
  it.each([
    [0, '72e067fbddcbcf77ebe8bc643f630d93', 'beb25cee05d717a831e56d65794babad'],
    [1, '72e067fbddcbcf77ebe8bc643f630d94', 'c86453d27f3be9e23ef96565f4e742c5'],
    [10, '72e067fbddcbcf77ebe8bc643f630d9d', '3757acdce05d73848bb2880fc0caa5f9'],
    [4096, '72e067fbddcbcf77ebe8bc643f631d93', 'b7cd997074b688a9490bbf61ad5d6638'],
    [2 ** 28, '72e067fbddcbcf77ebe8bc644f630d93', 'b6cae76ad5d082f49e5c0bd71d67c3ac'],
  ])('block %i', (block, counter, stream) => {
    expect(counterBlock(block * 16).toString('hex')).toBe(counter);
    expect(counterBlock(block * 16 + 15).toString('hex')).toBe(counter);
    expect(keystream(block * 16, 16)).toBe(stream);
  });

  it.each([
    [0xa7, 8, '848bb2880fc0caa5'],
    [65537, 8, 'cd997074b688a949'],
  ])('keystream at %i', (offset, length, stream) => {
    expect(keystream(offset, length)).toBe(stream);
  });

  it('carries far', () => {
    expect(counterBlock(Number.MAX_SAFE_INTEGER).length).toBe(16);
    expect(AUDIO_IV.toString('hex')).toBe('72e067fbddcbcf77ebe8bc643f630d93');
  });
});

describe('oggChecksum', () => {
  it('is that of RFC 3533', () => {
    const page = Buffer.alloc(28);
    page.write('OggS', 'latin1');
    expect(oggChecksum(page)).toBe(oggChecksum(Buffer.concat([page.subarray(0, 22), Buffer.from('ffffffff', 'hex'), page.subarray(26)])));
    // CRC-32 with polynomial 04c11db7, no reflection, no inversion, of "123456789" placed clear of the checksum field.
    expect(oggChecksum(Buffer.from('123456789'))).toBe(0x89a1897f);
  });
});

describe('the first page of a Vorbis file (connect-session.md §12.10)', () => {
  const deltas = Buffer.from([...Array<number>(50).fill(175), ...Array<number>(50).fill(176)]);
  const page = encodeAudioHeader({ samples: 9_261_000, bytes: 8_400_000, seek: { offset: 5, deltas }, trackGain: -6.5, trackPeak: 0.75, albumGain: -7.25, albumPeak: 0.875, serial: 0x01020304 });

  it('has the documented layout', () => {
    expect(page).toHaveLength(AUDIO_HEADER_LENGTH);
    expect(page.toString('latin1', 0, 4)).toBe('OggS');
    expect(page.readUInt32LE(14)).toBe(0x01020304);
    expect([page[26], page[27], page[28], page.readUInt16LE(29), page[31]]).toEqual([1, 139, 0x81, 110, 0]);
    expect([page.readUInt32LE(32), page.readUInt32LE(36), page[40]]).toEqual([9_261_000, 8_400_000, 5]);
    expect(page.subarray(41, 141)).toEqual(deltas);
    expect([page.readUInt16LE(141), page[143]]).toEqual([17, 1]);
    expect([144, 148, 152, 156].map((at) => page.readFloatLE(at))).toEqual([-6.5, 0.75, -7.25, 0.875]);
    expect(page.toString('hex', 160)).toBe('050002ffffffff');
    expect(page.readUInt32LE(22)).toBe(oggChecksum(page));
  });

  it('is read back', () => {
    expect(parseAudioHeader(Buffer.concat([page, Buffer.from('OggS')]))).toEqual({
      length: 167, samples: 9_261_000, bytes: 8_400_000, seek: { offset: 5, deltas }, trackGain: -6.5, trackPeak: 0.75, albumGain: -7.25, albumPeak: 0.875,
    });
  });

  it('is told from other things', () => {
    expect(parseAudioHeader(Buffer.alloc(0))).toBeNull();
    expect(parseAudioHeader(Buffer.from('ID3'))).toBeNull();
    expect(parseAudioHeader(page.subarray(0, 28))).toBeNull();
    const vorbis = Buffer.from(page);
    vorbis[28] = 1;
    expect(parseAudioHeader(vorbis)).toBeNull();
  });

  it('may lack parts, have them in another order and hold unknown ones', () => {
    const gain = page.subarray(141, 160);
    const body = Buffer.concat([Buffer.of(0x81, 3, 0, 9, 1, 2), gain]);
    const other = Buffer.concat([page.subarray(0, 26), Buffer.of(1, body.length), body]);
    expect(parseAudioHeader(other)).toEqual({ length: other.length, samples: 0, bytes: 0, seek: null, trackGain: -6.5, trackPeak: 0.75, albumGain: -7.25, albumPeak: 0.875 });
    const bare = Buffer.concat([page.subarray(0, 26), Buffer.of(1, 1, 0x81)]);
    expect(parseAudioHeader(bare)).toMatchObject({ length: 29, seek: null, trackGain: 0, trackPeak: 1 });
  });

  it('survives being cut anywhere', () => {
    for (let length = 0; length < page.length; length++) expect(() => parseAudioHeader(page.subarray(0, length))).not.toThrow();
  });

  it('takes nonsense for loudness as none', () => {
    const odd = Buffer.from(page);
    odd.writeFloatLE(NaN, 144);
    odd.writeFloatLE(Infinity, 148);
    expect(parseAudioHeader(odd)).toMatchObject({ trackGain: 0, trackPeak: 1 });
  });
});
