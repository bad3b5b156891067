import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { z } from 'zod';
import type { ZoneView } from '#core';
import { BetweenTimes, isBetween, parseDuration, parseTimeOfDay, sayDuration } from './duration.ts';
import { fillAddress, fillPayload } from './fill.ts';
import { passes, valueOf } from './message-value.ts';
import { isQuietAt } from './quiet-hours.ts';
import { QuietHoursSettings, type QuietTime } from './settings.ts';
import { isTopicFilter } from './words.ts';

describe('lengths of time', () => {
  it.each([
    ['90s', 90_000], ['5m', 300_000], ['1h30m', 5_400_000], ['1.5h', 5_400_000], ['2d', 172_800_000], ['250ms', 250], ['30', 30_000], ['1h 5m', 3_900_000],
    ['', null], ['m', null], ['5 apples', null], ['-5m', null], ['1h-5m', null],
  ])('%s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it('says what it reads', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 10_000_000 }), (seconds) => {
      expect(parseDuration(sayDuration(seconds * 1000).replaceAll('min', 'm'))).toBe(seconds * 1000);
    }));
  });
});

const at = (time: z.input<typeof QuietHoursSettings>): QuietTime => {
  const [only] = QuietHoursSettings.parse(time);
  if (!only) throw new Error('There is no time.');
  return only;
};

describe('times of day', () => {
  it.each([['07:15', 26_100_000], ['7:15', 26_100_000], ['23:59:59', 86_399_000], ['24:00', 86_400_000], ['24:01', null], ['7', null], ['07:60', null]])('%s', (text, expected) => {
    expect(parseTimeOfDay(text)).toBe(expected);
  });

  it.each([
    ['22:00-07:00', '21:59', false], ['22:00-07:00', '22:00', true], ['22:00-07:00', '00:00', true], ['22:00-07:00', '06:59', true], ['22:00-07:00', '07:00', false],
    ['06:00-22:00', '05:59', false], ['06:00-22:00', '06:00', true], ['06:00-22:00', '22:00', false], ['00:00-24:00', '23:59', true],
  ])('%s holds at %s: %s', (between, time, expected) => {
    expect(isBetween(BetweenTimes.parse(between), parseTimeOfDay(time) ?? 0)).toBe(expected);
  });

  it.each([
    // Quiet hours that begin on Friday and Saturday: Sunday's early morning is Saturday's night. 27 November 2026 is a Friday.
    ['2026-11-27T05:00:00Z', false], ['2026-11-27T22:30:00Z', true], ['2026-11-28T05:00:00Z', true], ['2026-11-28T12:00:00Z', false], ['2026-11-29T05:00:00Z', true], ['2026-11-29T22:30:00Z', false], ['2026-11-30T05:00:00Z', false],
  ])('quiet at %s: %s', (moment, expected) => {
    expect(isQuietAt(at({ between: '22:00-07:00', days: ['fri', 'sat'] }), Date.parse(moment), 'UTC')).toBe(expected);
  });
});

describe('values of messages', () => {
  const read = (text: string) => valueOf(Buffer.from(text));
  it.each([
    ['ON', { equals: 'on' }, true], ['ON', { equals: true }, false], ['true', { equals: true }, true], ['1', { equals: 1 }, true], ['1', { equals: '1' }, true],
    ['{"occupancy":true}', { path: 'occupancy', equals: true }, true], ['{"occupancy":true}', { path: 'motion', equals: true }, null],
    ['{"a":{"b":[1,{"c":5}]}}', { path: 'a.b.1.c', above: 4 }, true], ['{"a":5}', { path: 'a', above: 5 }, false], ['21.5', { above: 20, below: 22 }, true], ['warm', { above: 20 }, null],
    ['off', { isNot: 'on' }, true], ['', {}, true], ['{broken', { equals: '{broken' }, true], ['x', { in: ['a', 'X'] }, true], ['{"__proto__":1}', { path: 'constructor', isNot: 'x' }, null],
  ])('%s fits %j: %s', (text, test, expected) => {
    expect(passes(test, read(text))).toBe(expected);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.string(), (bytes, path) => void passes({ path: path === '' ? undefined : path, above: 1, equals: 'x' }, valueOf(bytes))));
  });
});

it.each([['a/b', true], ['+/b/#', true], ['#', true], ['a/#/b', false], ['a+/b', false], ['', false]])('topic filter %s: %s', (text, expected) => {
  expect(isTopicFilter(text)).toBe(expected);
});

describe('payloads with gaps', () => {
  const zone = (title: string) => ({ id: 'kitchen', name: 'Kitchen', player: { state: { status: 'playing', volume: { level: 0.25 }, track: { title, artists: ['A', 'B'], album: 'C', uri: 'u' } } } }) as unknown as ZoneView;
  const fill = (payload: unknown, title = 'Song') => fillPayload(payload, { automation: 'a', trigger: 't', zone: zone(title) }).text;
  it('fills texts and JSON, and leaves what it does not know', () => {
    expect(fill('{{zone.title}} by {{ zone.artist }} at {{zone.volume}}, {{nothing}}')).toBe('Song by A, B at 25, {{nothing}}');
    expect(fill({ text: '{{zone.title}}', n: 1, list: [true, null] })).toBe('{"text":"Song","n":1,"list":[true,null]}');
    expect(fill(5)).toBe('5');
  });

  it('cannot be broken out of by a title', () => {
    // Half a character, too: services cut titles.
    const titles = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes)));
    fc.assert(fc.property(titles, (title) => {
      const { origin, pathname, searchParams } = new URL(fillAddress('http://lamp.home/on?by={{zone.title}}&room={{zone.id}}', { automation: 'a', trigger: 't', zone: zone(title) }));
      expect([origin, pathname, [...searchParams]]).toEqual(['http://lamp.home', '/on', [['by', Buffer.from(title).toString()], ['room', 'kitchen']]]);
      expect(JSON.parse(fill('{"text":"{{zone.title}}","safe":true}', title))).toEqual({ text: title, safe: true });
      expect(JSON.parse(fill({ text: '{{zone.title}}' }, title))).toEqual({ text: title });
    }));
  });
});
