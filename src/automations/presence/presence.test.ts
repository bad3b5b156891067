import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, silentLog } from '#foundation';
import { HomeBroker } from '../../../test/kit/home-broker.ts';
import type { OpenPresence, PresenceChange } from '../ports.ts';
import { saySubject } from '../words.ts';
import { openPresence } from './presence.ts';
import { PresenceSettings } from './settings.ts';

const second = 1000;
const minute = 60 * second;

/** A home with its broker and a clock. */
class Home {
  readonly clock = new FakeClock();
  readonly broker: HomeBroker;
  readonly changes: PresenceChange[] = [];
  presence!: OpenPresence;

  private constructor(isUp: boolean) {
    this.broker = new HomeBroker({ isUp });
  }

  static async open(settings: Readonly<Record<string, unknown>>, { isUp = true, prepare }: { readonly isUp?: boolean; readonly prepare?: (broker: HomeBroker) => void } = {}): Promise<Home> {
    const home = new Home(isUp);
    prepare?.(home.broker);
    home.presence = await openPresence(PresenceSettings.parse(settings), { messages: home.broker.messages, host: { clock: home.clock, log: silentLog } });
    home.presence.events.on('changed', (change) => home.changes.push(change));
    return home;
  }

  /** What has happened since last asked: `person anna absent` is news, `(person anna absent)` was merely learnt. */
  news(): readonly string[] {
    return this.changes.splice(0).map(({ subject, to, isEdge }) => (isEdge ? `${saySubject(subject)} ${to}` : `(${saySubject(subject)} ${to})`));
  }

  run(by: number): Promise<void> {
    return this.clock.advance(by);
  }
}

const pir = { id: 'pir', kind: 'room', room: 'bath', preset: 'zigbee2mqtt', topic: 'z/bath', clearAfter: '2m' };
const gps = { id: 'gps', kind: 'person', person: 'anna', preset: 'owntracks', topic: 'owntracks/anna/phone' };
const wifi = { id: 'wifi', kind: 'person', person: 'anna', topic: 'wifi/anna' };
const beacon = { id: 'beacon', kind: 'tracker', person: 'anna', preset: 'espresense', topic: 'espresense/devices/anna', awayAfter: '90s' };
const near = (distance: number) => ({ id: 'anna', distance });

