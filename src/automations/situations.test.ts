import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Home, HomeStore, type HomeSettings } from '../../test/kit/home.ts';
import { FakeClock } from '#foundation';
import { cronSchedule } from './schedule.ts';
import { wallOf } from './zone-time.ts';

/** One line of the table in docs/automations.md: what is given, what happens, and the code that finds out whether that is true. */
interface Situation {
  readonly group: string;
  readonly given: string;
  readonly outcome: string;
  find(): Promise<string>;
}

const minute = 60_000;
const hour = 60 * minute;
const at = (text: string) => Date.parse(text);
const two = (value: number) => String(value).padStart(2, '0');

/** When a rule runs from three hours before a moment until nine hours after it. */
async function runsAround(cron: string, timezone: string, moment: string): Promise<string> {
  await using home = await Home.open(
    { location: { latitude: 0, longitude: 0, timezone }, automations: [{ id: 'rule', when: [{ cron }], then: [{ volume: 30 }] }] },
    { at: new Date(at(moment) - 3 * hour).toISOString() },
  );
  await home.clock.advance(12 * hour);
  const runs = [...home.automations.history('rule', 100)].reverse();
  if (runs.length > 4) return `${runs.length} runs in 12 hours, ${gaps(runs.map((run) => run.at))}`;
  const said = runs.map((run) => {
    const { hour: h, minute: m } = wallOf(run.at, timezone);
    return `${two(h)}:${two(m)} (${new Date(run.at).toISOString().slice(11, 16)} UTC)`;
  });
  return `${said.join(', ')}; ${runs.length === 1 ? 'once' : `${runs.length} times`}`;
}

function gaps(moments: readonly number[]): string {
  const found = new Set(moments.slice(1).map((one, index) => (one - (moments[index] ?? 0)) / minute));
  return `${[...found].join(' and ')} min apart`;
}

const changes = [
  { zone: 'Europe/Berlin', day: '29 March 2026', what: '02:00 becomes 03:00', moment: '2026-03-29T01:00:00Z', cron: '30 2 * * *', outcome: '03:00 (01:00 UTC); once' },
  { zone: 'Europe/Berlin', day: '25 October 2026', what: '03:00 becomes 02:00', moment: '2026-10-25T01:00:00Z', cron: '30 2 * * *', outcome: '02:30 (00:30 UTC); once' },
  { zone: 'America/New_York', day: '8 March 2026', what: '02:00 becomes 03:00', moment: '2026-03-08T07:00:00Z', cron: '30 2 * * *', outcome: '03:00 (07:00 UTC); once' },
  { zone: 'America/New_York', day: '1 November 2026', what: '02:00 becomes 01:00', moment: '2026-11-01T06:00:00Z', cron: '30 1 * * *', outcome: '01:30 (05:30 UTC); once' },
  { zone: 'Australia/Lord_Howe', day: '4 October 2026', what: '02:00 becomes 02:30', moment: '2026-10-03T15:30:00Z', cron: '15 2 * * *', outcome: '02:30 (15:30 UTC); once' },
  { zone: 'Australia/Lord_Howe', day: '5 April 2026', what: '02:00 becomes 01:30', moment: '2026-04-04T15:00:00Z', cron: '45 1 * * *', outcome: '01:45 (14:45 UTC); once' },
  { zone: 'Europe/Berlin', day: '29 March 2026', what: '02:00 becomes 03:00', moment: '2026-03-29T01:00:00Z', cron: '*/15 * * * *', outcome: '48 runs in 12 hours, 15 min apart' },
  { zone: 'Europe/Berlin', day: '25 October 2026', what: '03:00 becomes 02:00', moment: '2026-10-25T01:00:00Z', cron: '*/15 * * * *', outcome: '48 runs in 12 hours, 15 min apart' },
] as const;

const morning = (more: object = {}): HomeSettings => ({ automations: [{ id: 'morning', when: [{ cron: '30 6 * * *' }], then: [{ play: 'music:news' }], ...more }] });
const story = (home: Home, id = 'morning') => `${home.results(id).join(', ') || 'nothing'}; ${home.playing() === null ? 'silence' : `“${home.playing() ?? ''}” plays`}`;

/** The clock is at 05:50 in Berlin and jumps. */
async function jump(by: number, more?: object): Promise<string> {
  await using home = await Home.open(morning(more), { at: '2026-11-23T04:50:00Z' });
  await home.clock.advance(minute);
  home.clock.jump(by);
  await home.clock.advance(minute);
  return story(home);
}

