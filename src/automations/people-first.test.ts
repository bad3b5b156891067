import { describe, expect, it } from 'vitest';
import { FakeClock } from '#foundation';
import { Home, HomeStore, type HomeSettings } from '../../test/kit/home.ts';

const minute = 60_000;
const play = { play: 'music:news', volume: 20 };
/** Begins something, waits, and would begin something else. */
const radio: HomeSettings = { automations: [{ id: 'radio', then: [play, { wait: '30m' }, { play: 'music:late' }] }] };
const begin = async (settings: HomeSettings): Promise<Home> => {
  const home = await Home.open(settings);
  await home.automations.run('radio', 'mqtt');
  await home.clock.advance(minute);
  return home;
};

describe('a run that waits', () => {
  it.each([
    ['a pause', [{ kind: 'pause' }], 'Paused by phone.'],
    ['a stop', [{ kind: 'stop' }], 'Stopped by phone.'],
    ['something else', [{ kind: 'play', uri: 'music:rock' }], 'Taken over by phone.'],
    ['a pause, though they go on later', [{ kind: 'pause' }, { kind: 'play' }], 'Paused by phone.'],
  ] as const)('is over when a person answers with %s', async (_, commands, why) => {
    await using home = await begin(radio);
    await home.person(commands);
    await home.clock.advance(60 * minute);
    expect([home.results('radio'), home.why('radio')]).toEqual([['interrupted'], why]);
    expect(home.playing()).not.toBe('late');
  });

  it('goes on when they merely turn it down', async () => {
    await using home = await begin(radio);
    await home.person([{ kind: 'volume', level: 0.1 }, { kind: 'mute', muted: true }]);
    await home.clock.advance(60 * minute);
    expect([home.results('radio'), home.playing()]).toEqual([['done'], 'late']);
  });

  it('is over when another automation has played there since, and a person stops that', async () => {
    await using home = await begin({ automations: [...(radio.automations ?? []), { id: 'news', then: [{ play: 'music:other' }] }] });
    await home.automations.run('news', 'mqtt');
    await home.clock.advance(0);
    await home.person({ kind: 'pause' });
    expect(home.results('radio')).toEqual(['interrupted']);
  });

  it('is over though the daemon was restarted meanwhile', async () => {
    const first = await begin(radio);
    await first[Symbol.asyncDispose]();
    await using home = await Home.open(radio, { memory: first.memory, clock: new FakeClock(first.clock.now() + minute) });
    await home.person({ kind: 'play', uri: 'music:rock' });
    await home.clock.advance(60 * minute);
    expect([home.results('radio').at(-1), home.playing()]).toEqual(['interrupted', 'rock']);
  });
});

describe('a run in several zones', () => {
  const two: HomeSettings = { automations: [{ id: 'radio', zone: 'all', then: [play, { wait: '30m' }, { play: 'music:late' }] }] };
  const rock = [{ kind: 'play', uri: 'music:rock' }] as const;

  it('leaves the one alone that was taken from it before, and while, the daemon was restarted', async () => {
    const zones = ['kitchen', 'bath'];
    const first = await Home.open(two, { zones });
    await first.automations.run('radio', 'mqtt');
    await first.clock.advance(minute);
    await first.person(rock, 'kitchen');
    // Once is enough to say, whatever they do next.
    await first.person({ kind: 'pause' }, 'kitchen');
    expect(first.automations.history('radio', 1)[0]?.steps.filter(({ what }) => what === 'zone kitchen')).toHaveLength(1);
    await first[Symbol.asyncDispose]();
    await using home = await Home.open(two, { zones, memory: first.memory, clock: new FakeClock(first.clock.now() + minute) });
    await home.clock.advance(60 * minute);
    expect([home.playing('kitchen'), home.playing('bath'), home.results('radio').at(-1)]).toEqual([null, 'late', 'done']);
  });
});

