import { describe, expect, it } from 'vitest';
import type { AutomationPicture, HousePicture, ZonePicture } from '../picture.ts';
import type { AccessoryPlan, Value } from '../plan.ts';
import { roster } from '../roster.ts';
import { defaults, type Settings } from '../settings.ts';
import { housePicture, sceneOf, zonePicture } from '../test-kit/pictures.ts';
import { displayOrder } from './display-order.ts';

const everything: Settings = { servers: [], automations: true, alarms: true, exceptions: [], zones: { ...defaults, face: 'both', volume: 'fan', playing: 'occupancy', button: true, switches: true } };
const alarm = (state: AutomationPicture['alarm']): AutomationPicture => ({ id: 'wake', name: 'Wake up', enabled: true, alarm: state });
const rule: AutomationPicture = { id: 'bath', name: 'Music in the bath', enabled: false, alarm: null };

function plans(picture: HousePicture, zones: Partial<Settings['zones']> = {}): readonly AccessoryPlan[] {
  return roster(picture, { ...everything, zones: { ...everything.zones, ...zones } }, [], (_key, ids) => new Map(ids.map((id, index) => [id, index + 10])));
}

function find(picture: HousePicture, path: string, zones?: Partial<Settings['zones']>) {
  const [key = '', service = '', characteristic = ''] = path.split('|');
  const row = plans(picture, zones).find((plan) => plan.key === key)?.services.find(({ id }) => id === service)?.rows.find((one) => one.characteristic === characteristic);
  if (!row) throw new Error(`There is no ${path}.`);
  return row;
}

const house = (zone: Partial<ZonePicture> = {}, rest: Partial<HousePicture> = {}) => housePicture({ zones: [zonePicture(zone)], ...rest });
const read = (picture: HousePicture, path: string, zones?: Partial<Settings['zones']>) => find(picture, path, zones).read?.(sceneOf(picture));
const write = (picture: HousePicture, path: string, value: Value, zones?: Partial<Settings['zones']>) => find(picture, path, zones).write?.(value, sceneOf(picture)) ?? null;
const commands = (...list: readonly object[]) => ({ kind: 'zone', zone: 'kitchen', commands: list });

describe('snapshot → characteristics', () => {
  const tv = 'kitchen/television|television';
  it.each<[Partial<ZonePicture>, number, number, number, number]>([
    // zone, on when off stops, on when off pauses, current, target
    [{ status: 'playing' }, 1, 1, 0, 0],
    [{ status: 'loading' }, 1, 1, 4, 0],
    [{ status: 'stalled' }, 1, 1, 4, 0],
    [{ status: 'paused' }, 1, 0, 1, 1],
    [{ status: 'stopped', track: null }, 0, 0, 2, 2],
  ])('a zone that is %j', (zone, stop, pause, current, target) => {
    const picture = house(zone);
    expect([read(picture, `${tv}|Active`, { power: 'stop' }), read(picture, `${tv}|Active`, { power: 'pause' }), read(picture, `${tv}|CurrentMediaState`), read(picture, `${tv}|TargetMediaState`)]).toEqual([stop, pause, current, target]);
    expect([read(picture, 'kitchen/speaker|speaker|CurrentMediaState'), read(picture, 'kitchen/speaker|speaker|TargetMediaState')]).toEqual([current, target]);
  });

  it.each<[Partial<ZonePicture>, string, Value]>([
    [{ level: 0.404 }, 'kitchen/television|speaker|Volume', 40],
    [{ level: 0.404 }, 'kitchen/volume-fan|main|RotationSpeed', 40],
    [{ level: 1 }, 'kitchen/speaker|speaker|Volume', 100],
    [{ muted: true }, 'kitchen/television|speaker|Mute', true],
    [{ muted: true }, 'kitchen/volume-fan|main|On', false],
    [{ level: 0 }, 'kitchen/volume-fan|main|On', false],
    [{}, 'kitchen/volume-fan|main|On', true],
    [{ preset: 'news' }, `${tv}|ActiveIdentifier`, 11],
    [{ preset: null }, `${tv}|ActiveIdentifier`, 1],
    [{ preset: 'forgotten' }, `${tv}|ActiveIdentifier`, 1],
    [{ preset: 'jazz' }, 'kitchen/preset/jazz|main|On', true],
    [{ preset: 'jazz', status: 'paused' }, 'kitchen/preset/jazz|main|On', false],
    [{ preset: 'news' }, 'kitchen/preset/jazz|main|On', false],
    [{ status: 'playing' }, 'kitchen/playing-occupancy|main|OccupancyDetected', 1],
    [{ status: 'loading' }, 'kitchen/playing-occupancy|main|OccupancyDetected', 1],
    [{ status: 'stalled' }, 'kitchen/playing-occupancy|main|OccupancyDetected', 1],
    [{ status: 'paused' }, 'kitchen/playing-occupancy|main|OccupancyDetected', 0],
    [{ name: '🎵 Küche & Bad!' }, `${tv}|ConfiguredName`, 'Küche and Bad'],
  ])('%j shows as %s = %j', (zone, path, value) => expect(read(house(zone), path)).toBe(value));

  it('a name and a hidden input that people set in Home stand before what the daemon says', () => {
    const kept = { name: 'Radio', inputs: { jazz: { identifier: 10, name: 'My Jazz', isHidden: true } } };
    const picture = house();
    const shown = (path: string) => find(picture, path).read?.(sceneOf(picture, kept));
    expect([shown(`${tv}|ConfiguredName`), shown('kitchen/television|input/jazz|ConfiguredName'), shown('kitchen/television|input/jazz|CurrentVisibilityState'), shown('kitchen/television|input/jazz|TargetVisibilityState'), shown('kitchen/television|input/news|CurrentVisibilityState')]).toEqual(['Radio', 'My Jazz', 1, 1, 0]);
  });

  it('a zone, an automation that is gone has no values', () => {
    const gone = housePicture({ zones: [], automations: [] });
    for (const plan of plans(house({}, { automations: [rule, alarm('idle')] }))) {
      for (const { rows } of plan.services) {
        const values = rows.flatMap(({ read: value }) => (value ? [value(sceneOf(gone))] : []));
        if (plan.isExternal) continue;
        expect(values.every((value) => value === null)).toBe(true);
      }
    }
    expect(find(house(), `${tv}|Active`).write?.(0, sceneOf(gone))).toBeNull();
  });

  it('the order of inputs is TLV8', () => {
    expect(displayOrder([1, 258])).toBe(Buffer.from([1, 4, 1, 0, 0, 0, 0, 0, 1, 4, 2, 1, 0, 0]).toString('base64'));
    expect(displayOrder([])).toBe('');
  });
});

