import { beforeEach, describe, expect, it } from 'vitest';
import type { Track } from '#core';
import type { Row } from './context/row.ts';
import { currentRow, upcoming } from './context/track-list.ts';
import { carry } from './device-carrying.ts';
import { step } from './device-machine.ts';
import { initialState, positionAt, type DeviceCommand, type DeviceEffect, type DeviceInput, type DeviceState } from './device-state.ts';

const id = (n: number) => `spotify:track:${String(n).padStart(22, '0')}`;
const rows = Array.from({ length: 6 }, (_, n): Row => ({ uri: id(n), uid: `u${n}`, provider: 'context', metadata: {}, index: { page: 0, track: n } }));
const track = (uri: string): Track => ({ uri, kind: 'track', title: uri.slice(-1), artists: [], album: '', duration: 60_000, covers: [], explicit: false });
const context = (morePages: readonly string[] = []) => ({ uri: 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7', url: '', metadata: {}, restrictions: {}, rows, morePages });

/** A speaker whose world answers at once, unless it is told to be slow. */
class Speaker {
  state: DeviceState;
  done: DeviceEffect[] = [];
  now = 1_700_000_000_000;
  isSlow = false;
  readonly name: string;
  #ids = 0;

  constructor(name: string) {
    this.name = name;
    this.state = initialState('s', this.now);
    this.send({ type: 'connected' });
  }

  send(input: DeviceInput): void {
    const { state, effects } = step(this.state, input, { now: this.now, deviceId: this.name.repeat(40), newId: () => `${this.name}${++this.#ids}`, below: (limit) => limit - 1, autoplay: false });
    this.state = state;
    this.done.push(...effects);
    for (const effect of effects) {
      if (effect.type === 'deckPlay') this.send({ type: effect.paused ? 'paused' : 'playing', id: effect.id, position: effect.at });
      if (this.isSlow) continue;
      if (effect.type === 'resolve') this.send({ type: 'resolved', generation: effect.generation, context: { ...effect.context, rows } });
      if (effect.type === 'load') this.send({ type: 'loaded', id: effect.id, track: track(effect.row.uri), metadata: {} });
    }
  }

  ask(command: DeviceCommand, by = 'mqtt'): boolean {
    this.send({ type: 'local', ticket: 1, command, by });
    return this.done.some((effect) => effect.type === 'answer' && effect.success);
  }

  play(start: number, options: object = {}): void {
    this.ask({ kind: 'play', context: context(), start: { index: start }, at: null, paused: false, options: { shuffle: false, ...options }, origin: { featureIdentifier: 'playlist' }, suppressions: [] });
  }
}

let here: Speaker;
let there: Speaker;

beforeEach(() => {
  here = new Speaker('a');
  there = new Speaker('b');
  here.play(2, { shuffle: true, repeatContext: true });
  here.ask({ kind: 'enqueue', row: { uri: id(9), uid: '', metadata: {} } });
});

const goOn = () => {
  const carried = carry(here.state, here.now);
  if (!carried) throw new Error('nothing to carry');
  return there.ask({ kind: 'adopt', playback: carried.playback }, 'homekit');
};

describe('what one speaker hands to another', () => {
  it('is the same row, place, order and queue, and nothing but the row has to be loaded', () => {
    here.now = there.now += 12_345;
    expect(goOn()).toBe(true);
    expect(currentRow(there.state.list)).toEqual(currentRow(here.state.list));
    expect(upcoming(there.state.list, 20, true)).toEqual(upcoming(here.state.list, 20, true));
    expect(there.state).toMatchObject({ isActive: true, phase: 'playing', options: here.state.options, origin: here.state.origin, sessionId: here.state.sessionId, by: 'homekit' });
    expect(positionAt(there.state, there.now)).toBe(12_345);
    const asked = there.done.map(({ type }) => type);
    expect(asked.filter((type) => type === 'resolve' || type === 'fetchPage')).toEqual([]);
    expect(asked.indexOf('claim')).toBeLessThan(asked.indexOf('load'));
  });

  it('stays paused', () => {
    here.now += 1000;
    here.ask({ kind: 'pause' });
    goOn();
    expect(there.state.phase).toBe('paused');
    expect(there.state.anchor).toMatchObject({ position: 1000, isMoving: false });
  });

  it('shows its track while it loads', () => {
    there.isSlow = true;
    goOn();
    expect(there.state).toMatchObject({ phase: 'loading', preview: { title: '2' }, duration: 60_000 });
  });

  it('replaces what played there, and what was asked for there', () => {
    there.isSlow = true;
    there.play(5);
    const { generation } = there.state;
    goOn();
    there.send({ type: 'resolved', generation, context: { ...context(), rows: [] } });
    expect(currentRow(there.state.list)?.uri).toBe(id(2));
    expect(there.state.load?.row.uri).toBe(id(2));
  });

  it.each<[what: string, prepare: () => void]>([
    ['nothing plays', () => here.ask({ kind: 'stop' })],
    ['it is not known yet from where it plays', () => {
      here.isSlow = true;
      here.play(1);
    }],
  ])('is nothing while %s', (_, prepare) => {
    prepare();
    expect(carry(here.state, here.now)).toBeNull();
  });
});

describe('what a context forbids', () => {
  it.each([
    ['shuffle', 'disallowTogglingShuffleReasons', 'connect/shuffle-forbidden'],
    ['repeatContext', 'disallowTogglingRepeatContextReasons', 'connect/repeat-forbidden'],
    ['repeatTrack', 'disallowTogglingRepeatTrackReasons', 'connect/repeat-forbidden'],
  ])('%s is refused, and nothing changes', (option, reasons, code) => {
    const speaker = new Speaker('c');
    speaker.play(0);
    speaker.state = { ...speaker.state, list: { ...speaker.state.list, context: { ...speaker.state.list.context, restrictions: { [reasons]: ['radio'] } } } };
    speaker.done = [];
    speaker.ask({ kind: 'options', options: { shuffle: false, [option]: true } });
    expect(speaker.done.find((effect) => effect.type === 'answer')).toMatchObject({ success: false, why: { kind: 'forbidden', code } });
    expect(speaker.state.options).toMatchObject({ [option]: false });
    // Switching off is always possible.
    speaker.done = [];
    speaker.ask({ kind: 'options', options: { [option]: false } });
    expect(speaker.done.find((effect) => effect.type === 'answer')).toMatchObject({ success: true });
  });
});
