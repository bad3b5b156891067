import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Command } from '#core';
import { type Action, isVolumeOnly, MqttError, parseSet, parseSetKey, type SetRequest, slots, writableKeys } from './index.ts';

const bytes = (text: string) => Buffer.from(text);
const set = (value: unknown) => parseSet(bytes(JSON.stringify(value)));
const done = (command: Command): Action => ({ kind: 'command', command });

/** Every key in every form it may come in, as bare text. */
const bare: readonly [key: string, text: string, action: Action | null][] = [
  ['play', 'ON', done({ kind: 'play' })],
  ['play', 'on', done({ kind: 'play' })],
  ['play', ' On\n', done({ kind: 'play' })],
  ['play', 'true', done({ kind: 'play' })],
  ['play', '1', done({ kind: 'play' })],
  ['play', 'OFF', done({ kind: 'pause' })],
  ['play', '0', done({ kind: 'pause' })],
  ['play', 'TOGGLE', { kind: 'toggle', what: 'play' }],
  ['play', 'maybe', null],
  ['play', '', null],
  ['state', 'playing', done({ kind: 'play' })],
  ['state', 'PAUSED', done({ kind: 'pause' })],
  ['state', 'stopped', done({ kind: 'stop' })],
  ['state', 'idle', done({ kind: 'stop' })],
  ['state', 'buffering', null],
  ['next', 'PRESS', done({ kind: 'next' })],
  ['next', '', done({ kind: 'next' })],
  ['previous', 'PRESS', done({ kind: 'previous' })],
  ['stop', 'x', done({ kind: 'stop' })],
  ['volume', '0', done({ kind: 'volume', level: 0 })],
  ['volume', '34', done({ kind: 'volume', level: 0.34 })],
  ['volume', '34.0', done({ kind: 'volume', level: 0.34 })],
  ['volume', ' 100 ', done({ kind: 'volume', level: 1 })],
  ['volume', '+5', { kind: 'volume-by', by: 5 }],
  ['volume', '-5', { kind: 'volume-by', by: -5 }],
  ['volume', '+2.5', { kind: 'volume-by', by: 2.5 }],
  ['volume', '101', null],
  ['volume', '+101', null],
  ['volume', 'None', null],
  ['volume', 'unknown', null],
  ['volume', '', null],
  ['volume', '1e2', null],
  ['volume', '0x10', null],
  ['volume', 'Infinity', null],
  ['volume', '3 4', null],
  ['volume_level', '0', done({ kind: 'volume', level: 0 })],
  ['volume_level', '.5', done({ kind: 'volume', level: 0.5 })],
  ['volume_level', '1.0', done({ kind: 'volume', level: 1 })],
  ['volume_level', '34', null],
  ['volume_level', '-0.1', null],
  ['mute', 'ON', done({ kind: 'mute', muted: true })],
  ['mute', 'off', done({ kind: 'mute', muted: false })],
  ['mute', 'toggle', { kind: 'toggle', what: 'mute' }],
  ['mute', '2', null],
  ['shuffle', 'True', done({ kind: 'shuffle', on: true })],
  ['shuffle', 'no', done({ kind: 'shuffle', on: false })],
  ['shuffle', 'TOGGLE', { kind: 'toggle', what: 'shuffle' }],
  ['shuffle', 'null', null],
  ['repeat', 'off', done({ kind: 'repeat', mode: 'off' })],
  ['repeat', 'all', done({ kind: 'repeat', mode: 'queue' })],
  ['repeat', 'One', done({ kind: 'repeat', mode: 'track' })],
  ['repeat', 'track', null],
  ['seek', '0', done({ kind: 'seek', to: 0 })],
  ['seek', '62.5', done({ kind: 'seek', to: 62_500 })],
  ['seek', '+10', { kind: 'seek-by', by: 10_000 }],
  ['seek', '-10', { kind: 'seek-by', by: -10_000 }],
  ['seek', '86401', null],
  ['seek', '1:30', null],
  ['play_uri', 'spotify:track:abc', done({ kind: 'play', uri: 'spotify:track:abc' })],
  ['play_uri', '  spotify:track:abc\n', done({ kind: 'play', uri: 'spotify:track:abc' })],
  ['play_uri', ' ', null],
  ['play_uri', 'x'.repeat(2049), null],
  ['play_media', '{"media_id":"spotify:track:a"}', done({ kind: 'play', uri: 'spotify:track:a' })],
  ['play_media', '{"media_id":"spotify:track:a","media_type":"track","enqueue":"add"}', done({ kind: 'enqueue', uri: 'spotify:track:a' })],
  ['play_media', '{"media_id":"spotify:track:a","enqueue":"next"}', done({ kind: 'enqueue', uri: 'spotify:track:a' })],
  ['play_media', '{"media_id":"spotify:track:a","enqueue":"sideways"}', null],
  ['play_media', '{"media_id":7}', null],
  ['play_media', '{}', null],
  ['play_media', '{"media_id":"a","announce":true,"volume":40}', done({ kind: 'announce', uri: 'a', chime: false, level: 0.4 })],
  ['play_media', '{"media_id":"a","from":3,"shuffle":true}', done({ kind: 'play', uri: 'a', from: 3, shuffle: true })],
  ['play_media', '{"media_id":"a","from":"spotify:track:b"}', done({ kind: 'play', uri: 'a', from: 'spotify:track:b' })],
  ['play_media', '{"media_id":"a","from":-1}', null],
  ['play_media', '{"media_id":"a","fade_in":-1}', null],
  ['play_media', '{"media_id":"a","announce":"perhaps"}', null],
  ['preset', 'Morning', done({ kind: 'preset', preset: 'Morning' })],
  ['preset', '  News radio ', done({ kind: 'preset', preset: 'News radio' })],
  ['preset', '', null],
  ['preset', 'x'.repeat(101), null],
  ['announce', 'http://h/a.mp3', done({ kind: 'announce', uri: 'http://h/a.mp3', chime: false })],
  ['announce', 'sound:chime', done({ kind: 'announce', uri: 'sound:chime', chime: false })],
  ['announce', '{"url":"https://h/a.mp3","volume":40,"chime":true}', done({ kind: 'announce', uri: 'https://h/a.mp3', level: 0.4, chime: true })],
  ['announce', '{"url":"https://h/a.mp3","volume":101}', null],
  ['announce', '{"url":"file:///etc/passwd"}', null],
  ['announce', 'Dinner is ready', null],
  ['announce', '{}', null],
  ['sleep_timer', '30', done({ kind: 'sleep', after: 1_800_000, fade: 30_000 })],
  ['sleep_timer', '0.5', done({ kind: 'sleep', after: 30_000, fade: 15_000 })],
  ['sleep_timer', '0', done({ kind: 'sleep', after: null, fade: 0 })],
  ['sleep_timer', '1441', null],
  ['sleep_timer', '-1', null],
  ['fade', '{"to":30,"seconds":600}', done({ kind: 'fade', to: 0.3, over: 600_000, curve: 'perceptual' })],
  ['fade', '{"to":0,"seconds":2.5,"curve":"linear"}', done({ kind: 'fade', to: 0, over: 2500, curve: 'linear' })],
  ['fade', '{"to":30}', null],
  ['fade', '{"to":30,"seconds":86401}', null],
  ['fade', '{"to":30,"seconds":1,"curve":"wobbly"}', null],
  ['fade', '30', null],
  ['transfer', 'bathroom', done({ kind: 'transfer', to: 'bathroom' })],
  ['transfer', '{"to":"bathroom"}', done({ kind: 'transfer', to: 'bathroom' })],
  ['transfer', '', null],
  ['volume_cap', '60', done({ kind: 'limit', level: 0.6 })],
  ['volume_cap', '101', null],
  ['output', 'speaker', done({ kind: 'output', output: 'speaker' })],
  ['output', ' ', null],
  ['source', 'Spotify', { kind: 'source', source: 'spotify' }],
  ['source', 'none', { kind: 'source', source: 'none' }],
  ['source', 'off', { kind: 'source', source: 'none' }],
  ['source', 'vinyl', null],
];