describe('one sensor', () => {
  it('tells nothing new with its first value, and news from then on', async () => {
    const home = await Home.open({ sources: [pir] });
    expect(home.presence.of({ kind: 'room', id: 'bath' })).toBe('unknown');
    home.broker.say('z/bath', { occupancy: true });
    expect(home.news()).toEqual(['(room bath present)', '(house present)']);
    home.broker.say('z/bath', { occupancy: false });
    await home.run(2 * minute - 1);
    expect(home.news()).toEqual([]);
    await home.run(second);
    expect(home.news()).toEqual(['room bath absent']);
    home.broker.say('z/bath', { occupancy: true });
    expect(home.news()).toEqual(['room bath present']);
  });

  it('learns from retained values and says nothing, even when they differ from before', async () => {
    const home = await Home.open({ sources: [{ ...pir, preset: 'plain' }] }, { prepare: (broker) => broker.say('z/bath', 'OFF', { isRetained: true }) });
    expect(home.presence.of({ kind: 'room', id: 'bath' })).toBe('absent');
    home.broker.down();
    await home.run(5 * second);
    home.broker.say('z/bath', 'ON', { isRetained: true });
    home.broker.up();
    expect(home.news()).toEqual(['(room bath present)', '(house present)']);
    home.broker.say('z/bath', 'OFF');
    await home.run(3 * minute);
    expect(home.news()).toEqual(['room bath absent']);
  });

  it('takes the first value after a reconnect for a state, retained or not', async () => {
    const home = await Home.open({ sources: [pir] });
    home.broker.say('z/bath', { occupancy: false });
    home.news();
    home.broker.down();
    home.broker.up();
    expect(home.presence.of({ kind: 'room', id: 'bath' })).toBe('absent');
    home.broker.say('z/bath', { occupancy: true });
    expect(home.news()).toEqual(['(room bath present)', '(house present)']);
  });

  it('offline, unknown, back on: nothing fires', async () => {
    const home = await Home.open({ sources: [pir] });
    home.broker.say('z/bath', { occupancy: false });
    await home.run(20 * minute);
    home.news();
    home.broker.say('z/bath/availability', { state: 'offline' });
    expect(home.news()).toEqual(['(room bath unknown)', '(house unknown)']);
    home.broker.say('z/bath/availability', { state: 'online' });
    expect(home.news()).toEqual([]);
    home.broker.say('z/bath', { occupancy: true });
    expect(home.news()).toEqual(['(room bath present)', '(house present)']);
  });

  it('ages out, however it was last', async () => {
    const home = await Home.open({ sources: [{ ...pir, staleAfter: '6h' }] });
    home.broker.say('z/bath', { occupancy: true });
    home.news();
    await home.run(5 * 60 * minute);
    home.broker.say('z/bath', { battery: 80 });
    await home.run(5 * 60 * minute);
    expect(home.news()).toEqual([]);
    await home.run(61 * minute);
    expect(home.news()).toEqual(['(room bath unknown)', '(house unknown)']);
  });

  it('counts OwnTracks by when it was measured, and believes no older news', async () => {
    const home = await Home.open({ sources: [{ ...gps, staleAfter: '1h' }], leaveDelay: 0 });
    const seconds = home.clock.now() / 1000;
    const location = (tst: number, ...inregions: string[]) => ({ _type: 'location', acc: 10, tst, inregions });
    home.broker.say('owntracks/anna/phone', location(seconds, 'home'));
    expect(home.presence.of({ kind: 'person', id: 'anna' })).toBe('present');
    home.broker.say('owntracks/anna/phone', location(seconds - 60));
    expect(home.presence.of({ kind: 'person', id: 'anna' })).toBe('present');
    home.broker.say('owntracks/anna/phone/event', { _type: 'transition', event: 'leave', desc: 'home', acc: 10, tst: seconds + 1 });
    expect(home.presence.of({ kind: 'person', id: 'anna' })).toBe('absent');
    const later = await Home.open({ sources: [{ ...gps, staleAfter: '1h' }] }, { prepare: (broker) => broker.say('owntracks/anna/phone', location(seconds - 7200, 'home'), { isRetained: true }) });
    expect(later.presence.of({ kind: 'person', id: 'anna' })).toBe('unknown');
  });

  it('that only ever says "there" is over after a while', async () => {
    const home = await Home.open({ sources: [{ id: 'bell', kind: 'room', room: 'porch', topic: 'porch/press', isMomentary: true, clearAfter: '30s' }] });
    home.broker.say('porch/press', 'ON');
    await home.run(20 * second);
    home.broker.say('porch/press', 'ON');
    await home.run(29 * second);
    expect(home.presence.of({ kind: 'room', id: 'porch' })).toBe('present');
    await home.run(2 * second);
    expect(home.presence.of({ kind: 'room', id: 'porch' })).toBe('absent');
  });

  it('with several sensors behind it: each is enough', async () => {
    const home = await Home.open({ sources: [{ id: 'esp', kind: 'room', room: 'den', preset: 'espresense-room', topic: 'espresense/rooms/den', clearAfter: 0 }] });
    home.broker.say('espresense/rooms/den/pir', 'OFF');
    home.broker.say('espresense/rooms/den/radar', 'ON');
    home.broker.say('espresense/rooms/den/pir', 'ON');
    home.broker.say('espresense/rooms/den/radar', 'OFF');
    expect(home.presence.of({ kind: 'room', id: 'den' })).toBe('present');
    home.broker.say('espresense/rooms/den/pir', 'OFF');
    expect(home.presence.of({ kind: 'room', id: 'den' })).toBe('absent');
  });

  it('is unknown once the broker has been away for a minute, and not before', async () => {
    const home = await Home.open({ sources: [pir] });
    home.broker.say('z/bath', { occupancy: true });
    home.news();
    home.broker.down();
    await home.run(59 * second);
    expect(home.news()).toEqual([]);
    await home.run(2 * second);
    expect(home.news()).toEqual(['(room bath unknown)', '(house unknown)']);
  });

  it('flaps 200 times: one change at most', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ on: fc.boolean(), wait: fc.integer({ min: 1, max: 110 * second }) }), { minLength: 200, maxLength: 200 }), fc.constantFrom(0, 90 * second), async (flaps, enterAfter) => {
        const home = await Home.open({ sources: [{ ...pir, enterAfter: `${enterAfter}ms` }] });
        home.broker.say('z/bath', { occupancy: false });
        home.news();
        for (const [at, { on, wait }] of flaps.entries()) {
          // It never rests for as long as it would take to be believed gone.
          home.broker.say('z/bath', { occupancy: at % 2 === 0 ? true : on });
          await home.run(Math.min(wait, enterAfter === 0 ? Infinity : 40 * second));
        }
        expect(home.news().filter((news) => news.startsWith('room')).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 6 },
    );
  }, 120_000);
});