describe('writes → commands', () => {
  const tv = 'kitchen/television|television';
  const speaker = 'kitchen/television|speaker';
  it.each<[string, Partial<ZonePicture>, string, Value, readonly object[], Partial<Settings['zones']>?]>([
    ['off', {}, `${tv}|Active`, 0, [{ kind: 'stop' }]],
    ['off while paused', { status: 'paused' }, `${tv}|Active`, 0, [{ kind: 'stop' }]],
    ['off, pausing', {}, `${tv}|Active`, 0, [{ kind: 'pause' }], { power: 'pause' }],
    ['off, pausing, while paused', { status: 'paused' }, `${tv}|Active`, 0, [{ kind: 'pause' }], { power: 'pause' }],
    ['off while off', { status: 'stopped' }, `${tv}|Active`, 0, []],
    ['on while on', {}, `${tv}|Active`, 1, [{ kind: 'play' }]],
    ['on while paused', { status: 'paused' }, `${tv}|Active`, 1, [{ kind: 'play' }]],
    ['on, account there', { status: 'stopped', track: null }, `${tv}|Active`, 1, [{ kind: 'play' }]],
    ['on, nothing to go on with', { status: 'stopped', track: null, accepts: new Set() }, `${tv}|Active`, 1, [{ kind: 'preset', preset: 'jazz' }]],
    ['on, with a preset for it', { status: 'stopped', track: null }, `${tv}|Active`, 1, [{ kind: 'preset', preset: 'news' }], { start: 'news' }],
    ['play', { status: 'paused' }, `${tv}|TargetMediaState`, 0, [{ kind: 'play' }]],
    ['pause', {}, `${tv}|TargetMediaState`, 1, [{ kind: 'pause' }]],
    ['pause while paused', { status: 'paused' }, `${tv}|TargetMediaState`, 1, [{ kind: 'pause' }]],
    ['pause while stopped', { status: 'stopped' }, `${tv}|TargetMediaState`, 1, []],
    ['stop', { status: 'paused' }, 'kitchen/speaker|speaker|TargetMediaState', 2, [{ kind: 'stop' }]],
    ['an input', {}, `${tv}|ActiveIdentifier`, 11, [{ kind: 'preset', preset: 'news' }]],
    ['the input that plays', { preset: 'news' }, `${tv}|ActiveIdentifier`, 11, []],
    ['the input that is paused', { preset: 'news', status: 'paused' }, `${tv}|ActiveIdentifier`, 11, [{ kind: 'preset', preset: 'news' }]],
    ['an input nobody knows', {}, `${tv}|ActiveIdentifier`, 77, []],
    ['the input Spotify Connect while paused', { status: 'paused' }, `${tv}|ActiveIdentifier`, 1, [{ kind: 'play' }]],
    ['remote: next', {}, `${tv}|RemoteKey`, 2, [{ kind: 'next' }]],
    ['remote: right', {}, `${tv}|RemoteKey`, 7, [{ kind: 'next' }]],
    ['remote: previous', {}, `${tv}|RemoteKey`, 3, [{ kind: 'previous' }]],
    ['remote: left', {}, `${tv}|RemoteKey`, 6, [{ kind: 'previous' }]],
    ['remote: up, no preset', {}, `${tv}|RemoteKey`, 4, [{ kind: 'preset', preset: 'jazz' }]],
    ['remote: up, last preset', { preset: 'news' }, `${tv}|RemoteKey`, 4, [{ kind: 'preset', preset: 'jazz' }]],
    ['remote: down, first preset', { preset: 'jazz' }, `${tv}|RemoteKey`, 5, [{ kind: 'preset', preset: 'news' }]],
    ['remote: select while playing', {}, `${tv}|RemoteKey`, 8, [{ kind: 'pause' }]],
    ['remote: play/pause while paused', { status: 'paused' }, `${tv}|RemoteKey`, 11, [{ kind: 'play' }]],
    ['remote: rewind', {}, `${tv}|RemoteKey`, 0, [{ kind: 'seek', to: 55_000 }]],
    ['remote: rewind near the start, paused', { status: 'paused', position: { at: 3000, measured: 1_000_000 } }, `${tv}|RemoteKey`, 0, [{ kind: 'seek', to: 0 }]],
    ['remote: forward', {}, `${tv}|RemoteKey`, 1, [{ kind: 'seek', to: 85_000 }]],
    ['remote: back', {}, `${tv}|RemoteKey`, 9, [{ kind: 'seek', to: 0 }]],
    ['remote: exit', {}, `${tv}|RemoteKey`, 10, [{ kind: 'stop' }]],
    ['remote: information', {}, `${tv}|RemoteKey`, 15, []],
    ['louder', {}, `${speaker}|VolumeSelector`, 0, [{ kind: 'volume', level: 0.45 }]],
    ['quieter', {}, `${speaker}|VolumeSelector`, 1, [{ kind: 'volume', level: 0.3 }], { step: 10 }],
    ['louder than loud', { level: 1 }, `${speaker}|VolumeSelector`, 0, [{ kind: 'volume', level: 1 }]],
    ['volume', {}, `${speaker}|Volume`, 25, [{ kind: 'volume', level: 0.25 }]],
    ['volume as it is', { level: 0.4 }, `${speaker}|Volume`, 40, [{ kind: 'volume', level: 0.4 }]],
    ['mute', {}, `${speaker}|Mute`, true, [{ kind: 'mute', muted: true }]],
    ['mute as HomeKit writes it', {}, `${speaker}|Mute`, 1, [{ kind: 'mute', muted: true }]],
    ['mute while muted', { muted: true }, `${speaker}|Mute`, true, [{ kind: 'mute', muted: true }]],
    ['the fan', {}, 'kitchen/volume-fan|main|RotationSpeed', 70, [{ kind: 'volume', level: 0.7 }]],
    ['the fan off', {}, 'kitchen/volume-fan|main|On', false, [{ kind: 'mute', muted: true }]],
    ['the fan on', { muted: true }, 'kitchen/volume-fan|main|On', true, [{ kind: 'mute', muted: false }]],
    ['a preset', {}, 'kitchen/preset/jazz|main|On', true, [{ kind: 'preset', preset: 'jazz' }]],
    ['a preset off', { preset: 'jazz' }, 'kitchen/preset/jazz|main|On', false, [{ kind: 'pause' }]],
    ['another preset off', { preset: 'news' }, 'kitchen/preset/jazz|main|On', false, []],
  ])('%s', (_what, zone, path, value, list, options) => expect(write(house(zone), path, value, options)).toEqual(list.length === 0 ? null : commands(...list)));

  it.each<[string, AutomationPicture, string, Value, string | null]>([
    ['an automation on', rule, 'automation/bath|main|On', true, 'enable'],
    ['an automation off that is off', rule, 'automation/bath|main|On', false, null],
    ['an alarm off', alarm('idle'), 'automation/wake|main|On', false, 'disable'],
    ['ringing off', alarm('ringing'), 'alarm/wake/ringing|main|On', false, 'stop'],
    ['ringing on', alarm('idle'), 'alarm/wake/ringing|main|On', true, 'run'],
    ['snooze', alarm('ringing'), 'alarm/wake/snooze|main|On', true, 'snooze'],
    ['snooze while nothing rings', alarm('idle'), 'alarm/wake/snooze|main|On', true, null],
    ['no more sleep', alarm('snoozed'), 'alarm/wake/snooze|main|On', false, 'stop'],
  ])('%s', (_what, automation, path, value, action) => expect(write(house({}, { automations: [automation] }), path, value)).toEqual(action && { kind: 'automation', id: automation.id, action }));

  it('names are kept, and forgotten when they are the daemon’s own again', () => {
    expect(write(house(), `${tv}|ConfiguredName`, 'Radio')).toEqual({ kind: 'keep', change: { kind: 'name', accessory: 'kitchen/television', name: 'Radio' } });
    expect(write(house(), `${tv}|ConfiguredName`, 'Kitchen')).toEqual({ kind: 'keep', change: { kind: 'name', accessory: 'kitchen/television', name: null } });
    expect(write(house(), 'kitchen/television|input/jazz|TargetVisibilityState', 1)).toEqual({ kind: 'keep', change: { kind: 'input-hidden', accessory: 'kitchen/television', input: 'jazz', isHidden: true } });
  });
});

