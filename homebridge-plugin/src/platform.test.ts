import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../src/foundation/clock.ts';
import type { FoundDaemon } from './finder.ts';
import { TonearmPlatform } from './platform.ts';
import { FakeDaemon } from './test-kit/fake-daemon.ts';
import { FakeHomebridge } from './test-kit/fake-homebridge.ts';
import { zonePicture } from './test-kit/pictures.ts';

const communicationFailure = -70402;
const all = { face: 'television', volume: 'fan', playing: 'occupancy', switches: true, button: true, automations: true, alarms: true };

let folder: string;
let clock: FakeClock;
let daemon: FakeDaemon;
let second: FakeDaemon;
let finder: { found: Map<string, FoundDaemon>; changed: (found: FoundDaemon) => void } | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-homekit-'));
  clock = new FakeClock();
  daemon = new FakeDaemon(clock);
  second = new FakeDaemon(clock);
  second.instance = 'house2';
  finder = null;
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }));

const server = { url: 'http://a:8484', key: 'key-a' };

/** Homebridge as it starts with what it remembers from before. */
async function launch(config: object = { servers: [server], ...all }, before?: FakeHomebridge): Promise<FakeHomebridge> {
  const homebridge = new FakeHomebridge(folder);
  const platform = new TonearmPlatform(homebridge.log, { platform: 'Tonearm', ...config }, homebridge.api, {
    clock,
    dial: (url, key, hearer) => (url.includes('//b') ? second : daemon).dial(url, key, hearer),
    openFinder: (changed) => {
      finder = { found: new Map(), changed };
      return { found: finder.found, [Symbol.dispose]: () => undefined };
    },
  });
  for (const [uuid, accessory] of before?.bridged ?? []) {
    // As from Homebridge's cache file.
    const restored = homebridge.platformAccessory.deserialize(homebridge.platformAccessory.serialize(accessory));
    homebridge.bridged.set(uuid, restored);
    platform.configureAccessory(restored);
  }
  homebridge.emit('didFinishLaunching');
  // The memory file is read before anything else.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await clock.advance(10);
  return homebridge;
}