describe('a person', () => {
  it('is at home if anything says so, and away when all that know agree for a while', async () => {
    const home = await Home.open({ people: [{ id: 'anna', name: 'Anna' }], sources: [gps, wifi], leaveDelay: '3m' });
    home.broker.say('wifi/anna', 'home');
    home.broker.say('owntracks/anna/phone', { _type: 'location', acc: 5, tst: 1, inregions: [] });
    expect(home.presence.people).toEqual([{ id: 'anna', name: 'Anna', presence: 'present', room: null }]);
    home.news();
    home.broker.say('wifi/anna', 'not_home');
    await home.run(3 * minute - second);
    expect(home.news()).toEqual([]);
    await home.run(2 * second);
    expect(home.news()).toEqual(['person anna absent']);
    home.broker.say('owntracks/anna/phone', { _type: 'location', acc: 5, tst: 2, inregions: ['home'] });
    expect(home.news()).toEqual(['person anna present']);
  });

  it('is not away because a sensor is lost, and those that know nothing have no vote', async () => {
    const home = await Home.open({ sources: [{ ...gps, staleAfter: '1h' }, wifi], leaveDelay: '1m' });
    const seconds = home.clock.now() / 1000;
    home.broker.say('owntracks/anna/phone', { _type: 'location', acc: 5, tst: seconds, inregions: ['home'] });
    home.news();
    await home.run(61 * minute);
    expect(home.news()).toEqual(['(person anna unknown)', '(house unknown)']);
    home.broker.say('wifi/anna', 'home');
    home.broker.say('wifi/anna', 'away');
    await home.run(2 * minute);
    expect(home.news()).toEqual(['(person anna present)', '(house present)', 'person anna absent']);
  });
});