describe('the button', () => {
  const track = (uri: string) => ({ uri, title: uri, artists: [] });
  it.each<[Partial<ZonePicture>, Partial<ZonePicture>, number | null]>([
    [{ status: 'playing' }, { status: 'playing', track: track('two') }, 0],
    [{ status: 'stopped' }, { status: 'loading' }, 1],
    [{ status: 'paused' }, { status: 'playing' }, 1],
    [{ status: 'loading' }, { status: 'playing' }, null],
    [{ status: 'playing' }, { status: 'stalled' }, null],
    [{ status: 'playing' }, { status: 'paused' }, 2],
    [{ status: 'stalled' }, { status: 'stopped', track: null }, 2],
    [{ status: 'playing' }, { status: 'playing', level: 0.9 }, null],
    [{ status: 'paused' }, { status: 'paused', track: track('two') }, null],
  ])('from %j to %j: %j', (before, after, press) => {
    const button = plans(house()).find(({ key }) => key === 'kitchen/button');
    expect(button?.press?.(house(before), house(after))).toBe(press);
  });
});

describe('the roster', () => {
  const keys = (list: readonly AccessoryPlan[]) => list.map(({ key }) => key);
  it('has one television for each zone unless told otherwise', () => {
    const picture = housePicture({ zones: [zonePicture(), zonePicture({ id: 'bedroom', name: 'Bedroom' })], automations: [rule, alarm('idle')] });
    const list = roster(picture, { ...everything, zones: defaults, automations: false, alarms: false }, [], (_key, ids) => new Map(ids.map((id, index) => [id, index + 2])));
    expect(keys(list)).toEqual(['kitchen/television', 'bedroom/television']);
    expect(list[1]?.services.map(({ id }) => id)).toEqual(['television', 'speaker', 'input/*', 'input/jazz', 'input/sleep']);
  });

  it('has everything that was asked for', () => {
    expect(keys(plans(house({}, { automations: [rule, alarm('idle')] })))).toEqual(['kitchen/television', 'kitchen/speaker', 'kitchen/volume-fan', 'kitchen/playing-occupancy', 'kitchen/button', 'kitchen/preset/jazz', 'kitchen/preset/news', 'automation/bath', 'automation/wake', 'alarm/wake/ringing', 'alarm/wake/snooze']);
  });

  it('minds exceptions of zones, of one server only if they say so', () => {
    const settings: Settings = { ...everything, zones: defaults, automations: false, alarms: false, exceptions: [{ zone: 'Kitchen', server: null, face: 'speaker', switches: ['News'] }, { zone: 'kitchen', server: 'Elsewhere', face: 'none' }] };
    const list = (server: string) => keys(roster(house(), settings, [server], () => new Map()));
    expect(list('House')).toEqual(['kitchen/speaker', 'kitchen/preset/news']);
    expect(list('Elsewhere')).toEqual(['kitchen/preset/news']);
  });

  it('keeps the list of inputs usable', () => {
    const presets = Array.from({ length: 200 }, (_, index) => ({ id: `p${index}`, name: `Preset ${index}` }));
    const services = plans(house({}, { presets }), { switches: false })[0]?.services ?? [];
    expect(services.filter(({ service }) => service === 'InputSource')).toHaveLength(50);
  });
});
