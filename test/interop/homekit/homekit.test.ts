import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '#foundation';
import { peers } from './peers.ts';
import { openStage, pairAll, type Stage, unwell } from './stage.ts';
import { obstacle } from './start.ts';

/** The registry may be slow, and CI comes here with nothing installed. */
const patience = 20 * 60_000;
const options = { face: 'both', power: 'pause', volume: 'fan', playing: 'occupancy', switches: true, button: true, automations: true, alarms: true, zones: [{ zone: 'bath', face: 'none', volume: 'light', playing: 'contact' }] };
const figures: string[] = [];

function summary(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `median ${Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)} ms, worst ${Math.round(sorted.at(-1) ?? 0)} ms of ${values.length}`;
}

const why = obstacle();
describe.skipIf(why !== '').each(peers)(`$title${why && ` (${why})`}`, (peer) => {
  const scope = new Scope();
  let stage: Stage | null = null;
  let missing = '';
  /** The rest of a test where the peer could be installed; elsewhere it is skipped and says why. */
  const on = (skip: (note: string) => never): Stage => stage ?? skip(missing);

  beforeAll(async () => {
    stage = await openStage(scope, peer, options, (note) => (missing = note));
    if (!stage) return;
    const { plugin } = stage;
    figures.push(`npm pack: ${Math.round(plugin.packed / 1024)} KiB packed, ${Math.round(plugin.unpacked / 1024)} KiB unpacked, ${plugin.files.length} files, other packages installed: ${plugin.others.length}`);
    expect(plugin.others).toEqual([]);
    expect(plugin.files).toEqual(expect.arrayContaining(['config.schema.json', 'dist/index.js', 'dist/licences.txt', 'homebridge-ui/public/index.html', 'homebridge-ui/server.js', 'CHANGELOG.md', 'README.md', 'package.json']));
  }, patience);
  afterAll(async () => {
    await scope[Symbol.asyncDispose]();
  });

  it('is discovered and paired: a bridge, a television and a speaker', async ({ skip }) => {
    await pairAll(on(skip), { bridge: 2, television: 31, speaker: 26 });
  });

  it('lists every service there is an option for', async ({ skip }) => {
    const { ask } = on(skip);
    const services = async (name: string) => [...new Set((await ask('list', name)).map((path) => path.split('.')[0] ?? ''))].filter((one) => !/AccessoryInformation|ProtocolInformation/.test(one)).sort();
    expect(await services('television')).toEqual(['InputSource/Jazz Radio', 'InputSource/News', 'InputSource/Spotify Connect', 'Television', 'TelevisionSpeaker']);
    expect(await services('speaker')).toEqual(['SmartSpeaker']);
    expect(await services('bridge')).toEqual(
      ['Bath Events:StatelessProgrammableSwitch', 'Bath Playing:ContactSensor', 'Bath Volume:Lightbulb', 'Kitchen Events:StatelessProgrammableSwitch', 'Kitchen Jazz Radio:Switch', 'Kitchen News:Switch', 'Kitchen Playing:OccupancySensor', 'Kitchen Volume:Fan', 'Quiet Evening:Switch', 'Snooze Wake Up:Switch', 'Wake Up Ringing:Switch', 'Wake Up:Switch'].sort(),
    );
  });

  it('reads every value', async ({ skip }) => {
    const { ask } = on(skip);
    for (const name of ['bridge', 'television', 'speaker']) {
      const perms = await ask('perms', name);
      for (const [path, allowed] of Object.entries(perms)) {
        if (allowed.includes('pr') && !path.includes('ProtocolInformation')) expect((await ask('read', { name, path })).status, path).toBe(0);
      }
    }
    expect(await ask('read', { name: 'television', path: 'TelevisionSpeaker.Volume' })).toEqual({ value: 40, status: 0 });
    expect(await ask('read', { name: 'bridge', path: 'Wake Up:Switch.On' })).toMatchObject({ status: 0 });
  });

  it('plays what is chosen in Home, and follows the phone', async ({ skip }) => {
    const { ask } = on(skip);
    await ask('subscribe', { name: 'television', paths: ['Television.Active', 'Television.CurrentMediaState', 'Television.TargetMediaState', 'Television.ActiveIdentifier', 'TelevisionSpeaker.Mute', 'TelevisionSpeaker.Volume'] });
    await ask('subscribe', { name: 'speaker', paths: ['SmartSpeaker.CurrentMediaState', 'SmartSpeaker.TargetMediaState', 'SmartSpeaker.Volume', 'SmartSpeaker.Mute'] });
    await ask('subscribe', { name: 'bridge', paths: ['Kitchen Volume:Fan.On', 'Kitchen Volume:Fan.RotationSpeed', 'Kitchen Jazz Radio:Switch.On', 'Kitchen News:Switch.On', 'Kitchen Playing:OccupancySensor.OccupancyDetected', 'Kitchen Events:StatelessProgrammableSwitch.ProgrammableSwitchEvent', 'Bath Volume:Lightbulb.Brightness', 'Wake Up:Switch.On', 'Quiet Evening:Switch.On'] });
    const jazz = (await ask('read', { name: 'television', path: 'InputSource/Jazz Radio.Identifier' })).value;
    await ask('write', { name: 'television', values: { 'Television.ActiveIdentifier': jazz } });
    await ask('seen', 'playing');
    await ask('write', { name: 'television', values: { 'Television.Active': 0 } });
    await ask('seen', 'paused');
    await new Promise((resolve) => setTimeout(resolve, 700));
    // On the phone to Home, and from Home to the phone.
    const [towards, from]: [number[], number[]] = [[], []];
    for (let round = 0; round < 5; round++) {
      from.push(await ask('homeToPhone', { name: 'television', path: 'Television.TargetMediaState', value: 0, sees: 'playing' }));
      await new Promise((resolve) => setTimeout(resolve, 700));
      towards.push(await ask('phoneToHome', { name: 'television', does: 'pause', path: 'Television.CurrentMediaState', value: 1 }));
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    figures.push(`${peer.title} (${stage?.installed.version}): play in Home → phone sees it: ${summary(from)}; pause on the phone → Home is told: ${summary(towards)} (250 ms of it are HAP-NodeJS collecting events)`);
    expect(from.length + towards.length).toBe(10);
  });

  it('does everything a control in Home can ask for', async ({ skip }) => {
    const { ask } = on(skip);
    const times: number[] = [];
    const step = async (name: string, write: Readonly<Record<string, unknown>>, path: string, value: unknown) => {
      times.push(await ask('homeToHome', { name, write, path, value }));
      await new Promise((resolve) => setTimeout(resolve, 400));
    };
    const tv = 'television';
    await ask('write', { name: tv, values: { 'Television.TargetMediaState': 1, 'TelevisionSpeaker.Volume': 40, 'TelevisionSpeaker.Mute': 0 } });
    await ask('seen', 'paused');
    await expect.poll(async () => (await ask('read', { name: tv, path: 'TelevisionSpeaker.Volume' })).value, { timeout: 20_000 }).toBe(40);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await step('speaker', { 'SmartSpeaker.TargetMediaState': 0 }, 'SmartSpeaker.CurrentMediaState', 0);
    await step(tv, { 'Television.RemoteKey': 11 }, 'Television.CurrentMediaState', 1);
    await step(tv, { 'Television.RemoteKey': 8 }, 'Television.CurrentMediaState', 0);
    await step(tv, { 'TelevisionSpeaker.VolumeSelector': 0 }, 'TelevisionSpeaker.Volume', 45);
    await step(tv, { 'TelevisionSpeaker.VolumeSelector': 1 }, 'TelevisionSpeaker.Volume', 40);
    // What is written at one accessory shows at the others of the zone.
    await ask('write', { name: tv, values: { 'TelevisionSpeaker.Mute': 1 } });
    await expect.poll(async () => Number((await ask('read', { name: 'bridge', path: 'Kitchen Volume:Fan.On' })).value), { timeout: 20_000 }).toBe(0);
    await ask('homeToPhone', { name: tv, path: 'Television.RemoteKey', value: 7, sees: 'track' });
    expect(await ask('write', { name: 'bridge', values: { 'Kitchen Volume:Fan.On': 1, 'Kitchen Volume:Fan.RotationSpeed': 30 } })).toEqual(expect.not.arrayContaining([-70402]));
    await expect.poll(async () => [(await ask('read', { name: tv, path: 'TelevisionSpeaker.Volume' })).value, Number((await ask('read', { name: tv, path: 'TelevisionSpeaker.Mute' })).value)], { timeout: 20_000 }).toEqual([30, 0]);
    await ask('write', { name: 'bridge', values: { 'Kitchen News:Switch.On': 1 } });
    const news = (await ask('read', { name: tv, path: 'InputSource/News.Identifier' })).value;
    await expect.poll(async () => (await ask('read', { name: tv, path: 'Television.ActiveIdentifier' })).value, { timeout: 20_000 }).toBe(news);
    await ask('write', { name: 'bridge', values: { 'Bath Volume:Lightbulb.Brightness': 20 } });
    await expect.poll(async () => (await ask('read', { name: 'bridge', path: 'Bath Volume:Lightbulb.Brightness' })).value, { timeout: 20_000 }).toBe(20);
    await ask('write', { name: 'bridge', values: { 'Quiet Evening:Switch.On': 0, 'Wake Up:Switch.On': 1 } });
    await expect.poll(async () => [Number((await ask('read', { name: 'bridge', path: 'Quiet Evening:Switch.On' })).value), Number((await ask('read', { name: 'bridge', path: 'Wake Up:Switch.On' })).value)], { timeout: 20_000 }).toEqual([0, 1]);
    const told = async (what: string) => [...new Set((await ask('told', 'bridge')).filter(({ path }) => path.endsWith(what)).map(({ value }) => Number(value)))].sort((a, b) => a - b);
    await expect.poll(() => told('ProgrammableSwitchEvent'), { timeout: 20_000 }).toEqual([0, 1, 2]);
    await expect.poll(() => told('OccupancyDetected'), { timeout: 20_000 }).toEqual([0, 1]);
    figures.push(`${peer.title}: a control in Home → its effect is told in Home: ${summary(times)}`);
  });

  it('keeps a new name and a hidden input when Homebridge starts again', async ({ skip }) => {
    const { ask, bridge } = on(skip);
    await ask('write', { name: 'television', values: { 'Television.ConfiguredName': 'Radio', 'InputSource/News.TargetVisibilityState': 1 } });
    const identifier = (await ask('read', { name: 'television', path: 'InputSource/Jazz Radio.Identifier' })).value;
    await new Promise((resolve) => setTimeout(resolve, 500));
    await bridge.stop();
    await bridge.start();
    await bridge.running?.said(/zones: Kitchen, Bath/, 60_000);
    for (const name of ['bridge', 'television', 'speaker']) await expect.poll(async () => ask('reconnect', name).then(() => true, (error: unknown) => String(error)), { timeout: 60_000 }).toBe(true);
    expect((await ask('read', { name: 'television', path: 'Television.ConfiguredName' })).value).toBe('Radio');
    expect((await ask('read', { name: 'television', path: 'InputSource/News.CurrentVisibilityState' })).value).toBe(1);
    expect((await ask('read', { name: 'television', path: 'InputSource/Jazz Radio.Identifier' })).value).toBe(identifier);
  });

  it('said nothing it should not have said', async ({ skip }) => {
    const { bridge, speaker } = on(skip);
    const said = bridge.running?.output ?? '';
    expect(said).not.toMatch(unwell);
    expect(speaker.running?.output).not.toMatch(/tak_/);
  });
});

afterAll(async () => {
  for (const figure of figures) console.info(figure);
});

