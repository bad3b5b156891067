import type { HousePicture, ZonePicture } from '../picture.ts';
import type { KeptAccessory, Scene } from '../plan.ts';

export function zonePicture(change: Partial<ZonePicture> = {}): ZonePicture {
  return { id: 'kitchen', name: 'Kitchen', status: 'playing', track: { uri: 'spotify:track:one', title: 'One', artists: ['Somebody'] }, position: { at: 60_000, measured: 1_000_000 }, level: 0.4, limit: 1, muted: false, preset: null, accepts: new Set(['play', 'pause']), ...change };
}

export function housePicture(change: Partial<HousePicture> = {}): HousePicture {
  return { instance: 'house1', name: 'House', version: '0.1.0', mayControl: true, ahead: 0, zones: [zonePicture()], presets: [{ id: 'jazz', name: 'Jazz Radio' }, { id: 'news', name: 'News', zones: ['kitchen'] }, { id: 'sleep', name: 'Sleep', zones: ['bedroom'] }], automations: [], ...change };
}

export function sceneOf(picture: HousePicture, kept: KeptAccessory = { inputs: {} }): Scene {
  return { picture, now: 1_010_000, kept: () => kept, wished: () => null };
}