describe('the house', () => {
  const settings = { sources: [pir, wifi, { ...wifi, id: 'ben', person: 'ben', topic: 'wifi/ben' }], leaveDelay: 0, emptyAfter: '10m' };

  it('is empty when everybody is away and no room was occupied for a while', async () => {
    const home = await Home.open(settings);
    home.broker.say('wifi/anna', 'home');
    home.broker.say('wifi/ben', 'home');
    home.broker.say('z/bath', { occupancy: false });
    home.news();
    home.broker.say('wifi/anna', 'away');
    home.broker.say('wifi/ben', 'away');
    expect(home.news()).toEqual(['person anna absent', 'person ben absent']);
    await home.run(9 * minute);
    home.broker.say('z/bath', { occupancy: true }); // a guest
    await home.run(minute);
    home.broker.say('z/bath', { occupancy: false });
    await home.run(11 * minute);
    expect(home.news()).toEqual(['room bath present', 'room bath absent']);
    await home.run(2 * minute);
    expect(home.news()).toEqual(['house absent']);
    home.broker.say('wifi/ben', 'home');
    expect(home.news()).toEqual(['person ben present', 'house present']);
  });

  it.each([
    ['the house', { ...settings, emptyAfter: '40s' }, 'house absent'],
    ['a person', { sources: [wifi], leaveDelay: '40s', emptyAfter: 0 }, 'person anna absent'],
  ])('%s is not left because the broker is away; the wait begins anew with its return, and longer means unknown', async (_, those, news) => {
    const home = await Home.open(those);
    const left = async () => {
      home.broker.say('wifi/anna', 'home');
      home.broker.say('wifi/ben', 'home');
      home.broker.say('z/bath', { occupancy: false });
      home.broker.say('wifi/anna', 'away');
      home.broker.say('wifi/ben', 'away');
      await home.run(20 * second);
      home.news();
      home.broker.down();
    };
    await left();
    await home.run(50 * second);
    expect(home.news()).toEqual([]);
    home.broker.up();
    await home.run(39 * second);
    expect(home.news()).toEqual([]);
    await home.run(2 * second);
    expect(home.news()).toContain(news);
    await left();
    await home.run(90 * second);
    expect(home.news().filter((one) => !one.endsWith('unknown)'))).toEqual([]);
  });

  it('is not empty while nobody knows where somebody is', async () => {
    const home = await Home.open(settings);
    home.broker.say('wifi/anna', 'home');
    home.broker.say('wifi/anna', 'away');
    await home.run(60 * minute);
    expect(home.presence.of({ kind: 'house' })).toBe('unknown');
  });

  it('in guest mode sets nothing off, and knows everything', async () => {
    const home = await Home.open(settings);
    home.broker.say('wifi/anna', 'home');
    home.broker.say('wifi/ben', 'away');
    home.news();
    home.presence.setGuestMode(true);
    home.broker.say('wifi/anna', 'away');
    await home.run(11 * minute);
    expect(home.news()).toEqual(['(person anna absent)', '(house absent)']);
    home.presence.setGuestMode(false);
    home.broker.say('wifi/anna', 'home');
    expect(home.news()).toEqual(['person anna present', 'house present']);
  });
});

