import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TagOutcome, TagRead, Tags } from '#core';
import { Home, HomeStore, type HomeOptions, type HomeSettings } from '../../../test/kit/home.ts';
import { isTag, readingOf, tagOf, type Reading } from './reading.ts';

const tag = (text: string): Reading => ({ kind: 'tag', tag: text });
const removed: Reading = { kind: 'removed' };

it.each<[said: string, path: string | undefined, meant: Reading | null]>([
  // As the products write it: Tasmota (PN532, RC522, RDM6300), ESPHome, Home Assistant, and by hand.
  ['{"Time":"2026-11-22T10:00:00","PN532":{"UID":"94D8FC5F","DATA":""}}', undefined, tag('94D8FC5F')],
  ['{"Time":"2026-11-22T10:00:00","RC522":{"UID":"BA839D07","Type":"MIFARE 1 KB"}}', 'RC522.UID', tag('BA839D07')],
  ['{"Time":"2026-11-22T10:00:00","RDM6300":{"UID":1234567890}}', undefined, tag('1234567890')],
  ['{"Time":"2026-11-22T10:05:00","Wifi":{"RSSI":100}}', undefined, null],
  ['{"Time":"2026-11-22T10:05:00","Wifi":{"RSSI":100}}', 'PN532.UID', null],
  ['74-10-37-94', undefined, tag('74103794')],
  ['74:10:37:94', undefined, tag('74103794')],
  ['{"tag_id":"a7b1c2d3-0000-4000-8000-000000000001"}', undefined, tag('A7B1C2D3000040008000000000000001')],
  ['{"uid":"04a2197b"}', 'uid', tag('04A2197B')],
  // What looks like a number is none.
  ['12E45678', undefined, tag('12E45678')],
  ['0012345678', undefined, tag('0012345678')],
  ['12345678901234567890', undefined, tag('12345678901234567890')],
  ['"04 A2"', undefined, tag('04A2')],
  // Taken off.
  ['', undefined, removed],
  ['removed', undefined, removed],
  ['null', undefined, removed],
  ['', 'uid', removed],
  ['null', 'uid', removed],
  ['{"TaskName":"rfid","Tag":0}', undefined, removed],
  ['{"uid":null}', 'uid', removed],
  ['{"uid":false}', 'uid', removed],
  ['{"uid":""}', undefined, removed],
  // About something else.
  ['{"uid":{"a":1}}', 'uid', null],
  ['{"uid":true}', 'uid', null],
  ['{"uid":', undefined, null],
  ['[]', undefined, null],
  ['04A2', 'uid', null],
  ['x'.repeat(101), undefined, null],
])('a reader that says %s at %s means %j', (said, path, meant) => {
  expect(readingOf(Buffer.from(said), path)).toEqual(meant);
});

it('reads whatever comes, and a tag by any of its spellings is one', () => {
  fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.json().map((text) => Buffer.from(text))), fc.option(fc.string({ minLength: 1 }), { nil: undefined }), (bytes, path) => {
    const reading = readingOf(bytes, path);
    if (reading?.kind === 'tag') expect([isTag(reading.tag), tagOf(reading.tag)]).toEqual([true, reading.tag]);
  }));
  fc.assert(fc.property(fc.uint8Array({ minLength: 4, maxLength: 10 }), fc.constantFrom('', '-', ':', ' '), (uid, between) => {
    const pairs = Array.from(uid, (byte) => byte.toString(16).padStart(2, '0'));
    expect(readingOf(Buffer.from(pairs.join(between)), undefined)).toEqual(tag(pairs.join('').toUpperCase()));
  }));
});

const jazz = '04-A2-19-7B';
const rock = '04:11:22:33';
const set: NonNullable<HomeSettings['tags']> = {
  readers: [{ id: 'box', topic: 'box/tag' }],
  known: [{ tag: jazz, play: 'Jazz' }, { tag: rock, play: 'music:rock' }, { tag: 'AA', run: 'night' }, { tag: 'BB', play: 'Gone' }],
};
const presets = [{ name: 'Jazz', uri: 'music:jazz' }];
const automations: HomeSettings['automations'] = [{ id: 'night', name: 'Good night', zone: 'kitchen', then: [{ stop: true }] }];

