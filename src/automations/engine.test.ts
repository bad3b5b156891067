import { describe, expect, it } from 'vitest';
import { Home, type HomeSettings } from '../../test/kit/home.ts';

const minute = 60_000;
const hour = 60 * minute;
const play = { play: 'music:news', volume: 20 };

describe('a rule', () => {
  it('fires by the clock, sets the volume before it plays, and says so', async () => {
    await using home = await Home.open({ automations: [{ id: 'morning', when: [{ cron: '30 6 * * *' }], then: [play] }] }, { at: '2026-11-23T05:00:00Z' });
    expect(home.automations.picture.automations[0]).toMatchObject({ id: 'morning', enabled: true, next: Date.parse('2026-11-23T05:30:00Z'), zones: ['kitchen'], last: null });
    await home.clock.advance(29 * minute);
    expect(home.playing()).toBeNull();
    await home.clock.advance(minute);
    expect(home.playing()).toBe('news');
    expect(home.volume()).toBe(20);
    expect(home.player().state.by.started).toBe('automation:morning');
    expect(home.automations.history('morning', 5)).toMatchObject([{ result: 'done', trigger: 'cron 30 6 * * *', steps: [{ what: 'play music:news in kitchen', outcome: 'started' }] }]);
    expect(home.automations.picture.automations[0]?.next).toBe(Date.parse('2026-11-24T05:30:00Z'));
  });

  it('fails aloud when the music cannot be had, and puts the volume back', async () => {
    await using home = await Home.open({ automations: [{ id: 'morning', then: [play, { volume: 90 }] }] });
    home.source().isBroken = true;
    await home.automations.run('morning', 'mqtt');
    await home.clock.advance(0);
    expect(home.automations.history('morning', 1)).toMatchObject([{ result: 'failed', trigger: 'by hand (mqtt)', why: 'The cloud is away.' }]);
    expect(home.volume()).toBe(50);
  });

  it('fires at sunset with an offset', async () => {
    await using home = await Home.open({ automations: [{ id: 'evening', when: [{ sun: 'sunset+15m' }], then: [play] }] }, { at: '2026-06-21T12:00:00Z' });
    // Berlin's almanac: sunset at 21:33.
    const next = home.automations.picture.automations[0]?.next ?? 0;
    expect(Math.abs(next - Date.parse('2026-06-21T19:48:00Z'))).toBeLessThan(2 * minute);
    await home.clock.advance(next - home.clock.now());
    expect(home.playing()).toBe('news');
  });

  it('fires though a calendar is gone', async () => {
    await using home = await Home.open({ holidays: { files: ['/nowhere/at/all.ics'] }, automations: [{ id: 'morning', holidays: 'skip', when: [{ cron: '30 6 * * *' }], then: [play] }] }, { at: '2026-11-23T05:00:00Z' });
    await home.clock.advance(30 * minute);
    expect(home.playing()).toBe('news');
  });

  it('leaves no timer and no listener behind', async () => {
    const home = await Home.open({
      presence: { sources: [{ id: 'pir', kind: 'room', room: 'hall', topic: 'sensors/hall' }] },
      quietHours: { between: '22:00-07:00', volume: 20 },
      automations: [{ id: 'a', when: [{ cron: '* * * * *' }, { presence: { room: 'hall', to: 'present', for: '5m' } }, { mqtt: 'x/+', above: 3, for: '1m' }], if: [{ mqtt: 'y', equals: 1 }], then: [{ wait: '1h' }] }],
    });
    await home.automations.run('a', 'mqtt');
    await home.clock.advance(10 * minute);
    await home[Symbol.asyncDispose]();
    expect(home.clock.pending).toBe(0);
    expect(home.broker.listeners).toBe(0);
  });
});