/** The daemon ends at 05:50 in Berlin and starts again later. */
async function reboot(after: number, settings: HomeSettings = morning(), before: (home: Home) => Promise<void> = () => Promise.resolve()): Promise<{ readonly home: Home; readonly said: string }> {
  const memory = new HomeStore();
  const first = await Home.open(settings, { at: '2026-11-23T04:50:00Z', memory });
  await before(first);
  await first.clock.advance(minute);
  const ended = first.clock.now();
  await first[Symbol.asyncDispose]();
  const home = await Home.open(settings, { clock: new FakeClock(ended + after), memory });
  await home.clock.advance(minute);
  return { home, said: story(home) };
}

async function rebooted(after: number, more?: object): Promise<string> {
  const { home, said } = await reboot(after, morning(more));
  await home[Symbol.asyncDispose]();
  return said;
}

const pir = { id: 'pir', kind: 'room' as const, room: 'hall', topic: 'sensors/hall', clearAfter: '1m' };
const hall = { presence: { sources: [pir] } };
const ramp: HomeSettings = { automations: [{ id: 'ramp', then: [{ play: 'music:birds', volume: 10 }, { fade: 60, over: '10m', curve: 'linear' }, { publish: 'home/up' }] }] };

const situations: readonly Situation[] = [
  ...changes.map((row): Situation => ({ group: 'Clocks are changed', given: `${row.zone}, ${row.day} (${row.what}), \`${row.cron}\``, outcome: row.outcome, find: () => runsAround(row.cron, row.zone, row.moment) })),
  {
    group: 'Rare days', given: '`0 8 29 2 *` (leap day), asked in November 2026 and in 2097', outcome: '2028-02-29, 2104-02-29',
    find: () => Promise.resolve(['2026-11-22', '2097-01-01'].map((day) => new Date(cronSchedule('0 8 29 2 *', 'Europe/Berlin').after(at(`${day}T00:00:00Z`)) ?? 0).toISOString().slice(0, 10)).join(', ')),
  },
  { group: 'The clock jumps', given: 'ahead by 3 h over a firing', outcome: 'missed; silence', find: () => jump(3 * hour) },
  { group: 'The clock jumps', given: 'ahead by 3 h over a firing, `missed: {catchUp: 4h}`', outcome: 'done; “news” plays', find: () => jump(3 * hour, { missed: { catchUp: '4h' } }) },
  { group: 'The clock jumps', given: 'ahead by 3 h over a firing, `missed: {catchUp: 10m}`', outcome: 'missed; silence', find: () => jump(3 * hour, { missed: { catchUp: '10m' } }) },
  {
    group: 'The clock jumps', given: 'back by 3 h after a firing; the right time comes again', outcome: 'done, done; “news” plays',
    async find() {
      await using home = await Home.open(morning(), { at: '2026-11-23T05:20:00Z' });
      await home.clock.advance(20 * minute);
      home.clock.jump(-3 * hour);
      await home.clock.advance(4 * hour);
      return story(home);
    },
  },
  {
    group: 'The clock jumps', given: 'back by 40 s right after a firing', outcome: 'done; “news” plays',
    async find() {
      await using home = await Home.open(morning(), { at: '2026-11-23T05:29:50Z' });
      await home.clock.advance(11_000);
      home.clock.jump(-40_000);
      await home.clock.advance(10 * minute);
      return story(home);
    },
  },
  { group: 'The machine sleeps', given: 'from 05:51 to 06:36 over a firing at 06:30', outcome: 'missed; silence', find: () => jump(45 * minute) },
  { group: 'The machine sleeps', given: 'the same, `missed: {catchUp: 10m}`', outcome: 'done; “news” plays', find: () => jump(45 * minute, { missed: { catchUp: '10m' } }) },
  { group: 'The daemon is off', given: 'from 05:51 to 06:36 over a firing at 06:30', outcome: 'missed; silence', find: () => rebooted(45 * minute) },
  { group: 'The daemon is off', given: 'the same, `missed: {catchUp: 10m}`', outcome: 'done; “news” plays', find: () => rebooted(45 * minute, { missed: { catchUp: '10m' } }) },
  { group: 'The daemon is off', given: 'until the next day, `missed: {catchUp: 10m}`', outcome: 'missed; silence', find: () => rebooted(28 * hour, { missed: { catchUp: '10m' } }) },
  {
    group: 'The daemon is off', given: 'while a rule waits 30 min to play, and is back before that', outcome: 'interrupted, done; “news” plays',
    async find() {
      const settings: HomeSettings = { automations: [{ id: 'morning', then: [{ wait: '30m' }, { play: 'music:news' }] }] };
      const { home } = await reboot(5 * minute, settings, async (first) => first.automations.run('morning', 'mqtt'));
      await home.clock.advance(30 * minute);
      const said = story(home);
      await home[Symbol.asyncDispose]();
      return said;
    },
  },
  {
    group: 'The daemon is off', given: 'while a rule waits 30 min to play, and is back three hours later: no surprise', outcome: 'interrupted, missed; silence',
    async find() {
      const settings: HomeSettings = { automations: [{ id: 'morning', then: [{ wait: '30m' }, { play: 'music:news' }] }] };
      const { home } = await reboot(3 * hour, settings, async (first) => first.automations.run('morning', 'mqtt'));
      await home.clock.advance(hour);
      const said = story(home);
      await home[Symbol.asyncDispose]();
      return said;
    },
  },
  {
    group: 'Two rules at once', given: 'both play in one zone at 06:30', outcome: 'a done, b done; “b” plays, begun by automation:b',
    async find() {
      const rule = (id: string) => ({ id, when: [{ cron: '30 6 * * *' }], then: [{ play: `music:${id}` }] });
      await using home = await Home.open({ automations: [rule('a'), rule('b')] }, { at: '2026-11-23T05:29:00Z' });
      await home.clock.advance(2 * minute);
      return `a ${home.results('a').join()}, b ${home.results('b').join()}; “${home.playing() ?? ''}” plays, begun by ${home.player().state.by.started ?? ''}`;
    },
  },
  {
    group: 'Two rules at once', given: 'each in a zone of its own', outcome: 'kitchen a, bath b',
    async find() {
      const rule = (id: string, zone: string) => ({ id, zone, when: [{ cron: '30 6 * * *' }], then: [{ play: `music:${id}` }] });
      await using home = await Home.open({ automations: [rule('a', 'kitchen'), rule('b', 'bath')] }, { at: '2026-11-23T05:29:00Z', zones: ['kitchen', 'bath'] });
      await home.clock.advance(2 * minute);
      return `kitchen ${home.playing('kitchen') ?? ''}, bath ${home.playing('bath') ?? ''}`;
    },
  },
  {
    group: 'A person in between', given: 'nobody touches the volume in a ramp from 10 to 60 %', outcome: 'at 60 %; the rest is done',
    async find() {
      await using home = await Home.open(ramp);
      await home.automations.run('ramp', 'mqtt');
      await home.clock.advance(11 * minute);
      return `at ${home.volume()} %; ${home.broker.published.length === 1 ? 'the rest is done' : 'the rest is not done'}`;
    },
  },
  {
    group: 'A person in between', given: 'the volume is set to 22 % halfway through that ramp', outcome: 'stays at 22 %; phone took the volume over at 22 %; the rest is done',
    async find() {
      await using home = await Home.open(ramp);
      await home.automations.run('ramp', 'mqtt');
      await home.clock.advance(5 * minute);
      await home.person({ kind: 'volume', level: 0.22 });
      await home.clock.advance(10 * minute);
      const step = home.automations.history('ramp', 1)[0]?.steps.find(({ what }) => what.startsWith('fade'));
      return `stays at ${home.volume()} %; ${step?.outcome ?? ''}; ${home.broker.published.length === 1 ? 'the rest is done' : 'the rest is not done'}`;
    },
  },
  {
    group: 'A person in between', given: 'stops what motion has begun, and motion goes on', outcome: 'interrupted, skipped; silence; after 10 min it may play again',
    async find() {
      await using home = await Home.open({ ...hall, automations: [{ id: 'morning', when: [{ presence: { room: 'hall', to: 'present' } }], then: [{ play: 'music:news' }, { wait: '1h' }] }] });
      home.broker.say('sensors/hall', 'OFF');
      const motion = async () => {
        home.broker.say('sensors/hall', 'ON');
        await home.clock.advance(5000);
        home.broker.say('sensors/hall', 'OFF');
        await home.clock.advance(2 * minute);
      };
      await home.clock.advance(2 * minute);
      await motion();
      await home.person({ kind: 'stop' });
      await motion();
      const before = story(home);
      await home.clock.advance(10 * minute);
      await motion();
      return `${before}; after 10 min it ${home.playing() === null ? 'stays silent' : 'may play again'}`;
    },
  },
  {
    group: 'A person in between', given: 'takes the zone over; later the rule would stop what it has begun', outcome: 'interrupted; “rock” plays',
    async find() {
      await using home = await Home.open({ automations: [{ id: 'morning', then: [{ play: 'music:news' }, { wait: '45m' }, { stop: 'kitchen', onlyIf: 'startedByMe' }] }] });
      await home.automations.run('morning', 'mqtt');
      await home.clock.advance(minute);
      await home.person({ kind: 'play', uri: 'music:rock' });
      await home.clock.advance(hour);
      return story(home);
    },
  },
  {
    group: 'The broker is gone', given: 'when a rule fires that publishes first and plays then', outcome: 'done; “news” plays; not said: the broker is away',
    async find() {
      await using home = await Home.open(morning({ then: [{ publish: 'home/radio', payload: 'on' }, { play: 'music:news' }] }), { at: '2026-11-23T05:29:00Z' });
      home.broker.down();
      await home.clock.advance(2 * minute);
      return `${story(home)}; ${home.automations.history('morning', 1)[0]?.steps[0]?.outcome ?? ''}`;
    },
  },
  {
    group: 'The broker is gone', given: 'and a condition asks for a topic: what was true may not be any more', outcome: 'skipped; silence; Not so: home/tv is off (nothing was heard of it).',
    async find() {
      await using home = await Home.open(morning({ if: [{ mqtt: 'home/tv', equals: 'off' }] }), { at: '2026-11-23T05:29:00Z' });
      home.broker.say('home/tv', 'off');
      home.broker.down();
      await home.clock.advance(2 * minute);
      return `${story(home)}; ${home.why('morning')}`;
    },
  },
  {
    group: 'Presence flaps', given: '200 times within 100 s, motion radio with `clearAfter: 1m`', outcome: '1 run, stopped 1 time; silence',
    async find() {
      await using home = await Home.open({ ...hall, automations: [{ id: 'radio', mode: 'restart', when: [{ presence: { room: 'hall', to: 'present' } }], then: [{ play: 'music:news' }, { waitUntil: { presence: { room: 'hall', to: 'absent', for: '5m' } } }, { stop: 'kitchen', onlyIf: 'startedByMe' }] }] });
      let stops = 0;
      using listening = home.player().events.on('changed', ({ state, previous }) => void (stops += previous.status === 'playing' && state.status !== 'playing' ? 1 : 0));
      expect(listening).toBeDefined();
      home.broker.say('sensors/hall', 'OFF');
      await home.clock.advance(2 * minute);
      for (let n = 0; n < 200; n++) {
        home.broker.say('sensors/hall', n % 2 === 0 ? 'ON' : 'OFF');
        await home.clock.advance(500);
      }
      await home.clock.advance(10 * minute);
      return `${home.results('radio').length} run, stopped ${stops} time; ${home.playing() === null ? 'silence' : 'music'}`;
    },
  },
  {
    group: 'Presence flaps', given: 'the sensor goes offline and comes back: what is learnt sets nothing off', outcome: 'nothing; silence',
    async find() {
      await using home = await Home.open({
        presence: { sources: [{ ...pir, availability: 'sensors/hall/state' }] },
        automations: [{ id: 'morning', when: [{ presence: { room: 'hall', to: 'present' } }], then: [{ play: 'music:news' }] }],
      });
      home.broker.say('sensors/hall', 'OFF');
      await home.clock.advance(2 * minute);
      home.broker.say('sensors/hall/state', 'offline');
      await home.clock.advance(minute);
      home.broker.say('sensors/hall/state', 'online');
      home.broker.say('sensors/hall', 'ON');
      await home.clock.advance(minute);
      return story(home);
    },
  },
];

describe('situations', () => {
  it.each(situations.map((one) => [`${one.group}: ${one.given}`, one] as const))('%s', async (_, situation) => {
    expect(await situation.find()).toBe(situation.outcome);
  });
});

describe('docs/automations.md', () => {
  const file = new URL('../../docs/automations.md', import.meta.url);
  const table = ['| Situation | Given | What happens |', '| --- | --- | --- |', ...situations.map(({ group, given, outcome }) => `| ${group} | ${given} | ${outcome} |`)].join('\n');

  it('has the table as it is tested here; UPDATE_DOCS=1 writes it', () => {
    const text = readFileSync(file, 'utf8');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, text.replace(/(<!-- situations: generated -->\n)[\s\S]*?(\n?<!-- \/situations -->)/, (_, head: string, tail: string) => `${head}${table}${tail}`));
    const found = /<!-- situations: generated -->\n([\s\S]*?)\n<!-- \/situations -->/.exec(readFileSync(file, 'utf8'))?.[1];
    expect(found?.trim()).toBe(table);
  });
});