/** A house with a box that reads tags; `told`: what came of each. */
async function boxAt(tags: HomeSettings['tags'] = set, { isNew = false, ...options }: HomeOptions & { readonly isNew?: boolean } = {}) {
  const home = await Home.open({ automations, tags }, { presets, ...options });
  // What is said at first lay there before.
  if (!isNew) await home.clock.advance(5000);
  const desk = home.automations.tags as Tags;
  const told: TagRead[] = [];
  desk.events.on('read', (read) => void told.push(read));
  return {
    home, desk, told,
    outcomes: (): readonly TagOutcome[] => told.map(({ outcome }) => outcome),
    /** Something lies on the reader, or nothing any more. */
    async lay(what: string, seconds = 10, topic = 'box/tag') {
      home.broker.say(topic, what);
      await home.clock.advance(seconds * 1000);
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

describe('a tag', () => {
  it('plays its preset or its music, goes on where it was paused, and is left alone while it plays', async () => {
    await using box = await boxAt();
    await box.lay(jazz);
    expect([box.home.playing(), box.home.player().state.by.started]).toEqual(['jazz', 'tag']);
    await box.lay(jazz);
    await box.home.person({ kind: 'pause' });
    await box.lay(jazz);
    expect(box.home.playing()).toBe('jazz');
    await box.lay(rock);
    expect(box.home.playing()).toBe('rock');
    expect(box.told.map(({ tag: which, outcome, name, reader, zone }) => [which, outcome, name, reader, zone])).toEqual([
      ['04A2197B', 'played', 'Jazz', 'box', 'kitchen'],
      ['04A2197B', 'kept', 'Jazz', 'box', 'kitchen'],
      ['04A2197B', 'resumed', 'Jazz', 'box', 'kitchen'],
      ['04112233', 'played', 'music:rock', 'box', 'kitchen'],
    ]);
  });

  it('that is said again and again while it lies there is held there once', async () => {
    await using box = await boxAt();
    await box.lay(jazz, 2);
    await box.home.person({ kind: 'pause' });
    for (let n = 0; n < 20; n++) await box.lay(jazz, 2);
    expect([box.outcomes(), box.home.playing()]).toEqual([['played'], null]);
  });

  it('that somebody else’s music has followed begins anew', async () => {
    await using box = await boxAt();
    await box.lay(jazz);
    await box.home.person({ kind: 'play', uri: 'music:news' });
    await box.home.person({ kind: 'pause' });
    await box.lay(jazz);
    expect([box.outcomes(), box.home.playing()]).toEqual([['played', 'played'], 'jazz']);
  });

  it('runs an automation, by hand', async () => {
    await using box = await boxAt();
    await box.home.person({ kind: 'play', uri: 'music:news' });
    await box.lay('aa');
    expect([box.home.playing(), box.told[0]?.outcome, box.told[0]?.name, box.home.automations.history('night', 1)[0]?.trigger]).toEqual([null, 'ran', 'Good night', 'by hand (tag)']);
  });

  it('that stands for nothing, or for what is gone, says so and disturbs nobody', async () => {
    await using box = await boxAt();
    await box.home.person({ kind: 'play', uri: 'music:news' });
    await box.lay('77');
    await box.lay('BB');
    box.home.source().isBroken = true;
    await box.lay(rock);
    expect(box.told.map(({ outcome, why }) => [outcome, why])).toEqual([
      ['unknown', 'The tag 77 stands for nothing yet. Have it learnt, or set it under "tags".'],
      ['failed', 'There is no preset “Gone” in “kitchen”.'],
      ['failed', 'The cloud is away.'],
    ]);
    expect(box.home.playing()).toBe('news');
  });

  it('that failed has nothing to do with what plays, and is tried again', async () => {
    await using box = await boxAt();
    await box.lay(jazz);
    box.home.source().isBroken = true;
    await box.lay(rock);
    await box.lay('');
    expect(box.home.playing()).toBe('jazz');
    await box.lay(rock);
    box.home.source().isBroken = false;
    await box.lay('');
    await box.lay(rock);
    expect([box.outcomes(), box.home.playing()]).toEqual([['played', 'failed', 'removed', 'failed', 'removed', 'played'], 'rock']);
  });

  it('that lay there when the daemon or the broker came plays nothing until it is held there anew', async () => {
    await using box = await boxAt(set, { isNew: true });
    for (let n = 0; n < 10; n++) await box.lay(jazz, 2);
    expect([box.outcomes(), box.home.playing()]).toEqual([[], null]);
    await box.lay('', 1);
    await box.lay(jazz, 2);
    expect(box.home.playing()).toBe('jazz');
    await box.home.person({ kind: 'pause' });
    box.home.broker.down();
    await box.home.clock.advance(600_000);
    box.home.broker.up();
    for (let n = 0; n < 10; n++) await box.lay(jazz, 2);
    expect([box.outcomes(), box.home.playing()]).toEqual([['removed', 'played'], null]);
  });

  it('that is said seldom is held there once, if its reader is known for that', async () => {
    await using box = await boxAt({ ...set, readers: [{ id: 'box', topic: 'box/tag', again: '10m' }] });
    await box.lay(jazz, 300);
    await box.home.person({ kind: 'pause' });
    for (let n = 0; n < 5; n++) await box.lay(jazz, 300);
    expect([box.outcomes(), box.home.playing()]).toEqual([['played'], null]);
  });

  it('and another one on two readers of one topic filter are not mixed up', async () => {
    await using box = await boxAt({ ...set, readers: [{ id: 'boxes', topic: 'boxes/+/tag' }] });
    await box.lay(jazz, 1, 'boxes/1/tag');
    await box.lay(rock, 1, 'boxes/2/tag');
    for (let n = 0; n < 5; n++) {
      await box.lay(jazz, 1, 'boxes/1/tag');
      await box.lay(rock, 1, 'boxes/2/tag');
    }
    await box.lay('', 1, 'boxes/1/tag');
    expect([box.outcomes(), box.home.playing()]).toEqual([['played', 'played', 'removed'], 'rock']);
  });

  it('that the broker has kept is no news', async () => {
    await using box = await boxAt();
    box.home.broker.say('box/tag', jazz, { isRetained: true });
    await box.home.clock.advance(10_000);
    await box.home.person({ kind: 'pause' });
    box.home.broker.down();
    box.home.broker.up();
    await box.home.clock.advance(0);
    expect([box.outcomes(), box.home.playing()]).toEqual([['played'], null]);
  });

  it.each<['pause' | 'nothing', string | null]>([['pause', null], ['nothing', 'jazz']])('taken off: %s', async (what, playing) => {
    await using box = await boxAt({ ...set, readers: [{ id: 'box', topic: 'box/tag', removed: what }] });
    await box.lay('');
    await box.lay(jazz, 1);
    await box.lay('', 1);
    expect(box.home.playing()).toBe(playing);
    await box.lay(jazz, 1);
    expect([box.outcomes(), box.home.playing()]).toEqual([['played', 'removed', what === 'pause' ? 'resumed' : 'kept'], 'jazz']);
  });

  it('taken off leaves the music of somebody else alone', async () => {
    await using box = await boxAt();
    await box.lay(jazz);
    await box.home.person({ kind: 'play', uri: 'music:news' });
    await box.lay('');
    expect(box.home.playing()).toBe('news');
  });

  it('plays where its reader stands', async () => {
    await using box = await boxAt({ ...set, readers: [{ id: 'a', topic: 'a/tag', zone: 'kitchen' }, { id: 'b', topic: 'b/+/tag', zone: 'bath' }] }, { zones: ['kitchen', 'bath'] });
    await box.lay(jazz, 1, 'b/1/tag');
    await box.lay(rock, 1, 'a/tag');
    expect([box.home.playing('kitchen'), box.home.playing('bath')]).toEqual(['rock', 'jazz']);
  });

  it('can be told of by a program', async () => {
    await using box = await boxAt({ known: [{ tag: jazz, play: 'jazz' }] }, { zones: ['kitchen', 'bath'] });
    expect(await box.desk.scan('04a2197b', 'bath')).toMatchObject({ tag: '04A2197B', reader: null, zone: 'bath', outcome: 'played', name: 'Jazz', why: null });
    expect(box.home.playing('bath')).toBe('jazz');
    await expect(box.desk.scan(jazz)).rejects.toMatchObject({ kind: 'invalid', code: 'tags/no-zone' });
    await expect(box.desk.scan(jazz, 'attic')).rejects.toMatchObject({ kind: 'not-found', code: 'tags/no-such-zone' });
    await expect(box.desk.scan(' - ', 'bath')).rejects.toMatchObject({ kind: 'invalid', code: 'tags/no-tag' });
  });
});

describe('learning', () => {
  it('takes what is on, and is kept', async () => {
    const memory = new HomeStore();
    {
      await using box = await boxAt({ readers: set.readers ?? [] }, { memory });
      await box.home.person({ kind: 'play', uri: 'music:news' });
      box.desk.learn(null);
      expect(box.desk.picture.learning).toEqual({ name: null, until: box.home.clock.now() + 60_000 });
      await box.lay('c0-ff-ee', 1);
      await box.lay('c0ffee', 1);
      expect([box.outcomes(), box.desk.picture.learning, box.desk.picture.tags, box.home.playing()]).toEqual([['learned'], null, [{ tag: 'C0FFEE', wish: { play: 'music:news' }, name: 'news', isFixed: false }], 'news']);
    }
    await using box = await boxAt({ readers: set.readers ?? [] }, { memory });
    await box.lay('c0ffee');
    expect(box.home.playing()).toBe('news');
    await box.desk.forget('C0:FF:EE');
    await box.lay('c0ffee');
    expect([box.outcomes(), box.desk.picture.tags]).toEqual([['played', 'unknown'], []]);
    await expect(box.desk.forget('C0FFEE')).rejects.toMatchObject({ kind: 'not-found', code: 'tags/unknown' });
  });

  it('takes what is named, and the preset rather than its music', async () => {
    await using box = await boxAt({ ...set, known: [] });
    box.desk.learn({ play: 'jazz' });
    expect(box.desk.picture.learning?.name).toBe('Jazz');
    await box.lay('01');
    box.desk.learn({ run: 'night' });
    await box.lay('02');
    await box.home.person({ kind: 'preset', preset: 'Jazz' });
    box.desk.learn(null);
    await box.lay('03');
    expect(box.desk.picture.tags.map(({ tag: which, wish, name }) => [which, wish, name])).toEqual([['01', { play: 'jazz' }, 'Jazz'], ['02', { run: 'night' }, 'Good night'], ['03', { play: 'jazz' }, 'Jazz']]);
  });

  it('anew plays what was learnt last', async () => {
    await using box = await boxAt({ readers: set.readers ?? [] });
    box.desk.learn({ play: 'music:news' });
    await box.lay('01');
    await box.lay('01');
    box.desk.learn({ play: 'music:rock' });
    await box.lay('01');
    await box.lay('01');
    expect([box.outcomes(), box.home.playing()]).toEqual([['learned', 'played', 'learned', 'played'], 'rock']);
  });

  it('is not for what lies on another reader and is something already', async () => {
    await using box = await boxAt({ ...set, readers: [{ id: 'a', topic: 'a/tag' }, { id: 'b', topic: 'b/tag' }] });
    await box.lay(jazz, 2, 'a/tag');
    box.desk.learn({ play: 'music:rock' });
    await box.lay(jazz, 2, 'a/tag');
    await box.lay('01', 2, 'b/tag');
    expect(box.told.map(({ tag: which, outcome }) => [which, outcome])).toEqual([['04A2197B', 'played'], ['01', 'learned']]);
  });

  it('keeps names of any length, and a list that can be played again', async () => {
    const memory = new HomeStore();
    const long = `music:${'x'.repeat(2000)}`;
    {
      await using box = await boxAt({ readers: set.readers ?? [] }, { memory });
      box.desk.learn({ play: long });
      await box.lay('01');
      await box.home.person({ kind: 'play', uri: 'music:song' });
      for (const [n, uri] of ['spotify:search:jazz', 'spotify:user:me:collection'].entries()) {
        const source = box.home.source();
        source.state = { ...source.state, queue: { context: { uri, title: '' }, next: [] } };
        await box.home.person({ kind: 'pause' });
        box.desk.learn(null);
        await box.lay(`1${n}`);
      }
    }
    await using box = await boxAt({ readers: set.readers ?? [] }, { memory });
    expect(box.desk.picture.tags.map(({ tag: which, wish, name }) => [which, wish, name])).toEqual([
      ['01', { play: long }, long.slice(0, 500)],
      ['10', { play: 'music:song' }, 'song'],
      ['11', { play: 'spotify:user:me:collection' }, 'Album'],
    ]);
  });

  it('tells when it cannot be kept, and then it is not so', async () => {
    const memory = new HomeStore();
    await using box = await boxAt({ readers: set.readers ?? [] }, { memory });
    box.desk.learn({ play: 'music:news' });
    await box.lay('01');
    memory.isFull = true;
    box.desk.learn({ play: 'music:rock' });
    await box.lay('02');
    await expect(box.desk.forget('01')).rejects.toThrow('full');
    expect([box.outcomes(), box.desk.picture.tags.map(({ tag: which }) => which)]).toEqual([['learned', 'failed'], ['01']]);
  });

  it('waits until something is on, and for a minute', async () => {
    await using box = await boxAt({ readers: set.readers ?? [] });
    box.desk.learn(null);
    await box.lay('01');
    await box.home.person({ kind: 'play', uri: 'music:news' });
    await box.lay('01', 45);
    box.desk.learn(null);
    await box.home.clock.advance(60_000);
    expect(box.desk.picture.learning).toBeNull();
    await box.lay('02');
    expect(box.outcomes()).toEqual(['nothing-on', 'learned', 'unknown']);
    expect(box.told[0]?.why).toContain('Nothing plays in “kitchen”');
  });

  it('takes in the tag that lies there already', async () => {
    await using box = await boxAt({ readers: set.readers ?? [] });
    await box.lay('01', 1);
    await box.home.person({ kind: 'play', uri: 'music:news' });
    box.desk.learn(null);
    await box.lay('01', 1);
    expect(box.outcomes()).toEqual(['unknown', 'learned']);
  });

  it('refuses what nobody knows, and what the configuration holds', async () => {
    await using box = await boxAt();
    expect(() => box.desk.learn({ play: 'Polka' })).toThrow(expect.objectContaining({ kind: 'not-found', code: 'tags/no-such-preset' }));
    expect(() => box.desk.learn({ run: 'morning' })).toThrow(expect.objectContaining({ kind: 'not-found', code: 'tags/no-such-automation' }));
    await expect(box.desk.forget(jazz)).rejects.toMatchObject({ kind: 'conflict', code: 'tags/fixed' });
    box.desk.learn({ play: 'music:news' });
    await box.lay(jazz);
    expect([box.outcomes(), box.told[0]?.why, box.desk.picture.tags.length]).toEqual([['failed'], 'What the tag 04A2197B stands for is part of the configuration: change it there.', 4]);
  });

  it('leaves out what cannot be read of what was kept, and keeps it', async () => {
    const memory = new HomeStore();
    memory.values.set('tags', [{ tag: '01', wish: { play: 'jazz' }, name: 'Jazz' }, { tag: '02', wish: { sing: 'x' } }, 7]);
    await using box = await boxAt({ readers: set.readers ?? [] }, { memory });
    expect(box.desk.picture.tags.map((one) => one.tag)).toEqual(['01']);
    await box.desk.forget('01');
    expect(memory.values.get('tags')).toEqual([{ tag: '02', wish: { sing: 'x' } }, 7]);
  });
});