describe('overlap', () => {
  const rule = (mode: 'single' | 'restart' | 'queued' | 'parallel'): HomeSettings => ({ automations: [{ id: 'a', mode, then: [{ wait: '10m' }, { publish: 'done' }] }] });
  it.each([
    // Set off at 0, 4 and 8 minutes; what was said after 12, 16 and 60 minutes. Two skips that say the same are one line.
    ['single', [1, 1, 1], ['done', 'skipped']],
    ['restart', [0, 0, 1], ['interrupted', 'interrupted', 'done']],
    ['queued', [1, 1, 3], ['done', 'done', 'done']],
    ['parallel', [1, 2, 3], ['done', 'done', 'done']],
  ] as const)('%s', async (mode, counts, results) => {
    await using home = await Home.open(rule(mode));
    for (let n = 0; n < 3; n++) {
      await home.automations.run('a', 'mqtt');
      await home.clock.advance(4 * minute);
    }
    const seen = [home.broker.published.length];
    await home.clock.advance(4 * minute);
    seen.push(home.broker.published.length);
    await home.clock.advance(44 * minute);
    seen.push(home.broker.published.length);
    expect(seen).toEqual(counts);
    expect(home.results('a').toSorted()).toEqual([...results].toSorted());
  });
});

describe('interruptions', () => {
  const doorbell: HomeSettings = {
    automations: [
      { id: 'doorbell', mode: 'parallel', when: [{ mqtt: 'door/bell', equals: 'ring' }], then: [{ pause: 'kitchen' }, { wait: '1m' }, { resume: 'kitchen' }] },
      { id: 'phone', when: [{ mqtt: 'phone', equals: 'talking' }], then: [{ pause: 'kitchen', reason: 'phone', forget: '30m' }] },
      { id: 'phone-over', when: [{ mqtt: 'phone', equals: 'idle' }], then: [{ resume: 'kitchen', reason: 'phone', fadeIn: '10s' }] },
    ],
  };
  const ring = async (home: Home) => {
    home.broker.say('door/bell', 'ring');
    await home.clock.advance(0);
  };

  it('pauses and goes on', async () => {
    await using home = await Home.open(doorbell);
    await home.person({ kind: 'play', uri: 'music:rock' });
    await ring(home);
    expect(home.player().state.status).toBe('paused');
    await home.clock.advance(minute);
    expect(home.playing()).toBe('rock');
    expect(home.player().state.by.started).toBe('phone');
  });

  it('does not begin what was silent', async () => {
    await using home = await Home.open(doorbell);
    await home.person([{ kind: 'play', uri: 'music:rock' }, { kind: 'pause' }]);
    await ring(home);
    await home.clock.advance(2 * minute);
    expect(home.player().state.status).toBe('paused');
  });

  it('goes on when the last of several is over', async () => {
    await using home = await Home.open(doorbell);
    await home.person({ kind: 'play', uri: 'music:rock' });
    await ring(home);
    await home.clock.advance(minute / 2);
    await ring(home);
    home.broker.say('phone', 'talking');
    await home.clock.advance(40_000);
    expect(home.playing()).toBeNull();
    await home.clock.advance(minute);
    expect(home.playing()).toBeNull();
    home.broker.say('phone', 'idle');
    await home.clock.advance(5000);
    expect(home.playing()).toBe('rock');
    expect(home.volume()).toBeLessThan(50);
    await home.clock.advance(6000);
    expect(home.volume()).toBe(50);
  });

  it('leaves alone what a person did meanwhile', async () => {
    await using home = await Home.open(doorbell);
    await home.person({ kind: 'play', uri: 'music:rock' });
    await ring(home);
    await home.person({ kind: 'play' });
    await home.person({ kind: 'pause' });
    await home.clock.advance(2 * minute);
    expect(home.player().state.status).toBe('paused');
    expect(home.automations.history('doorbell', 1)[0]?.steps.at(-1)?.outcome).toMatch(/^left alone/);
  });

  it('leaves the volume as it was when it cannot go on', async () => {
    await using home = await Home.open(doorbell);
    await home.person({ kind: 'play', uri: 'music:rock' });
    home.broker.say('phone', 'talking');
    await home.clock.advance(0);
    home.source().isBroken = true;
    home.broker.say('phone', 'idle');
    await home.clock.advance(minute);
    expect(home.results('phone-over')).toEqual(['failed']);
    expect(home.volume()).toBe(50);
  });

  it('does not come back after too long', async () => {
    await using home = await Home.open(doorbell);
    await home.person({ kind: 'play', uri: 'music:rock' });
    home.broker.say('phone', 'talking');
    await home.clock.advance(31 * minute);
    home.broker.say('phone', 'idle');
    await home.clock.advance(minute);
    expect(home.playing()).toBeNull();
  });
});