/** JSON values that bare text cannot say. */
const json: readonly [value: Record<string, unknown>, actions: readonly Action[]][] = [
  [{ play: true }, [done({ kind: 'play' })]],
  [{ play: false }, [done({ kind: 'pause' })]],
  [{ next: true }, [done({ kind: 'next' })]],
  [{ next: '' }, [done({ kind: 'next' })]],
  [{ next: false }, []],
  [{ next: null }, []],
  [{ volume: 34 }, [done({ kind: 'volume', level: 0.34 })]],
  [{ volume: '34' }, [done({ kind: 'volume', level: 0.34 })]],
  [{ volume: -5 }, [{ kind: 'volume-by', by: -5 }]],
  [{ mute: 1 }, [done({ kind: 'mute', muted: true })]],
  [{ seek: 12 }, [done({ kind: 'seek', to: 12_000 })]],
  [{}, []],
  [{ transaction: 'a' }, []],
];

describe('one key with a bare value', () => {
  it.each(bare)('%s %j', (key, text, action) => {
    const request = parseSetKey(key, bytes(text));
    expect(request.skipped).toEqual([]);
    if (action) {
      expect(request).toMatchObject({ actions: [action], refused: [] });
    } else {
      expect(request.actions).toEqual([]);
      expect(request.refused).toHaveLength(1);
      expect(request.refused[0]).toMatchObject({ name: 'MqttError', kind: 'invalid', code: 'mqtt/bad-value', key });
    }
  });

  it('has a row for every key that works', () => {
    const tested = new Set(bare.filter(([, , action]) => action).map(([key]) => key));
    expect([...tested].sort()).toEqual(Object.keys(writableKeys).sort());
  });

  it('documents examples that work', () => {
    for (const [key, { example }] of Object.entries(writableKeys)) expect(parseSetKey(key, bytes(example)).actions.length, key).toBeGreaterThan(0);
  });

  it('says that it does not speak by itself', () => {
    expect(parseSetKey('announce', bytes('{"message":"Dinner is ready"}'))).toMatchObject({ actions: [], refused: [{ code: 'mqtt/no-speech', message: expect.stringContaining('"url"') as string }] });
  });

  it.each(['', 'sparkle', '__proto__', 'constructor', 'toString', 'x'.repeat(10_000)])('the unknown key %j', (key) => {
    const { skipped, actions } = parseSetKey(key, bytes('1'));
    expect(actions).toEqual([]);
    expect(skipped.map(({ code }) => code)).toEqual(['mqtt/unknown-key']);
  });
});