describe('a zone in Home', () => {
  it('is there after a moment, with all its services', async () => {
    daemon.presets = [{ id: 'jazz', name: 'Jazz 🎷 Radio' }];
    daemon.automations = [{ id: 'wake', name: 'Wake up', enabled: true, alarm: 'idle' }];
    const homebridge = await launch();
    expect(daemon.keys).toEqual(['key-a']);
    expect([...homebridge.external.values()].map(({ displayName }) => displayName)).toEqual(['Kitchen']);
    expect([...homebridge.bridged.values()].map(({ displayName }) => displayName)).toEqual(['Kitchen Volume', 'Kitchen Playing', 'Kitchen Events', 'Kitchen Jazz Radio', 'Wake up', 'Wake up Ringing', 'Snooze Wake up']);
    expect(await homebridge.read('Kitchen', 'Television', 'Active')).toBe(1);
    expect(await homebridge.read('Kitchen', 'TelevisionSpeaker', 'Volume')).toBe(40);
    expect(homebridge.service('Kitchen', 'Television').linkedServices.map(({ subtype }) => subtype)).toEqual(['speaker', 'input/*', 'input/jazz']);
    expect(homebridge.said).toEqual([expect.stringContaining('“House” 0.1.0 is connected; zones: Kitchen')]);
  });

  it('follows what happens elsewhere, and nothing of it goes back as a command', async () => {
    daemon.presets = [{ id: 'jazz', name: 'Jazz' }];
    const homebridge = await launch();
    homebridge.told.length = 0;
    daemon.change('kitchen', { status: 'paused', level: 0.7, muted: true, preset: 'jazz' });
    expect(homebridge.told).toEqual(expect.arrayContaining(['Kitchen Television.CurrentMediaState=1', 'Kitchen Television.TargetMediaState=1', 'Kitchen TelevisionSpeaker.Volume=70', 'Kitchen TelevisionSpeaker.Mute=true', 'Kitchen Volume Fan.RotationSpeed=70', 'Kitchen Volume Fan.On=false', 'Kitchen Playing OccupancySensor.OccupancyDetected=0']));
    const count = homebridge.told.length;
    daemon.change('kitchen', { position: { at: 70_000, measured: 5 } });
    expect(homebridge.told).toHaveLength(count);
    await clock.advance(60_000);
    expect(daemon.asked).toEqual([]);
  });

  it('commands what is written, and nothing twice', async () => {
    const homebridge = await launch();
    const writing = [homebridge.write('Kitchen', 'Television', 'Active', 0), homebridge.write('Kitchen', 'TelevisionSpeaker', 'Volume', 25)];
    await clock.advance(10);
    await Promise.all(writing);
    expect(daemon.asked.map(({ do: what, with: fields }) => [what, fields])).toEqual([
      ['zone/command', { zone: 'kitchen', commands: [{ kind: 'stop' }] }],
      ['zone/command', { zone: 'kitchen', commands: [{ kind: 'volume', level: 0.25 }] }],
    ]);
    daemon.change('kitchen', { status: 'stopped', track: null, level: 0.25 });
    await clock.advance(1000);
    expect(daemon.asked).toHaveLength(2);
  });

  it('shows what a volume was clamped to after 300 ms', async () => {
    const homebridge = await launch();
    const writing = homebridge.write('Kitchen', 'TelevisionSpeaker', 'Volume', 90);
    daemon.change('kitchen', { level: 0.6 });
    await clock.advance(10);
    await writing;
    const volume = homebridge.characteristic('Kitchen', 'TelevisionSpeaker', 'Volume');
    expect(volume.value).toBe(90);
    await clock.advance(280);
    expect(volume.value).toBe(90);
    await clock.advance(20);
    expect(volume.value).toBe(60);
  });

  it('adds up presses of the volume buttons that come faster than pictures', async () => {
    const homebridge = await launch();
    const press = (value: 0 | 1) => homebridge.write('Kitchen', 'TelevisionSpeaker', 'VolumeSelector', value);
    const levels = () => daemon.asked.flatMap(({ with: fields }) => (fields['commands'] as { level: number }[]).map(({ level }) => level));
    const pressing = [press(0), press(0), press(0), press(1)];
    await clock.advance(10);
    await Promise.all(pressing);
    expect(levels()).toEqual([0.45, 0.5, 0.55, 0.5]);
    // Somebody else turns it down; what was asked for is history by then.
    daemon.change('kitchen', { level: 0.1 });
    await clock.advance(400);
    const last = press(0);
    await clock.advance(10);
    await last;
    expect(levels().at(-1)).toBe(0.15);
  });

  it('counts no presses beyond the limit of the volume', async () => {
    daemon.zones = [zonePicture({ level: 0.55, limit: 0.6 })];
    const homebridge = await launch();
    const pressing = [0, 0, 0, 0, 1].map((value) => homebridge.write('Kitchen', 'TelevisionSpeaker', 'VolumeSelector', value));
    await clock.advance(10);
    await Promise.all(pressing);
    expect(daemon.asked.at(-1)?.with).toEqual({ zone: 'kitchen', commands: [{ kind: 'volume', level: 0.55 }] });
  });

  it('has an input for what plays besides a preset of the id “connect”', async () => {
    daemon.presets = [{ id: 'connect', name: 'Connect' }];
    const homebridge = await launch();
    const identifiers = homebridge.service('Kitchen', 'Television').linkedServices.slice(1).map((service) => service.getCharacteristic(homebridge.hap.Characteristic.Identifier).value);
    expect(identifiers).toEqual([1, expect.any(Number)]);
    expect(new Set(identifiers).size).toBe(2);
  });

  it('shows the truth after a refusal, and says why', async () => {
    daemon.answer = 'Nothing was played here before, so there is nothing to go on with.';
    daemon.zones = [zonePicture({ status: 'stopped', track: null })];
    const homebridge = await launch();
    const writing = homebridge.write('Kitchen', 'Television', 'Active', 1);
    await clock.advance(10);
    await writing;
    await clock.advance(300);
    expect(homebridge.characteristic('Kitchen', 'Television', 'Active').value).toBe(0);
    expect(homebridge.said.at(-1)).toBe('warn: Kitchen: Nothing was played here before, so there is nothing to go on with.');
  });

  it('takes a write that needs long, and fails one that nobody heard', async () => {
    daemon.answer = 'silence';
    const homebridge = await launch();
    const slow = homebridge.write('Kitchen', 'TelevisionSpeaker', 'Volume', 10);
    await clock.advance(2000);
    await slow;
    const lost = homebridge.write('Kitchen', 'TelevisionSpeaker', 'Volume', 20).catch((error: unknown) => error);
    await clock.advance(100);
    daemon.cut();
    expect(await lost).toBe(communicationFailure);
  });

  it('presses its button', async () => {
    const homebridge = await launch();
    const presses: unknown[] = [];
    homebridge.characteristic('Kitchen Events', 'StatelessProgrammableSwitch', 'ProgrammableSwitchEvent').on('change' as never, (({ newValue }: { newValue: unknown }) => presses.push(newValue)) as never);
    daemon.change('kitchen', { track: { uri: 'spotify:track:two', title: 'Two', artists: [] } });
    daemon.change('kitchen', { track: { uri: 'spotify:track:three', title: 'Three', artists: [] } });
    daemon.change('kitchen', { status: 'paused' });
    daemon.change('kitchen', { status: 'playing' });
    expect(presses).toEqual([0, 0, 2, 1]);
  });

  it('keeps names and hidden inputs over a restart', async () => {
    daemon.presets = [{ id: 'jazz', name: 'Jazz' }];
    const first = await launch();
    const identifier = await first.read('Kitchen', 'InputSource', 'Identifier', 'input/jazz');
    for (const [characteristic, value, id, kind] of [['ConfiguredName', 'Radio', 'television', 'Television'], ['ConfiguredName', 'My Jazz', 'input/jazz', 'InputSource'], ['TargetVisibilityState', 1, 'input/jazz', 'InputSource']] as const) {
      const writing = first.write('Kitchen', kind, characteristic, value, id);
      await clock.advance(1);
      await writing;
    }
    await clock.advance(400);
    expect(first.characteristic('Kitchen', 'InputSource', 'CurrentVisibilityState', 'input/jazz').value).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    first.emit('shutdown');
    daemon.presets = [{ id: 'aaa', name: 'First' }, { id: 'jazz', name: 'Jazz' }];
    const next = await launch(undefined, first);
    expect([await next.read('Kitchen', 'Television', 'ConfiguredName'), await next.read('Kitchen', 'InputSource', 'ConfiguredName', 'input/jazz'), await next.read('Kitchen', 'InputSource', 'CurrentVisibilityState', 'input/jazz'), await next.read('Kitchen', 'InputSource', 'Identifier', 'input/jazz')]).toEqual(['Radio', 'My Jazz', 1, identifier]);
    expect(daemon.asked).toEqual([]);
  });
});