describe('stop', () => {
  it('fades out what it has begun, and puts the volume back', async () => {
    await using home = await Home.open({ automations: [{ id: 'a', then: [play, { wait: '1m' }, { stop: true, onlyIf: 'startedByMe', fadeOut: '10s' }] }] });
    await home.automations.run('a', 'mqtt');
    await home.clock.advance(minute + 9000);
    expect(home.playing()).toBe('news');
    expect(home.volume()).toBeLessThan(10);
    await home.clock.advance(2000);
    expect(home.player().state.status).toBe('stopped');
    expect(home.volume()).toBe(20);
  });

  it('lets a person listen on who touches the volume while it fades', async () => {
    await using home = await Home.open({ automations: [{ id: 'a', then: [play, { stop: true, fadeOut: '10s' }] }] });
    await home.automations.run('a', 'mqtt');
    await home.clock.advance(5000);
    await home.person({ kind: 'volume', level: 0.4 });
    await home.clock.advance(minute);
    expect(home.playing()).toBe('news');
    expect(home.volume()).toBe(40);
  });

  it('gives the volume back to a person who puts on something else while it fades', async () => {
    await using home = await Home.open({ automations: [{ id: 'a', then: [play, { stop: true, fadeOut: '10s' }] }] });
    await home.automations.run('a', 'mqtt');
    await home.clock.advance(5000);
    expect(home.volume()).toBeLessThan(20);
    await home.person({ kind: 'play', uri: 'music:rock' });
    await home.clock.advance(minute);
    expect(home.playing()).toBe('rock');
    expect(home.volume()).toBe(20);
  });
});

it('leaves alone the one of several zones a person takes over while all fade out', async () => {
  await using home = await Home.open({ automations: [{ id: 'a', zone: 'all', then: [play, { stop: true, fadeOut: '10s' }] }] }, { zones: ['kitchen', 'bath'] });
  await home.automations.run('a', 'mqtt');
  await home.clock.advance(5000);
  await home.person({ kind: 'play', uri: 'music:rock' });
  await home.clock.advance(minute);
  expect([home.playing(), home.volume(), home.playing('bath'), home.volume('bath')]).toEqual(['rock', 20, null, 20]);
});

it('a fade ends where it is when a person takes the zone over', async () => {
  await using home = await Home.open({ automations: [{ id: 'a', then: [play, { fade: 80, over: '10m' }] }] });
  await home.automations.run('a', 'mqtt');
  await home.clock.advance(2 * minute);
  await home.person({ kind: 'play', uri: 'music:rock' });
  const level = home.volume();
  await home.clock.advance(10 * minute);
  expect([level < 80, home.volume()]).toEqual([true, level]);
});

describe('protection', () => {
  it('stops rules that set each other off in a circle', async () => {
    await using home = await Home.open({ automations: [{ id: 'ping', when: [{ mqtt: 'pong' }], then: [{ publish: 'ping' }] }, { id: 'pong', when: [{ mqtt: 'ping' }], then: [{ publish: 'pong' }] }] });
    const echoed = () => {
      for (const { topic, payload } of home.broker.published.splice(0)) home.broker.say(topic, payload);
    };
    home.broker.say('pong', '');
    for (let n = 0; n < 5; n++) {
      await home.clock.advance(0);
      echoed();
    }
    expect(home.results('ping')).toEqual(['done', 'skipped']);
    expect(home.why('ping')).toBe('Automations set each other off in a circle: ping → pong → ping. It was stopped here.');
  });

  it('is not set off by what it did itself', async () => {
    await using home = await Home.open({ automations: [{ id: 'a', when: [{ playback: 'started' }], then: [{ play: 'music:other' }] }] });
    await home.person({ kind: 'play', uri: 'music:rock' });
    await home.person({ kind: 'pause' });
    await home.automations.run('a', 'mqtt');
    await home.clock.advance(minute);
    // Once for the person, once by hand; its own start is a circle.
    expect(home.results('a')).toEqual(['done', 'done', 'skipped']);
  });

  it('runs no more often than its budget', async () => {
    await using home = await Home.open({ automations: [{ id: 'a', when: [{ mqtt: 'x' }], budget: { runs: 3, per: '1m' }, then: [{ publish: 'y' }] }] });
    for (let n = 0; n < 10; n++) {
      home.broker.say('x', '1');
      await home.clock.advance(1000);
    }
    expect(home.broker.published).toHaveLength(3);
    await home.clock.advance(minute);
    home.broker.say('x', '1');
    await home.clock.advance(0);
    expect(home.broker.published).toHaveLength(4);
    // Seven skips that say the same are one line.
    expect(home.results('a')).toEqual(['done', 'done', 'done', 'skipped', 'done']);
  });
});