describe('switched off', () => {
  it.each([
    ['by itself', [{ disable: 'radio' }, { wait: '30m' }, { play: 'music:late' }], () => Promise.resolve()],
    ['with all others, but begun by hand', [{ wait: '30m' }, { play: 'music:late' }], (home: Home) => home.automations.enable(null, false)],
  ] as const)('%s, it does the rest over a restart, too', async (_, then, before) => {
    const settings: HomeSettings = { automations: [{ id: 'radio', then: [...then] }] };
    const first = await begin(settings);
    await before(first);
    await first[Symbol.asyncDispose]();
    await using home = await Home.open(settings, { memory: first.memory, clock: new FakeClock(first.clock.now() + minute) });
    await home.clock.advance(60 * minute);
    expect([home.results('radio').at(-1), home.playing()]).toEqual(['done', 'late']);
  });

  it('holds until it is defined anew or removed', async () => {
    const settings: HomeSettings = { automations: [{ id: 'radio', when: [{ cron: '0 9 * * *' }], then: [play] }] };
    const first = await Home.open(settings);
    await first.automations.enable('radio', false);
    await first.automations.skipNext('radio', true);
    await first.automations.forget('radio');
    await first[Symbol.asyncDispose]();
    await using home = await Home.open(settings, { memory: first.memory });
    expect(home.automations.picture.automations[0]).toMatchObject({ enabled: true, skipsNext: false });
    await home.automations.forget('never-seen');
  });

  it('ends what it does, and what waits for its turn', async () => {
    await using home = await begin({ automations: [{ id: 'radio', mode: 'queued', then: [play, { wait: '30m' }, { play: 'music:late' }] }] });
    await home.automations.run('radio', 'mqtt');
    await home.automations.enable('radio', false);
    await home.clock.advance(90 * minute);
    expect([home.results('radio'), home.why('radio')]).toEqual([['interrupted'], 'It was switched off.']);
    expect(home.playing()).toBe('news');
  });

  it('by itself, it does the rest', async () => {
    await using home = await begin({ automations: [{ id: 'radio', then: [{ disable: 'radio' }, { wait: '30m' }, { play: 'music:late' }] }] });
    await home.clock.advance(60 * minute);
    expect([home.results('radio'), home.playing(), home.automations.picture.automations[0]?.enabled]).toEqual([['done'], 'late', false]);
  });

  it('by another, it ends', async () => {
    await using home = await begin({ automations: [...(radio.automations ?? []), { id: 'off', then: [{ disable: 'radio' }] }] });
    await home.automations.run('off', 'mqtt');
    await home.clock.advance(60 * minute);
    expect(home.results('radio')).toEqual(['interrupted']);
  });

  it('all at once: what was not begun by hand ends', async () => {
    await using home = await begin({ automations: [...(radio.automations ?? []), { id: 'other', when: [{ mqtt: 'x' }], then: [{ wait: '30m' }, { publish: 'y' }] }] });
    home.broker.say('x', '1');
    await home.clock.advance(0);
    await home.automations.enable(null, false);
    await home.clock.advance(60 * minute);
    expect([home.results('radio'), home.results('other'), home.why('other')]).toEqual([['done'], ['interrupted'], 'All automations were switched off.']);
  });

  it('all at once: what would have been due was not missed', async () => {
    await using home = await Home.open({ automations: [{ id: 'daily', when: [{ cron: '0 9 * * *' }], then: [play] }] }, { at: '2026-11-23T07:50:00Z' });
    await home.automations.enable(null, false);
    home.clock.jump(60 * minute);
    await home.clock.advance(minute);
    expect(home.results('daily')).toEqual([]);
  });
});

it('a short wait is done with after a restart, too, and costs no write before', async () => {
  const settings: HomeSettings = { automations: [{ id: 'radio', then: [{ wait: '20s' }, { publish: 'y' }] }] };
  const memory = new HomeStore();
  const first = await Home.open(settings, { memory });
  const before = memory.writes;
  await first.automations.run('radio', 'mqtt');
  await first.clock.advance(10_000);
  expect(memory.writes).toBe(before);
  await first[Symbol.asyncDispose]();
  await using home = await Home.open(settings, { memory, clock: new FakeClock(first.clock.now() + 15_000) });
  await home.clock.advance(0);
  expect(home.broker.published).toHaveLength(1);
});

it('a clock that was set back does not make a no last longer', async () => {
  await using home = await Home.open({ automations: [{ id: 'motion', when: [{ mqtt: 'hall' }], then: [play] }] });
  home.broker.say('hall', '1');
  await home.clock.advance(0);
  await home.person({ kind: 'stop' });
  home.clock.jump(-180 * minute);
  await home.clock.advance(11 * minute);
  home.broker.say('hall', '1');
  await home.clock.advance(0);
  expect(home.results('motion')).toEqual(['done', 'done']);
});

it('quiet hours are over when the clock is set back to before them, and begin again', async () => {
  await using home = await Home.open({ quietHours: { between: '22:00-07:00', volume: 25 } }, { at: '2026-11-23T21:30:00Z' });
  const limit = () => home.player().state.volume.limit;
  expect(limit()).toBe(0.25);
  home.clock.jump(-60 * minute);
  await home.clock.advance(minute);
  expect([limit(), home.automations.picture.quiet]).toEqual([1, false]);
  await home.clock.advance(30 * minute);
  expect(limit()).toBe(0.25);
});