describe('a daemon that is away', () => {
  it('is No Response after three seconds, back within three, and one line each', async () => {
    const homebridge = await launch();
    homebridge.said.length = 0;
    daemon.mode = 'down';
    daemon.cut();
    await clock.advance(2900);
    expect(await homebridge.read('Kitchen', 'Television', 'Active')).toBe(1);
    await clock.advance(200);
    await expect(homebridge.read('Kitchen', 'Television', 'Active')).rejects.toBe(communicationFailure);
    await expect(homebridge.write('Kitchen', 'Television', 'Active', 0)).rejects.toBe(communicationFailure);
    await clock.advance(50_000);
    expect(homebridge.said).toEqual([expect.stringMatching(/^warn: Tonearm “House” cannot be reached: connect ECONNREFUSED\. Home shows “No Response”/)]);
    daemon.mode = 'up';
    await clock.advance(1300);
    expect(await homebridge.read('Kitchen', 'Television', 'Active')).toBe(1);
    expect(homebridge.said.slice(1)).toEqual([expect.stringMatching(/^info: Tonearm “House” is back after 5\d s\.$/)]);
  });

  it('is not mentioned when it only restarts', async () => {
    const homebridge = await launch();
    homebridge.said.length = 0;
    daemon.mode = 'down';
    daemon.cut();
    await clock.advance(1500);
    daemon.mode = 'up';
    await clock.advance(1300);
    expect(daemon.isConnected).toBe(true);
    expect(homebridge.said).toEqual([]);
  });

  it('is reminded of ever less often', async () => {
    const homebridge = await launch();
    homebridge.said.length = 0;
    daemon.mode = 'down';
    daemon.cut();
    await clock.advance(60_000 * 60);
    expect(homebridge.said).toHaveLength(3);
  });

  it('is noticed when the line is dead without a word', async () => {
    const homebridge = await launch();
    daemon.mode = 'mute';
    await clock.advance(9000);
    await expect(homebridge.read('Kitchen', 'Television', 'Active')).rejects.toBe(communicationFailure);
    daemon.mode = 'up';
    await clock.advance(6000);
    expect(await homebridge.read('Kitchen', 'Television', 'Active')).toBe(1);
  });

  it('that refuses the key is No Response at once, and is asked seldom', async () => {
    const homebridge = await launch();
    homebridge.said.length = 0;
    daemon.mode = 'refusing';
    daemon.cut({ kind: 'refused', why: 'it does not accept the key (code 4401)' });
    await expect(homebridge.read('Kitchen', 'Television', 'Active')).rejects.toBe(communicationFailure);
    expect(homebridge.said).toEqual([expect.stringMatching(/^warn: Tonearm “House” refuses us: .*makes a new key/)]);
    const before = daemon.dialled;
    await clock.advance(600_000);
    expect(daemon.dialled - before).toBeLessThan(20);
    daemon.mode = 'up';
    await clock.advance(80_000);
    expect(await homebridge.read('Kitchen', 'Television', 'Active')).toBe(1);
  });

  it('leaves what Homebridge remembers without response until it comes', async () => {
    const first = await launch();
    first.emit('shutdown');
    daemon.mode = 'down';
    const next = await launch(undefined, first);
    await expect(next.read('Kitchen Volume', 'Fan', 'RotationSpeed')).rejects.toBe(communicationFailure);
    await expect(next.write('Kitchen Volume', 'Fan', 'RotationSpeed', 10)).rejects.toBe(communicationFailure);
    daemon.mode = 'up';
    await clock.advance(3000);
    expect(await next.read('Kitchen Volume', 'Fan', 'RotationSpeed')).toBe(40);
    expect(next.names).toEqual(first.names);
  });
});