describe('a tracker', () => {
  const say = (home: Home, room: string, distance: number) => home.broker.say(`espresense/devices/anna/${room}`, near(distance));

  it('follows the nearest receiver once it has been nearer for a while', async () => {
    const home = await Home.open({ sources: [{ ...beacon, dwell: '8s', switchMargin: 1.5 }], leaveDelay: 0 });
    say(home, 'kitchen', 1);
    expect(home.presence.people).toEqual([{ id: 'anna', name: 'anna', presence: 'present', room: 'kitchen' }]);
    home.news();
    for (let n = 0; n < 5; n++) {
      say(home, 'kitchen', 2);
      say(home, 'study', 1); // nearer, but not by enough
      await home.run(3 * second);
    }
    expect(home.news()).toEqual([]);
    for (let n = 0; n < 6; n++) {
      say(home, 'kitchen', 5);
      say(home, 'study', 1);
      await home.run(3 * second);
    }
    expect(home.news()).toEqual(['room kitchen absent', 'room study present']);
  });

  it('does not follow one wrong distance', async () => {
    const home = await Home.open({ sources: [beacon] });
    for (let n = 0; n < 20; n++) {
      say(home, 'kitchen', 2);
      say(home, 'study', n % 5 === 4 ? 0.1 : 6);
      await home.run(2 * second);
    }
    expect(home.presence.people[0]?.room).toBe('kitchen');
  });

  it('is away after silence, and here again with the first word', async () => {
    const home = await Home.open({ sources: [beacon], leaveDelay: 0 });
    say(home, 'kitchen', 1);
    home.news();
    await home.run(89 * second);
    expect(home.news()).toEqual([]);
    await home.run(2 * second);
    expect(home.news()).toEqual(['person anna absent', 'room kitchen absent']);
    say(home, 'kitchen', 1);
    expect(home.news()).toEqual(['person anna present', 'room kitchen present']);
  });

  it('is unknown, not away, when the receivers are gone', async () => {
    const home = await Home.open({ sources: [beacon], leaveDelay: 0 }, { prepare: (broker) => broker.say('espresense/rooms/kitchen/status', 'online', { isRetained: true }) });
    say(home, 'kitchen', 1);
    home.news();
    home.broker.say('espresense/rooms/kitchen/status', 'offline', { isRetained: true });
    expect(home.news()).toEqual(['(person anna unknown)', '(room kitchen unknown)', '(house unknown)']);
    home.broker.say('espresense/rooms/kitchen/status', 'online', { isRetained: true });
    say(home, 'kitchen', 1);
    expect(home.news()).toEqual(['(person anna present)', '(room kitchen present)', '(house present)']);
  });

  it('is not away because nobody could be heard while the broker was restarted', async () => {
    const home = await Home.open({ sources: [beacon], leaveDelay: 0 });
    say(home, 'kitchen', 1);
    home.news();
    await home.run(60 * second);
    home.broker.down();
    await home.run(40 * second);
    home.broker.up();
    await home.run(29 * second);
    expect(home.news()).toEqual([]);
    await home.run(2 * second);
    expect(home.news()).toContain('(person anna absent)');
  });

  it('that was never heard is away, quietly, once silence can mean that', async () => {
    const home = await Home.open({ sources: [beacon], leaveDelay: 0 });
    await home.run(2 * minute);
    expect(home.news()).toEqual(['(person anna absent)', '(house absent)']);
    say(home, 'kitchen', 1);
    expect(home.news()).toContain('person anna present');
  });

  it('does not believe receivers that are too far away', async () => {
    const home = await Home.open({ sources: [{ ...beacon, maxDistance: 4 }], leaveDelay: 0 });
    say(home, 'kitchen', 6);
    await home.run(2 * minute);
    expect(home.presence.of({ kind: 'person', id: 'anna' })).toBe('absent');
  });

  it('calls rooms as the owner does', async () => {
    const home = await Home.open({ sources: [{ id: 'area', kind: 'tracker', person: 'anna', preset: 'home-assistant', topic: 'presence/sensor/anna_area', rooms: { 'Salle à manger': 'dining' }, dwell: 0 }] });
    home.broker.say('presence/sensor/anna_area', 'Salle à manger');
    expect(home.presence.people[0]?.room).toBe('dining');
    home.broker.say('presence/sensor/anna_area', 'Living Room');
    expect(home.presence.people[0]?.room).toBe('living-room');
    // An entity that is silent for hours has not moved.
    await home.run(8 * 60 * minute);
    expect(home.presence.people[0]?.room).toBe('living-room');
  });

  it('flaps between rooms 200 times: nothing moves', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ study: fc.double({ min: 0.1, max: 3, noNaN: true }), kitchen: fc.double({ min: 0.1, max: 3, noNaN: true }), wait: fc.integer({ min: 100, max: 4 * second }) }), { minLength: 200, maxLength: 200 }), async (flaps) => {
        const home = await Home.open({ sources: [{ ...beacon, switchMargin: 3 }] });
        say(home, 'kitchen', 1);
        home.news();
        for (const { study, kitchen, wait } of flaps) {
          say(home, 'kitchen', kitchen);
          say(home, 'study', study);
          await home.run(wait);
        }
        expect(home.news()).toEqual([]);
      }),
      { numRuns: 5 },
    );
  }, 120_000);
});

it('leaves nothing behind', async () => {
  const home = await Home.open({ sources: [pir, gps, wifi, beacon] });
  home.broker.say('z/bath', { occupancy: true });
  home.broker.say('espresense/devices/anna/kitchen', near(1));
  await home.presence[Symbol.asyncDispose]();
  expect({ timers: home.clock.pending, listeners: home.broker.listeners }).toEqual({ timers: 0, listeners: 0 });
});