describe('several keys', () => {
  it.each(json)('%j', (value, actions) => {
    expect(set(value)).toMatchObject({ actions, refused: [], skipped: [] });
  });

  it('puts volume before sound, in whatever order they are written', () => {
    const values: Record<string, unknown> = {
      volume: 8, mute: 'OFF', fade: { to: 32, seconds: 900 }, shuffle: 'ON', repeat: 'all', play_uri: 'spotify:track:a', seek: 3, volume_cap: 40, output: 'speaker', sleep_timer: 20, announce: 'sound:chime',
    };
    fc.assert(
      fc.property(fc.shuffledSubarray(Object.keys(values), { minLength: 1 }), (keys) => {
        const { actions, refused } = set(Object.fromEntries(keys.map((key) => [key, values[key]])));
        expect(refused).toEqual([]);
        const kinds = actions.map((action) => (action.kind === 'command' ? action.command.kind : action.kind));
        const order = ['output', 'limit', 'volume', 'mute', 'fade', 'shuffle', 'repeat', 'seek', 'play', 'sleep', 'announce'];
        expect(kinds).toEqual([...kinds].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
        // Where it begins, and in which order, goes with what begins.
        const merged = keys.includes('play_uri') ? keys.filter((key) => key === 'seek' || key === 'shuffle').length : 0;
        expect(kinds).toHaveLength(keys.length - merged);
      }),
    );
    expect(slots.indexOf('fade')).toBeLessThan(slots.indexOf('load'));
  });

  it('is the alarm of the reference: quiet, then the preset, then louder', () => {
    expect(set({ volume: 8, preset: 'Morning', fade: { to: 32, seconds: 900, curve: 'perceptual' }, transaction: 'alarm' }).actions).toEqual([
      done({ kind: 'volume', level: 0.08 }), done({ kind: 'fade', to: 0.32, over: 900_000, curve: 'perceptual' }), done({ kind: 'preset', preset: 'Morning' }),
    ]);
    expect(set({ play_media: { media_id: 'a', volume: 25, fade_in: 60 } }).actions).toEqual([{ kind: 'fade-in', to: 0.25, over: 60_000, curve: 'perceptual' }, done({ kind: 'play', uri: 'a' })]);
  });

  it('merges what belongs together', () => {
    expect(set({ play_uri: 'spotify:track:a', seek: 3, play: 'ON' }).actions).toEqual([done({ kind: 'play', uri: 'spotify:track:a', at: 3000 })]);
    expect(set({ state: 'playing', play_media: { media_id: 'spotify:track:a', volume: 12 } }).actions).toEqual([done({ kind: 'volume', level: 0.12 }), done({ kind: 'play', uri: 'spotify:track:a' })]);
    expect(set({ state: 'paused', seek: 5 }).actions).toEqual([done({ kind: 'seek', to: 5000 }), done({ kind: 'pause' })]);
  });

  it('loads what is asked for without beginning the old music first', () => {
    expect(set({ source: 'spotify', preset: 'Morning' }).actions).toEqual(set({ preset: 'Morning' }).actions);
    expect(set({ source: 'spotify', stop: '' }).actions).toEqual([done({ kind: 'stop' })]);
  });

  it('does nothing about a source of ours that cannot be asked for, and the rest all the same', () => {
    expect(set({ source: 'announcement', mute: 'ON' })).toMatchObject({ actions: [done({ kind: 'mute', muted: true })], refused: [] });
  });

  it.each([
    { play: 'ON', stop: '' },
    { play: 'ON', state: 'playing' },
    { next: '', previous: '' },
    { volume: 5, volume_level: 0.1 },
    { volume: 5, play_media: { media_id: 'a', volume: 9 } },
    { play_uri: 'a', play_media: { media_id: 'b' } },
    { play_uri: 'a', stop: '' },
    { play_uri: 'a', seek: '+5' },
    { play_media: { media_id: 'b', enqueue: 'add' }, seek: 5 },
    { next: '', seek: 5 },
    { preset: 'a', play_uri: 'b' },
    { preset: 'a', seek: 5 },
    { fade: { to: 1, seconds: 1 }, play_media: { media_id: 'a', fade_in: 5 } },
    { source: 'none', play_uri: 'a' },
    { source: 'off', play: 'ON' },
    { transfer: 'bath', play_uri: 'a' },
    { transfer: 'bath', stop: '' },
  ])('refuses the contradiction %j', (value) => {
    expect(set(value)).toMatchObject({ actions: [], refused: [{ code: 'mqtt/contradiction' }] });
  });

  it('does nothing of a message with one bad value', () => {
    expect(set({ volume: 'loud', play: 'ON', transaction: 5 })).toMatchObject({ actions: [], refused: [{ code: 'mqtt/bad-value', key: 'volume' }], transaction: 5 });
    expect(set({ play_media: { media_id: 'a', volume: 101 } })).toMatchObject({ actions: [], refused: [{ code: 'mqtt/bad-value' }] });
  });

  it('leaves out unknown keys, and loses nothing else', () => {
    expect(set({ volume: 8, sparkle: 1, play: 'ON', transaction: 't' })).toMatchObject({
      actions: [done({ kind: 'volume', level: 0.08 }), done({ kind: 'play' })],
      refused: [],
      skipped: [{ code: 'mqtt/unknown-key' }],
      transaction: 't',
    });
    expect(parseSet(bytes('{"__proto__":1,"volume":5}'))).toMatchObject({ actions: [done({ kind: 'volume', level: 0.05 })], skipped: [{ code: 'mqtt/unknown-key' }] });
  });

  it('knows a slider when it sees one', () => {
    expect(isVolumeOnly(set({ volume: 5 }))).toBe(true);
    expect(isVolumeOnly(parseSetKey('volume', bytes('+5')))).toBe(true);
    expect(isVolumeOnly(set({ volume: 5, play: 'ON' }))).toBe(false);
    expect(isVolumeOnly(set({ volume: 5, sparkle: 1 }))).toBe(false);
    expect(isVolumeOnly(set({ mute: 'ON' }))).toBe(false);
  });
});

describe('garbage', () => {
  it.each([
    [Buffer.from(''), 'mqtt/not-json'],
    [Buffer.from('ON'), 'mqtt/not-json'],
    [Buffer.from('{"volume":5'), 'mqtt/not-json'],
    [Buffer.from('[1]'), 'mqtt/not-an-object'],
    [Buffer.from('null'), 'mqtt/not-an-object'],
    [Buffer.from('5'), 'mqtt/not-an-object'],
    [Buffer.from([0xff, 0xfe]), 'mqtt/not-text'],
    [Buffer.alloc(64 * 1024 + 1, 0x20), 'mqtt/too-large'],
  ])('%j is %s', (payload, code) => {
    expect(() => parseSet(payload)).toThrow(expect.objectContaining({ name: 'MqttError', kind: 'invalid', code }) as Error);
  });

  /** Only typed errors, only commands core would take. */
  const sane = (parse: () => SetRequest) => {
    let request: SetRequest;
    try {
      request = parse();
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      return;
    }
    if (request.refused.length > 0 && request.actions.length > 0) throw new Error('Refused and done.');
    for (const action of request.actions) {
      if (action.kind === 'command') Command.parse(action.command);
      else if (action.kind !== 'toggle' && action.kind !== 'source' && !Number.isFinite('by' in action ? action.by : action.over)) throw new Error('Not a number.');
    }
  };

  it('never surprises, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (payload) => sane(() => parseSet(payload))), { numRuns: 5000 });
    fc.assert(fc.property(fc.constantFrom(...Object.keys(writableKeys)), fc.uint8Array({ maxLength: 24 }), (key, payload) => sane(() => parseSetKey(key, payload))), { numRuns: 5000 });
  });

  it('never surprises, whatever the JSON', () => {
    const keys = fc.constantFrom(...Object.keys(writableKeys), 'transaction', 'sparkle');
    const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('ON', 'OFF', 'TOGGLE', '+5', '-5', '1e999', 'NaN', -0, 1e308, 100.0000001));
    fc.assert(fc.property(fc.dictionary(keys, values, { maxKeys: 6 }), (value) => sane(() => set(value))), { numRuns: 5000 });
    fc.assert(fc.property(fc.constantFrom(...Object.keys(writableKeys)), fc.string({ unit: 'binary' }), (key, text) => sane(() => parseSetKey(key, bytes(text)))), { numRuns: 5000 });
  });
});
