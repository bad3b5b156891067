import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock, Scope, silentLog } from '#foundation';
import { FakeLink, incoming } from '../../../test/contract/surface-fake-link.ts';
import { fakeZone, playing, someVolume } from '../../../test/contract/surface-fake-player.ts';
import { Bridge } from './bridge.ts';
import { Inbox } from './inbox.ts';
import { Outlet } from './outlet.ts';
import { MqttSettings } from './settings.ts';
import { Topics } from './topics.ts';
import { writableKeys } from './wire/index.ts';
import { ZoneMirror } from './zone-mirror.ts';

type Change = 'volume' | 'mute' | 'play' | 'pause' | 'next' | 'fade' | 'sleep' | 'limit' | 'preset' | 'output' | 'stop';

/** Somebody repeats everything we say, as whole states and key by key, sooner or later; people change things meanwhile. */
it('ends silent, whoever repeats us and however late', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ change: fc.constantFrom<Change>('volume', 'mute', 'play', 'pause', 'next', 'fade', 'sleep', 'limit', 'preset', 'output', 'stop'), number: fc.integer({ min: 0, max: 1000 }), after: fc.integer({ min: 0, max: 700 }) }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 0, max: 1200 }), { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async (changes, delays, whole) => {
        const clock = new FakeClock();
        const link = new FakeLink();
        await using scope = new Scope();
        const topics = new Topics('tonearm');
        const outlet = new Outlet(link, topics, { qos: 1 });
        const zone = fakeZone(clock, 'kitchen', { ...playing(clock), preset: null });
        const { player } = zone;
        const presets = { list: [{ id: 'morning', name: 'Morning', uri: 'spotify:playlist:1' }] };
        const mirror = scope.use(new ZoneMirror(zone, { outlet, clock, presets }));
        const settings = MqttSettings.parse({ url: 'mqtt://127.0.0.1' });
        const bridge = scope.use(new Bridge({ zones: [], outlet, topics, link, settings, clock, version: '1', instance: '7f3a', run: 'r', url: undefined }));
        const inbox = scope.use(new Inbox({ zones: [zone], topics, outlet, link, bridge, clock, log: silentLog, signal: scope.signal, onGet: () => mirror.showState(), presets: presets, told: () => mirror.told, hold: () => mirror.hold() }));
        // The one who repeats us.
        let repeated = 0;
        const publish = link.publish.bind(link);
        link.publish = (message) => {
          const delay = delays[repeated % delays.length] ?? 0;
          if (message.topic === 'tonearm/kitchen' && typeof message.payload === 'string') {
            repeated += 1;
            const state = JSON.parse(message.payload) as Record<string, unknown>;
            const known = Object.entries(state).filter(([key, value]) => key in writableKeys && value !== '' && !(key === 'state' && (value === 'buffering' || value === 'idle')));
            clock.timer(delay, () => {
              if (whole) inbox.receive(incoming('tonearm/kitchen/set', Object.fromEntries(known.filter(([key]) => key !== 'preset'))));
              else for (const [key, value] of known) inbox.receive(incoming(`tonearm/kitchen/set/${key}`, String(value)));
            });
          }
          return publish(message);
        };
        mirror.showAll();
        for (const { change, number, after } of changes) {
          const level = number / 1000;
          const { volume } = player.state;
          if (change === 'volume') player.set({ volume: { ...volume, level: Math.min(level, volume.limit) } });
          if (change === 'mute') player.set({ volume: { ...volume, muted: number % 2 === 0 } });
          if (change === 'fade') player.set({ volume: { ...someVolume(Math.min(level, volume.limit)), limit: volume.limit, fading: { to: 1, ends: clock.now() + 1000 } } });
          if (change === 'sleep') player.set({ sleep: number % 3 === 0 ? null : { ends: clock.now() + number * 1000 } });
          if (change === 'limit') player.set({ volume: { ...volume, limit: level, level: Math.min(volume.level, level) } });
          if (change === 'play' || change === 'preset') player.set({ source: 'connect', status: 'playing', preset: change === 'preset' ? 'morning' : null });
          if (change === 'pause') player.set({ status: 'paused' });
          if (change === 'stop') player.set({ status: 'stopped', source: null, track: null, preset: null });
          if (change === 'output') player.set({ output: { ...player.state.output, name: number % 2 === 0 ? 'speaker' : 'null' } });
          if (change === 'next') player.set({ track: { ...playing(clock, `spotify:track:${number}`).track! } });
          await clock.advance(after);
        }
        player.set({ sleep: null });
        // Long enough for every echo, the echoes of those, and a sleep timer that one of them has set again.
        await clock.advance(1_200_000);
        const commands = player.dispatched.length;
        const said = link.on('tonearm/kitchen').length;
        await clock.advance(60_000);
        expect([player.dispatched.length - commands, link.on('tonearm/kitchen').length - said]).toEqual([0, 0]);
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);
