import { beforeEach, describe, expect, it } from 'vitest';
import { Emitter, FakeClock } from '#foundation';
import { FakeLink, incoming } from '../../../test/contract/surface-fake-link.ts';
import { keptLog } from '../../../test/contract/surface-fake-player.ts';
import { carryMessages } from './carry.ts';
import { followLog } from './logging.ts';
import { Rivalry } from './rivalry.ts';
import { Topics } from './topics.ts';
import { TreeWatch } from './tree-watch.ts';

let clock: FakeClock;
let link: FakeLink;
beforeEach(() => {
  clock = new FakeClock();
  link = new FakeLink();
});

describe('a rival for our name', () => {
  const rivalry = () => new Rivalry(clock, () => 0.5);
  const thrownOut = { lasted: 1000, takenOver: true, silent: false };

  it('is left the line for ever longer', () => {
    const machine = rivalry();
    expect([1, 2, 3, 4, 5, 6, 7].map(() => machine.ended(thrownOut))).toEqual([20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000]);
    expect(machine.view).toEqual({ since: clock.now(), times: 7 });
  });

  it('is forgotten after ten minutes of peace', () => {
    const machine = rivalry();
    machine.ended(thrownOut);
    expect(machine.ended({ lasted: 700_000, takenOver: false, silent: true })).toBeNull();
    expect(machine.view).toBeNull();
    expect(machine.ended(thrownOut)).toBe(20_000);
  });

  it('is suspected, where nobody says why, when it happens again and again', () => {
    const machine = rivalry();
    const dropped = { lasted: 3000, takenOver: false, silent: true };
    expect([machine.ended(dropped), machine.ended(dropped)]).toEqual([null, null]);
    expect(machine.ended(dropped)).toBe(20_000);
    expect(machine.ended({ ...dropped, silent: false })).toBeNull();
    expect(machine.ended(dropped)).toBeNull();
  });
});

describe('our part of the tree', () => {
  let lost: number;
  let rivals: string[];
  let log: ReturnType<typeof keptLog>;
  const open = (retain = true) => {
    lost = 0;
    rivals = [];
    log = keptLog();
    const watch = new TreeWatch({ link, topic: 'tonearm/bridge/info', run: 'me', retain, clock, log, onLost: () => void (lost += 1), onRival: ({ instance }) => rivals.push(instance) });
    link.events.emit('up', { version: '5' });
    return watch;
  };
  const info = (run: string, retained: boolean, instance = '7f3a') => incoming('tonearm/bridge/info', { instance, run }, { retained });

  it('is not talked about for ever when somebody plays many bridges', async () => {
    using watch = open();
    await clock.advance(2000);
    for (let at = 0; at < 1000; at++) link.say(info(`other ${at}`, false, 'beef'));
    expect(watch.rival?.instance).toBe('beef');
    expect(rivals).toHaveLength(16);
    expect(log.lines).toHaveLength(16);
  });

  it('is looked at two seconds after connecting, and said again when it is gone', async () => {
    using watch = open();
    expect(watch.rival).toBeNull();
    await clock.advance(1999);
    expect(link.listening).toEqual([]);
    await clock.advance(1);
    link.say(info('me', true));
    await clock.advance(2000);
    expect(lost).toBe(0);
    link.events.emit('up', { version: '5' });
    await clock.advance(4000);
    expect(lost).toBe(1);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('is not asked about where nothing is to be kept', async () => {
    using watch = open(false);
    expect(watch.rival).toBeNull();
    await clock.advance(4000);
    expect(lost).toBe(0);
  });

  it('is ours alone; another is told of once, and answered once', async () => {
    using watch = open();
    await clock.advance(2000);
    link.say(info('me', false));
    expect(watch.rival).toBeNull();
    link.say(info('other', false, 'beef'));
    link.say(info('other', false, 'beef'));
    expect(rivals).toEqual(['beef']);
    expect(watch.rival).toEqual({ instance: 'beef', since: clock.now() });
    // A copy of our disk is another, too.
    link.say(info('twin', false));
    expect(rivals).toEqual(['beef', '7f3a']);
    for (const payload of ['', 'x', '[]', '{}', '{"instance":5}']) link.say(incoming('tonearm/bridge/info', payload));
    expect(rivals).toHaveLength(2);
    link.events.emit('up', { version: '5' });
    expect(watch.rival).toBeNull();
  });

  it('leaves nothing behind', async () => {
    const watch = open();
    await clock.advance(2000);
    watch[Symbol.dispose]();
    expect([clock.pending, link.listening.length, link.events.size]).toEqual([0, 0, 0]);
  });
});

describe('messages that are carried', () => {
  it('do not hold what we say ourselves, and stop with the surface', () => {
    const heard: string[] = [];
    const line = { up: () => heard.push('up'), down: () => heard.push('down'), born: () => heard.push('born'), hear: ({ topic }: { topic: string }, filter: string) => heard.push(`${topic} for ${filter}`), [Symbol.dispose]: () => void heard.push('end') };
    let carrier: Parameters<Parameters<typeof carryMessages>[0]>[0] | undefined;
    const carried = carryMessages((given) => {
      carrier = given;
      given.subscribe('#');
      return line;
    }, { link, topics: new Topics('tonearm'), log: keptLog(), qos: 1 });
    expect(heard).toEqual(['up']);
    link.say(incoming('zigbee2mqtt/pir', '{}'));
    link.say(incoming('tonearm/kitchen', '{}'));
    link.say(incoming('tonearm/kitchen/set/play', 'ON'));
    carrier?.subscribe('a');
    carrier?.unsubscribe('#');
    link.say(incoming('a', ''));
    link.events.emit('down', { reason: new Error('x') as never });
    carried.born();
    expect(heard).toEqual(['up', 'zigbee2mqtt/pir for #', 'tonearm/kitchen/set/play for #', 'a for a', 'down', 'born']);
    void carrier?.publish({ topic: 'lamp', payload: 'ON', retained: true });
    expect(link.sent).toMatchObject([{ topic: 'lamp', payload: 'ON', retained: true, qos: 1 }]);
    carried[Symbol.dispose]();
    expect([link.listening.length, link.events.size]).toEqual([0, 0]);
  });
});

describe('the log on the broker', () => {
  it('is told from a level on, without what we say of the broker, and not in storms', async () => {
    const events = new Emitter<{ said: { at: number; level: 'debug' | 'warn' | 'error'; part: string; message: string } }>();
    const sent: unknown[] = [];
    const outlet = { send: async (_: string, __: object, payload: unknown) => sent.push(payload) > 0 };
    const following = followLog({ recent: [], events }, { level: 'warn', outlet: outlet, clock });
    const say = (level: 'debug' | 'warn' | 'error', part = 'spotify') => events.emit('said', { at: 0, level, part, message: 'Something.' });
    say('debug');
    say('warn');
    say('error', 'mqtt');
    expect(sent).toEqual([{ level: 'warn', message: 'Something.', namespace: 'spotify' }]);
    for (let at = 0; at < 100; at++) say('error');
    expect(sent).toHaveLength(20);
    await clock.advance(1000);
    say('error');
    expect(sent).toHaveLength(21);
    following[Symbol.dispose]();
    expect(events.size).toBe(0);
  });
});