describe('zones and presets that come and go', () => {
  it('are added, renamed and removed, and keep who they are', async () => {
    daemon.presets = [{ id: 'jazz', name: 'Jazz' }];
    const homebridge = await launch();
    const before = [...homebridge.bridged.keys(), ...homebridge.external.keys()];
    daemon.cut();
    daemon.zones = [zonePicture({ name: 'Cuisine' }), zonePicture({ id: 'attic', name: 'Attic' })];
    await clock.advance(2000);
    expect(homebridge.names).toEqual(['Cuisine', 'Attic', 'Cuisine Volume', 'Cuisine Playing', 'Cuisine Events', 'Cuisine Jazz', 'Attic Volume', 'Attic Playing', 'Attic Events', 'Attic Jazz']);
    expect([...homebridge.bridged.keys(), ...homebridge.external.keys()]).toEqual(expect.arrayContaining(before));
    expect(await homebridge.read('Cuisine', 'Television', 'ConfiguredName')).toBe('Cuisine');
    daemon.cut();
    daemon.zones = [zonePicture({ id: 'attic', name: 'Attic' })];
    await clock.advance(2000);
    expect([...homebridge.bridged.values()].map(({ displayName }) => displayName)).toEqual(['Attic Volume', 'Attic Playing', 'Attic Events', 'Attic Jazz']);
    await expect(homebridge.read('Cuisine', 'Television', 'Active')).rejects.toBe(communicationFailure);
    daemon.cut();
    daemon.zones = [zonePicture({ name: 'Kitchen' })];
    await clock.advance(2000);
    expect(await homebridge.read('Kitchen', 'Television', 'Active')).toBe(1);
    daemon.setPresets([{ id: 'news', name: 'News' }]);
    expect(homebridge.names).toContain('Kitchen News');
    expect(homebridge.names).not.toContain('Kitchen Jazz');
    expect(homebridge.service('Kitchen', 'Television').linkedServices.map(({ subtype }) => subtype)).toEqual(['speaker', 'input/*', 'input/news']);
  });

  it('are not removed because a daemon is away, also not over a restart', async () => {
    const first = await launch({ servers: [server, { url: 'http://b:8484' }], ...all });
    first.emit('shutdown');
    second.mode = 'down';
    const next = await launch({ servers: [server, { url: 'http://b:8484' }], ...all }, first);
    expect(next.bridged.size).toBe(first.bridged.size);
    next.emit('shutdown');
    const last = await launch({ servers: [server], ...all }, next);
    expect(last.bridged.size).toBe(first.bridged.size / 2);
    expect(last.said.at(-1)).toContain('Removed from Home');
  });

  it('obeys HomeKit’s limit of accessories', async () => {
    daemon.presets = Array.from({ length: 200 }, (_, index) => ({ id: `p${index}`, name: `Preset ${index}` }));
    const homebridge = await launch();
    expect(homebridge.bridged.size).toBe(149);
    expect(homebridge.said.filter((line) => line.includes('149'))).toHaveLength(1);
    // Those that go make room for those that come.
    daemon.setPresets(Array.from({ length: 200 }, (_, index) => ({ id: `q${index}`, name: `Other ${index}` })));
    expect(homebridge.names).toContain('Kitchen Other 0');
    expect(homebridge.said.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('two daemons', () => {
  it('are two sets of accessories, and one that is away leaves the other alone', async () => {
    const homebridge = await launch({ servers: [server, { url: 'http://b:8484' }], ...all });
    expect(homebridge.external.size).toBe(2);
    second.mode = 'down';
    second.cut();
    await clock.advance(5000);
    const values = await Promise.allSettled([...homebridge.external.values()].map(async (accessory) => accessory.getService(homebridge.hap.Service.Television)?.getCharacteristic(homebridge.hap.Characteristic.Active).handleGetRequest()));
    expect(values.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('share HomeKit’s limit of accessories', async () => {
    for (const one of [daemon, second]) one.presets = Array.from({ length: 100 }, (_, index) => ({ id: `p${index}`, name: `Preset ${index}` }));
    const homebridge = await launch({ servers: [server, { url: 'http://b:8484' }], ...all });
    expect(homebridge.bridged.size).toBe(149);
    expect(homebridge.said.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('that turn out to be one are shown once', async () => {
    second.instance = 'house1';
    const homebridge = await launch({ servers: [server, { url: 'http://b:8484' }], ...all });
    expect(homebridge.external.size).toBe(1);
    expect(homebridge.said.filter((line) => line.includes('same installation'))).toHaveLength(1);
  });
});

describe('a daemon known by its installation', () => {
  it('is found where it announces itself, and again where it moves', async () => {
    const homebridge = await launch({ servers: [{ instance: 'house1', key: 'k' }], ...all });
    expect(daemon.dialled).toBe(0);
    const found = { instance: 'house1', name: 'House', version: '1', urls: ['http://a:1'] };
    finder?.found.set('house1', found);
    finder?.changed(found);
    await clock.advance(5);
    expect(homebridge.external.size).toBe(1);
    daemon.cut();
    const moved = { ...found, urls: ['http://a:2'] };
    finder?.found.set('house1', moved);
    finder?.changed(moved);
    await clock.advance(5);
    expect(daemon.isConnected).toBe(true);
  });
});

describe('a daemon with an address that is also found', () => {
  const announce = (...urls: readonly string[]) => {
    const found = { instance: 'house1', name: 'House', version: '1', urls };
    finder?.found.set('house1', found);
    finder?.changed(found);
  };

  it('is reached at its address when what it announces leads nowhere', async () => {
    second.mode = 'down';
    daemon.mode = 'down';
    await launch({ servers: [{ ...server, instance: 'house1' }], ...all });
    announce('http://b:1');
    daemon.mode = 'up';
    await clock.advance(3000);
    expect(daemon.isConnected).toBe(true);
  });

  it('is reached at whichever of its addresses leads there', async () => {
    second.mode = 'down';
    daemon.mode = 'down';
    await launch({ servers: [{ instance: 'house1', key: 'k' }], ...all });
    announce('http://b:1', 'http://b:2', 'http://a:3');
    daemon.mode = 'up';
    await clock.advance(3000);
    expect(daemon.isConnected).toBe(true);
  });

  it('is never asked without TLS when its address has it', async () => {
    daemon.mode = 'down';
    await launch({ servers: [{ url: 'https://a', key: 'secret', instance: 'house1' }], ...all });
    announce('http://b:1');
    await clock.advance(60_000);
    expect(second.keys).toEqual([]);
  });
});

describe('closing', () => {
  it.each(['up', 'down', 'mute'] as const)('leaves nothing behind while the daemon is %s', async (mode) => {
    daemon.mode = mode;
    const homebridge = await launch();
    if (mode === 'up') void homebridge.write('Kitchen', 'TelevisionSpeaker', 'Volume', 10).catch(() => undefined);
    await clock.advance(100);
    homebridge.emit('shutdown');
    homebridge.emit('shutdown');
    await clock.advance(3000);
    expect(clock.pending).toBe(0);
    const dialled = daemon.dialled;
    await clock.advance(100_000);
    expect(daemon.dialled).toBe(dialled);
  });
});

