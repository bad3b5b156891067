import { describe, expect, it } from 'vitest';
import { defaults, optionsFor, readSettings } from './settings.ts';

const server = { url: 'http://tonearm.local:8484', key: 'abc' };

describe('settings', () => {
  it.each([{}, { platform: 'Tonearm', name: 'Tonearm' }, { servers: [] }, { servers: 'no' }, { servers: [{}] }, { servers: [{ url: '  ' }] }])('%j is a plugin nobody has configured', (config) => {
    expect(readSettings(config)).toEqual({ kind: 'empty' });
  });

  it.each<[object, RegExp]>([
    [{ servers: [{ url: 'tonearm.local' }] }, /servers\[0\]\.url is "tonearm\.local".*http:\/\/tonearm\.local:8484/],
    [{ servers: [{ url: 'ftp://tonearm.local' }] }, /no address/],
    [{ servers: [{ key: 'abc' }] }, /neither where/],
    [{ servers: [{ ...server, key: 'a b' }] }, /character no key has/],
  ])('%j cannot be used, and says why', (config, sentence) => {
    expect(readSettings(config as Record<string, unknown>)).toMatchObject({ kind: 'unusable', complaints: [expect.stringMatching(sentence)] });
  });

  it.each<[object, RegExp]>([
    [{ face: 'tv' }, /face is "tv"; it can be television, speaker, both, none/],
    [{ step: 0 }, /step is 0; it is a whole number from 1 to 25/],
    [{ zones: [{ face: 'none' }] }, /zones\[0\] does not say which zone/],
    [{ zones: [{ zone: 'kitchen', volume: 'loud' }] }, /zones\[0\]\.volume is "loud"/],
    [{ servers: [server, { url: 'nonsense' }] }, /servers\[1\]\.url/],
  ])('%j is left out and the rest is used', (config, sentence) => {
    expect(readSettings({ servers: [server], ...config })).toMatchObject({ kind: 'ready', complaints: [expect.stringMatching(sentence)], settings: { servers: [server], zones: defaults } });
  });

  it('have no opinion about blank rows of the form', () => {
    expect(readSettings({ servers: [server, {}, { url: '' }], zones: [{}, { zone: '', presets: [''] }], start: '' })).toMatchObject({ kind: 'ready', complaints: [], settings: { exceptions: [], zones: defaults } });
  });

  it('are what stands there', () => {
    const config = { servers: [server, { instance: 'house2' }], face: 'both', power: 'pause', start: ' jazz ', volume: 'light', step: 10, playing: 'contact', switches: true, button: true, automations: true, alarms: true, zones: [{ zone: 'bath', server: 'B', face: 'none', presets: ['news'] }] };
    expect(readSettings(config)).toEqual({
      kind: 'ready',
      complaints: [],
      settings: {
        servers: [{ name: null, instance: null, ...server }, { name: null, url: null, key: null, instance: 'house2' }],
        zones: { face: 'both', power: 'pause', start: 'jazz', volume: 'light', step: 10, playing: 'contact', switches: true, button: true },
        automations: true,
        alarms: true,
        exceptions: [{ zone: 'bath', server: 'B', face: 'none', switches: ['news'] }],
      },
    });
  });

  it('of a zone are the general ones but for its exceptions', () => {
    const read = readSettings({ servers: [server], zones: [{ zone: 'Bath', face: 'none' }, { zone: 'bath', server: 'B', face: 'both' }] });
    if (read.kind !== 'ready') throw new Error('not ready');
    expect(optionsFor(read.settings, { id: 'bath', name: 'Bath' }, ['A', null]).face).toBe('none');
    expect(optionsFor(read.settings, { id: 'bath', name: 'Bath' }, ['B']).face).toBe('both');
    expect(optionsFor(read.settings, { id: 'hall', name: 'Hall' }, ['B'])).toEqual(defaults);
  });
});