describe('what sets off', () => {
  const on = (...when: NonNullable<HomeSettings['automations']>[number]['when'] & object): HomeSettings => ({ automations: [{ id: 'a', mode: 'queued', when, then: [{ publish: 'y' }] }] });
  const runs = (home: Home) => home.broker.published.length;

  it('a button, every time it is pressed, but not what the broker kept', async () => {
    await using home = await Home.open(on({ mqtt: 'zigbee2mqtt/button', path: 'action', in: ['single', 'double'] }));
    home.broker.say('zigbee2mqtt/button', { action: 'single' });
    home.broker.say('zigbee2mqtt/button', { action: 'single' });
    home.broker.say('zigbee2mqtt/button', { action: 'hold' });
    home.broker.say('zigbee2mqtt/button', { battery: 80 });
    await home.clock.advance(0);
    expect(runs(home)).toBe(2);
    home.broker.say('zigbee2mqtt/button', { action: 'double' }, { isRetained: true });
    await home.clock.advance(0);
    home.broker.down();
    home.broker.up();
    await home.clock.advance(0);
    expect(runs(home)).toBe(3);
    expect(home.automations.history('a', 1)[0]?.trigger).toBe('zigbee2mqtt/button action is one of single, double (double)');
  });

  it('a value that crosses a threshold, and not the first one', async () => {
    await using home = await Home.open(on({ mqtt: 'bath/humidity', above: 70 }));
    for (const value of [80, 81, 60, 71, 75, 'wet', 50, 90]) home.broker.say('bath/humidity', String(value));
    await home.clock.advance(0);
    expect(runs(home)).toBe(2);
  });

  it('a value that lasts', async () => {
    await using home = await Home.open(on({ mqtt: 'door', equals: 'open', for: '10m' }));
    home.broker.say('door', 'closed');
    home.broker.say('door', 'open');
    await home.clock.advance(9 * minute);
    home.broker.say('door', 'open');
    expect(runs(home)).toBe(0);
    await home.clock.advance(minute);
    expect(runs(home)).toBe(1);
    home.broker.say('door', 'closed');
    home.broker.say('door', 'open');
    await home.clock.advance(5 * minute);
    // Nobody knows what happens while the broker is away.
    home.broker.down();
    home.broker.up();
    await home.clock.advance(hour);
    expect(runs(home)).toBe(1);
  });

  it('playback and Home Assistant', async () => {
    await using home = await Home.open(on({ playback: ['queue_ended', 'taken'], zone: 'kitchen' }, { homeAssistant: 'born' }));
    await home.person({ kind: 'play', uri: 'music:rock' });
    home.source().finish();
    home.broker.born();
    await home.clock.advance(0);
    expect(home.automations.history('a', 5).map(({ trigger }) => trigger).reverse()).toEqual(['playback taken in kitchen (phone)', 'playback queue_ended in kitchen (tonearm)', 'Home Assistant started']);
  });

  it('an alarm that begins to ring', async () => {
    await using home = await Home.open({ alarms: [{ id: 'wake', time: '06:30' }], ...on({ alarm: 'ringing', id: 'wake' }) }, { at: '2026-11-23T05:29:00Z' });
    await home.clock.advance(minute);
    expect(runs(home)).toBe(1);
    await home.automations.stop('wake', 'mqtt');
  });
});

describe('switches', () => {
  const daily: HomeSettings = { automations: [{ id: 'a', when: [{ cron: '0 9 * * *' }], then: [{ publish: 'y' }] }] };

  it('passes over one firing, and shows the one after', async () => {
    await using home = await Home.open(daily, { at: '2026-11-23T07:00:00Z' });
    await home.automations.skipNext('a', true);
    expect(home.automations.picture.automations[0]).toMatchObject({ skipsNext: true, next: Date.parse('2026-11-24T08:00:00Z') });
    expect((await home.automations.forecast('a', 2)).firings).toMatchObject([
      { at: Date.parse('2026-11-23T08:00:00Z'), runs: false, why: 'It was told to skip this one.' },
      { at: Date.parse('2026-11-24T08:00:00Z'), runs: true },
    ]);
    await home.clock.advance(25 * hour);
    expect(home.results('a')).toEqual(['skipped', 'done']);
    expect(home.automations.picture.automations[0]?.skipsNext).toBe(false);
  });

  it('does not pass over a holiday, on which it would not run anyway, nor names it as the next time', async () => {
    const free: HomeSettings = { automations: [{ id: 'a', holidays: 'skip', when: [{ cron: '0 9 * * *' }], then: [{ publish: 'y' }] }], holidays: { dates: ['2026-11-23', '2026-11-25..2026-11-26'] } };
    await using home = await Home.open(free, { at: '2026-11-23T07:00:00Z' });
    const next = () => home.automations.picture.automations[0]?.next;
    expect(next()).toBe(Date.parse('2026-11-24T08:00:00Z'));
    await home.automations.skipNext('a', true);
    expect(next()).toBe(Date.parse('2026-11-27T08:00:00Z'));
    expect((await home.automations.forecast('a', 3)).firings.map(({ why }) => why)).toEqual(['It is a holiday (a holiday).', 'It was told to skip this one.', 'It is a holiday (a holiday).']);
    await home.clock.advance(24 * hour);
    expect(home.automations.picture.automations[0]?.skipsNext).toBe(true);
    await home.clock.advance(74 * hour);
    // Skips that repeat themselves are one entry.
    expect(home.results('a')).toEqual(['skipped', 'skipped', 'skipped', 'done']);
  });

  it('stays off over a restart, and runs by hand all the same', async () => {
    const first = await Home.open(daily, { at: '2026-11-23T07:00:00Z' });
    await first.automations.enable('a', false);
    await first[Symbol.asyncDispose]();
    await using home = await Home.open(daily, { at: '2026-11-23T07:00:00Z', memory: first.memory });
    expect(home.automations.picture.automations[0]).toMatchObject({ enabled: false, next: null });
    await home.clock.advance(25 * hour);
    expect(home.broker.published).toHaveLength(0);
    await home.automations.run('a', 'homekit');
    await home.clock.advance(0);
    expect(home.broker.published).toHaveLength(1);
    await home.automations.enable('a', true);
    await home.automations.enable(null, false);
    expect(home.automations.picture).toMatchObject({ enabled: false, automations: [{ enabled: true, next: null }] });
  });

  it('rejects what is not there', async () => {
    await using home = await Home.open(daily);
    await expect(home.automations.enable('nope', true)).rejects.toMatchObject({ kind: 'not-found', code: 'automations/unknown', message: expect.stringContaining('“a”') as string });
    await expect(home.automations.run('nope', 'mqtt')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(home.automations.setTime('a', '07:00')).rejects.toMatchObject({ kind: 'invalid', code: 'automations/no-alarm' });
    await expect(home.automations.forecast('nope', 3)).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('quiet hours', () => {
  it('limit every volume while they last, whoever asks', async () => {
    await using home = await Home.open({ quietHours: { between: '22:00-07:00', volume: 25 } }, { at: '2026-11-23T20:59:00Z' });
    await home.person([{ kind: 'play', uri: 'music:rock' }, { kind: 'volume', level: 0.8 }]);
    await home.clock.advance(minute);
    expect(home.volume()).toBe(25);
    await home.person({ kind: 'volume', level: 1 });
    expect(home.volume()).toBe(25);
    expect(home.automations.picture.quiet).toBe(true);
    await home.clock.advance(9 * hour);
    expect(home.automations.picture.quiet).toBe(false);
    // Headroom is back; nothing gets louder by itself.
    expect(home.player().state.volume.limit).toBe(1);
    expect(home.volume()).toBeLessThanOrEqual(25);
  });

  it('may be several, and the strictest counts', async () => {
    await using home = await Home.open({ quietHours: [{ between: '20:00-07:00', volume: 40 }, { between: '22:00-24:00', volume: 10 }, { between: '19:00-23:00', volume: 5, zones: 'bath' }] }, { at: '2026-11-23T20:30:00Z', zones: ['kitchen', 'bath'] });
    for (const zone of ['kitchen', 'bath']) await home.person([{ kind: 'play', uri: 'music:rock' }, { kind: 'volume', level: 1 }], zone);
    const limits = () => [home.player('kitchen'), home.player('bath')].map(({ state }) => Math.round(state.volume.limit * 100));
    expect(limits()).toEqual([40, 5]);
    await home.clock.advance(30 * minute);
    expect(limits()).toEqual([10, 5]);
    await home.clock.advance(2 * hour);
    expect(limits()).toEqual([40, 40]);
    await home.clock.advance(7 * hour);
    expect([limits(), home.automations.picture.quiet]).toEqual([[100, 100], false]);
  });

  it('lock a zone: what plays is paused, and what anybody puts on', async () => {
    await using home = await Home.open({ quietHours: { between: '22:00-07:00', locked: true, zones: 'bath' }, alarms: [{ id: 'wake', zone: 'bath', time: '06:30', play: 'music:news' }] }, { at: '2026-11-23T20:59:00Z', zones: ['kitchen', 'bath'] });
    for (const zone of ['kitchen', 'bath']) await home.person({ kind: 'play', uri: 'music:rock' }, zone);
    await home.clock.advance(minute);
    expect([home.playing('kitchen'), home.player('bath').state.status]).toEqual(['rock', 'paused']);
    for (const command of [{ kind: 'play' }, { kind: 'play', uri: 'music:jazz' }] as const) {
      await home.person(command, 'bath');
      expect([home.player('bath').state.status, home.player('bath').state.by.changed]).toEqual(['paused', 'automation:quiet-hours']);
    }
    await home.clock.advance(8 * hour + 30 * minute);
    expect(home.playing('bath')).toBe('news');
    await home.automations.stop('wake', 'mqtt');
    await home.clock.advance(0);
    await home.person({ kind: 'play' }, 'bath');
    expect(home.playing('bath')).toBeNull();
    await home.clock.advance(30 * minute);
    expect(home.playing('bath')).toBeNull();
    await home.person({ kind: 'play' }, 'bath');
    expect(home.playing('bath')).toBe('news');
  });

  it('pass over what is explicit, once each; of a list of nothing else nothing plays', async () => {
    await using home = await Home.open({ quietHours: { between: '19:00-07:00', explicit: 'skip' } }, { at: '2026-11-23T17:59:00Z' });
    home.source().next = ['music:a!', 'music:b', 'music:c', 'music:d!', 'music:d!', 'music:e'];
    await home.person({ kind: 'play', uri: 'music:rock!' });
    expect(home.playing()).toBe('rock!');
    await home.clock.advance(minute);
    expect(home.playing()).toBe('b');
    await home.person({ kind: 'next' });
    expect(home.playing()).toBe('c');
    await home.person({ kind: 'next' });
    expect([home.playing(), home.source().next]).toEqual(['e', []]);
    home.source().next = Array.from({ length: 60 }, (_, n) => `music:${n}!`);
    await home.person({ kind: 'next' });
    await home.clock.advance(1000);
    expect([home.playing(), home.player().state.status, home.source().next.length]).toEqual([null, 'paused', 39]);
    home.source().next = [];
    await home.person({ kind: 'play', uri: 'music:last!' });
    expect([home.playing(), home.player().state.status]).toEqual([null, 'paused']);
  });

  it('leave an alarm as loud as it is set, after a snooze too', async () => {
    await using home = await Home.open({ quietHours: { between: '22:00-07:00', volume: 10 }, alarms: [{ id: 'wake', time: '06:30', play: 'music:news', volume: { start: 50, end: 50 }, snooze: '9m' }] }, { at: '2026-11-24T05:29:00Z' });
    await home.clock.advance(minute);
    expect(home.volume()).toBe(50);
    await home.automations.snooze(null, 'mqtt');
    expect(home.volume()).toBe(10);
    await home.clock.advance(9 * minute);
    expect([home.playing(), home.volume()]).toEqual(['news', 50]);
  });
});

describe('waiting', () => {
  it('may take a different time every time, between two', async () => {
    const lengths = new Set<string>();
    for (let round = 0; round < 8; round++) {
      await using home = await Home.open({ automations: [{ id: 'a', then: [{ wait: '5m', upTo: '40m' }, play] }] });
      await home.automations.run('a', 'mqtt');
      await home.clock.advance(5 * minute - 1);
      expect(home.playing()).toBeNull();
      await home.clock.advance(35 * minute + 1);
      expect(home.playing()).toBe('news');
      lengths.add(home.automations.history('a', 1)[0]?.steps[0]?.what ?? '');
    }
    expect(lengths.size).toBeGreaterThan(1);
  });

  it('until nobody is there for a while, or until it has been long enough', async () => {
    const settings = (otherwise: 'goOn' | 'end'): HomeSettings => ({ automations: [{ id: 'a', then: [{ waitUntil: { mqtt: 'tv', equals: 'off', for: '1m' }, atMost: '1h', otherwise }, { publish: 'y' }] }] });
    await using home = await Home.open(settings('end'));
    await home.automations.run('a', 'mqtt');
    home.broker.say('tv', 'off');
    await home.clock.advance(30_000);
    home.broker.say('tv', 'on');
    await home.clock.advance(10 * minute);
    expect(home.broker.published).toHaveLength(0);
    home.broker.say('tv', 'off');
    await home.clock.advance(minute);
    expect(home.broker.published).toHaveLength(1);
    await home.automations.run('a', 'mqtt');
    await home.clock.advance(2 * hour);
    expect(home.results('a')).toEqual(['done', 'done']);
    expect(home.why('a')).toBe('What it waited for did not come in time, so the rest was left.');
    await using other = await Home.open(settings('goOn'));
    await other.automations.run('a', 'mqtt');
    await other.clock.advance(2 * hour);
    expect(other.broker.published).toHaveLength(1);
  });
});

describe('history', () => {
  it('says every condition with the value it saw, outlives a restart and stays small', async () => {
    const settings: HomeSettings = { automations: [{ id: 'a', if: [{ days: ['mon'] }, { any: [{ zone: 'kitchen', is: 'idle', volumeBelow: 60 }, { quiet: true }] }], when: [{ mqtt: 'x' }], then: [{ volume: 30 }] }] };
    const first = await Home.open(settings);
    first.broker.say('x', '1');
    await first.clock.advance(0);
    expect(first.automations.history('a', 1)).toMatchObject([{
      trigger: 'x', result: 'done',
      steps: [
        { what: 'if on mon', outcome: 'yes: it is mon' },
        { what: 'if zone kitchen idle, volume below 60 % or quiet hours', outcome: 'yes: stopped, volume 50 %; quiet hours are off' },
        { what: 'volume 30 % in kitchen', outcome: 'done' },
      ],
    }]);
    await first[Symbol.asyncDispose]();
    await using home = await Home.open(settings, { memory: first.memory });
    const before = home.memory.writes;
    for (let n = 0; n < 200; n++) {
      await home.automations.run('a', 'mqtt');
      await home.clock.advance(3000);
    }
    expect(home.automations.history(null, 1000)).toHaveLength(50);
    // Ten minutes: one write a minute and a few.
    expect(home.memory.writes - before).toBeLessThan(25);
  });
});
