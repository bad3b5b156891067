import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Track } from '#core';
import { TonearmError } from '#foundation';
import type { Row } from './context/row.ts';
import { currentRow, upcoming } from './context/track-list.ts';
import { step } from './device-machine.ts';
import {
  initialState, positionAt, type ContextSource, type DeviceCommand, type DeviceEffect, type DeviceInput, type DeviceState, type PlayOptions,
} from './device-state.ts';

const own = 'd'.repeat(40);
const phone = 'c'.repeat(40);
const id = (n: number) => `spotify:track:${String(n).padStart(22, '0')}`;
const row = (n: number): Row => ({ uri: id(n), uid: `u${n}`, provider: 'context', metadata: {}, index: { page: 0, track: n } });
const playlist = 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7';
const source = (rows: readonly Row[] = [], uri = playlist): ContextSource => ({ uri, url: `context://${uri}`, metadata: {}, restrictions: {}, rows, morePages: [] });
const track = (uri: string): Track => ({ uri, kind: 'track', title: `Title ${uri.slice(-2)}`, artists: ['A'], album: 'B', duration: 60_000, covers: [], explicit: false });
const noOptions: PlayOptions = { shuffle: false, repeatContext: false, repeatTrack: false, modes: {} };
const play = (patch: Partial<Extract<DeviceCommand, { kind: 'play' }>> = {}): DeviceCommand => ({
  kind: 'play', context: source(), start: null, at: null, paused: false, options: null, origin: {}, suppressions: [], ...patch,
});

/** Plays the world's part: answers what the machine asks, keeps what it did. */
class Bench {
  state: DeviceState;
  now = 1_700_000_000_000;
  ids = 0;
  tickets = 0;
  done: DeviceEffect[] = [];
  rows: readonly Row[] = [row(0), row(1), row(2), row(3)];
  autoplay = false;
  isAutomatic = true;
  unplayable = new Map<string, TonearmError>();
  timers = new Map<string, number>();
  deck: { id: string; follow: string | null; at: number; isPlaying: boolean } | null = null;

  constructor() {
    this.state = initialState('s0', this.now);
    this.send({ type: 'connected' });
    this.done = [];
  }

  private readonly inbox: DeviceInput[] = [];
  private isBusy = false;

  /** One input after the other, like the shell. */
  send(input: DeviceInput): void {
    this.inbox.push(input);
    if (this.isBusy) return;
    this.isBusy = true;
    for (let next = this.inbox.shift(); next; next = this.inbox.shift()) this.step(next);
    this.isBusy = false;
  }

  private step(input: DeviceInput): void {
    const result = step(this.state, input, { now: this.now, deviceId: own, newId: () => `load${++this.ids}`, below: (limit) => limit - 1, autoplay: this.autoplay });
    this.state = result.state;
    this.done.push(...result.effects);
    for (const effect of result.effects) this.follow(effect);
  }

  command(command: DeviceCommand, messageId = ++this.tickets): boolean {
    const ticket = ++this.tickets;
    this.send({ type: 'request', ticket, messageId, sentBy: phone, endpoint: command.kind, command });
    const answer = this.done.findLast((effect) => effect.type === 'answer' && effect.ticket === ticket);
    return answer?.type === 'answer' && answer.success;
  }

  /** The song runs to its end. */
  finish(): void {
    if (!this.deck) throw new Error('nothing plays');
    this.now += 60_000;
    const { id, follow } = this.deck;
    if (follow) this.deck = { id: follow, follow: null, at: 0, isPlaying: true };
    this.send({ type: 'ended', id });
    if (follow) this.send({ type: 'playing', id: follow, position: 0 });
  }

  count(type: DeviceEffect['type']): number {
    return this.done.filter((effect) => effect.type === type).length;
  }

  get playing(): string | undefined {
    return currentRow(this.state.list)?.uri;
  }

  private follow(effect: DeviceEffect): void {
    if (effect.type === 'timer') {
      if (effect.delay === null) this.timers.delete(effect.name);
      else this.timers.set(effect.name, effect.delay);
    }
    if (effect.type === 'deckPlay') {
      this.deck = { id: effect.id, follow: null, at: effect.at, isPlaying: !effect.paused };
      this.send({ type: effect.paused ? 'paused' : 'playing', id: effect.id, position: effect.at });
    }
    if (effect.type === 'deckFollow' && this.deck) this.deck.follow = effect.id;
    if (effect.type === 'deckStop') this.deck = null;
    if (!this.isAutomatic) return;
    if (effect.type === 'resolve') this.send({ type: 'resolved', generation: effect.generation, context: { ...effect.context, rows: this.rows } });
    if (effect.type === 'load') {
      const error = this.unplayable.get(effect.row.uri);
      if (error) this.send({ type: 'unloadable', id: effect.id, error });
      else this.send({ type: 'loaded', id: effect.id, track: track(effect.row.uri), metadata: {} });
    }
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe('play', () => {
  it('claims, tells the cloud before any network work, answers, and plays the first row', () => {
    expect(bench.command(play())).toBe(true);
    const order = bench.done.map((effect) => effect.type);
    expect(order.indexOf('claim')).toBeLessThan(order.indexOf('resolve'));
    expect(bench.done.find((effect) => effect.type === 'report')).toEqual({ type: 'report', reason: 'claim' });
    expect(bench.state).toMatchObject({ isActive: true, phase: 'playing' });
    expect(bench.playing).toBe(id(0));
  });

  it('loads a named row while its context is still being resolved, and only once', () => {
    bench.isAutomatic = false;
    bench.command(play({ start: { uri: id(2), uid: 'u2' } }));
    expect(bench.count('load')).toBe(1);
    bench.send({ type: 'resolved', generation: bench.state.generation, context: source(bench.rows) });
    expect(bench.count('load')).toBe(1);
    expect(currentRow(bench.state.list)).toMatchObject({ uid: 'u2', index: { track: 2 } });
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(3)]);
  });

  it('keeps the chosen row first when it starts shuffled, and loses none', () => {
    bench.command(play({ start: { uid: 'u2', uri: id(2) }, options: { shuffle: true } }));
    expect(bench.playing).toBe(id(2));
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri).sort()).toEqual([id(0), id(1), id(3)]);
  });

  it('starts paused at a position without a sound', () => {
    bench.command(play({ paused: true, at: 30_000 }));
    expect(bench.state.phase).toBe('paused');
    expect(bench.deck).toMatchObject({ at: 30_000, isPlaying: false });
    expect(positionAt(bench.state, bench.now + 5000)).toBe(30_000);
  });

  it('refuses what cannot be a context before it answers', () => {
    expect(bench.command(play({ context: source([], 'spotify:local-files') }))).toBe(false);
    expect(bench.state.isActive).toBe(false);
  });

  it('goes back to the track that was loaded when the context cannot be had', () => {
    bench.command(play());
    bench.isAutomatic = false;
    bench.command(play({ context: source([], 'spotify:album:x') }));
    bench.send({ type: 'unresolved', generation: bench.state.generation, error: new TonearmError({ kind: 'not-found', code: 'spotify/not-found', message: 'gone' }) });
    expect(bench.state).toMatchObject({ phase: 'paused', isActive: true });
    expect(bench.playing).toBe(id(0));
  });

  it('keeps the manual queue across a new play', () => {
    bench.command(play());
    bench.command({ kind: 'enqueue', row: { uri: id(9), uid: '', metadata: {} } });
    bench.command(play({ context: source([], 'spotify:album:y') }));
    expect(upcoming(bench.state.list, 1, false)[0]?.uri).toBe(id(9));
  });
});

describe('transfer', () => {
  const from = (patch: object = {}): DeviceCommand => ({
    kind: 'transfer',
    from: {
      context: source(), track: { ...row(1), metadata: {} }, contextUid: null, isQueued: false, queue: [], position: 10_000, timestamp: bench.now - 5000,
      wasPaused: false, paused: false, options: noOptions, origin: {}, suppressions: [], sessionId: 'theirs', ...patch,
    },
  });

  it('goes on where the music is by now, and keeps the session id', () => {
    expect(bench.command(from())).toBe(true);
    expect(bench.deck?.at).toBe(15_000);
    expect(bench.state.sessionId).toBe('theirs');
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(2), id(3)]);
  });

  it('does not move a paused session on, even when told to play', () => {
    bench.command(from({ wasPaused: true, paused: false }));
    expect(bench.deck).toMatchObject({ at: 10_000, isPlaying: true });
  });

  it('plays the queued track, then the queue, then the context from the row that was named', () => {
    bench.command(from({ track: { ...row(9), uid: 'q0' }, isQueued: true, contextUid: 'u2', queue: [{ uri: id(8), uid: 'q1', provider: 'queue', metadata: {} }] }));
    expect(bench.playing).toBe(id(9));
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(8), id(2), id(3)]);
  });

  it('plays a track the context does not have, then the context from its start', () => {
    bench.command(from({ track: { ...row(77), uid: 'x' } }));
    expect(bench.playing).toBe(id(77));
    expect(upcoming(bench.state.list, 2, false).map((r) => r.uri)).toEqual([id(0), id(1)]);
  });

  it('is not executed twice when the cloud sends it again', () => {
    bench.command(from(), 5);
    const loads = bench.count('load');
    bench.now += 15_000;
    expect(bench.command(from(), 5)).toBe(true);
    expect(bench.count('load')).toBe(loads);
    expect(positionAt(bench.state, bench.now)).toBe(30_000);
  });
});

describe('transport', () => {
  beforeEach(() => bench.command(play()));

  it('keeps its position over a pause of a minute', () => {
    bench.now += 7000;
    bench.command({ kind: 'pause' });
    bench.now += 60_000;
    bench.command({ kind: 'resume' });
    expect(positionAt(bench.state, bench.now)).toBe(7000);
    expect(bench.state.phase).toBe('playing');
  });

  it('seeks from the start and from here, inside the track only', () => {
    bench.command({ kind: 'seek', to: 20_000, from: 'start' });
    bench.command({ kind: 'seek', to: -5000, from: 'here' });
    expect(positionAt(bench.state, bench.now)).toBe(15_000);
    bench.command({ kind: 'seek', to: -99_000, from: 'here' });
    expect(positionAt(bench.state, bench.now)).toBe(0);
  });

  it('takes a seek to the very end as the end', () => {
    bench.command({ kind: 'seek', to: 59_900, from: 'start' });
    expect(bench.playing).toBe(id(1));
  });

  it('goes back before three seconds and starts over after them', () => {
    bench.command({ kind: 'next', row: null });
    bench.now += 2900;
    bench.command({ kind: 'previous', mayRestart: true });
    expect(bench.playing).toBe(id(0));
    bench.command({ kind: 'next', row: null });
    bench.now += 3100;
    bench.command({ kind: 'previous', mayRestart: true });
    expect(bench.playing).toBe(id(1));
    expect(positionAt(bench.state, bench.now)).toBe(0);
  });

  it('stops the old sound before anything else happens on a skip', () => {
    bench.isAutomatic = false;
    bench.done = [];
    bench.command({ kind: 'next', row: null });
    const order = bench.done.map((effect) => effect.type);
    expect(order).toContain('deckStop');
    expect(order.indexOf('deckStop')).toBeLessThan(order.indexOf('load'));
  });

  it('stays paused over a skip', () => {
    bench.command({ kind: 'pause' });
    bench.command({ kind: 'next', row: null });
    expect(bench.state.phase).toBe('paused');
    expect(bench.playing).toBe(id(1));
  });

  it('remembers a pause that comes while a track loads', () => {
    bench.isAutomatic = false;
    bench.command({ kind: 'next', row: null });
    bench.command({ kind: 'pause' });
    const loadId = bench.state.load?.id ?? '';
    bench.send({ type: 'loaded', id: loadId, track: track(id(1)), metadata: {} });
    expect(bench.deck?.isPlaying).toBe(false);
    expect(bench.state.phase).toBe('paused');
  });

  it('drops answers to a load that was overtaken', () => {
    bench.isAutomatic = false;
    bench.command({ kind: 'next', row: null });
    const stale = bench.state.load?.id ?? '';
    bench.command({ kind: 'next', row: null });
    bench.send({ type: 'loaded', id: stale, track: track(id(1)), metadata: {} });
    expect(bench.state.track).toBeNull();
    expect(bench.playing).toBe(id(2));
  });

  it('opens one stream after twenty skips', () => {
    bench.rows = Array.from({ length: 30 }, (_, n) => row(n));
    bench.command(play());
    bench.isAutomatic = false;
    bench.done = [];
    for (let n = 0; n < 20; n++) bench.command({ kind: 'next', row: null });
    expect(bench.playing).toBe(id(20));
    expect(bench.count('deckPlay')).toBe(0);
    // Only the first skip asks at once; the others wait until nobody presses any more.
    expect(bench.count('load')).toBe(1);
    expect(bench.timers.get('skip')).toBe(150);
    bench.isAutomatic = true;
    bench.send({ type: 'waited', timer: 'skip' });
    expect(bench.count('load')).toBe(2);
    expect(bench.count('deckPlay')).toBe(1);
    expect(bench.state).toMatchObject({ phase: 'playing', track: { uri: id(20) } });
    bench.send({ type: 'waited', timer: 'skip' });
    expect(bench.count('load')).toBe(2);
  });
});

describe('the end of a track', () => {
  beforeEach(() => bench.command(play()));

  it('goes on without a gap with what was prepared', () => {
    bench.send({ type: 'waited', timer: 'prefetch' });
    expect(bench.deck?.follow).not.toBeNull();
    const loads = bench.count('load');
    bench.finish();
    expect(bench.playing).toBe(id(1));
    expect(bench.count('load')).toBe(loads);
    expect(bench.state).toMatchObject({ phase: 'playing', track: { uri: id(1) } });
  });

  it('takes back what was prepared when the order changes', () => {
    bench.send({ type: 'waited', timer: 'prefetch' });
    bench.command({ kind: 'enqueue', row: { uri: id(9), uid: '', metadata: {} } });
    expect(bench.deck?.follow).toBeNull();
    bench.finish();
    expect(bench.playing).toBe(id(9));
  });

  it('repeats one track with a new load each time', () => {
    bench.command({ kind: 'options', options: { repeatTrack: true } });
    const first = bench.state.load?.id;
    bench.finish();
    expect(bench.playing).toBe(id(0));
    expect(bench.state.load?.id).not.toBe(first);
  });

  it('leaves repeat-one on a skip', () => {
    bench.command({ kind: 'options', options: { repeatTrack: true } });
    bench.command({ kind: 'next', row: null });
    expect(bench.playing).toBe(id(1));
    expect(bench.state.options.repeatTrack).toBe(false);
  });

  it('shows the first row paused at its start when the context is over', () => {
    for (let n = 0; n < 4; n++) bench.finish();
    expect(bench.state).toMatchObject({ phase: 'paused', isActive: true });
    expect(bench.playing).toBe(id(0));
    bench.command({ kind: 'resume' });
    expect(bench.state.phase).toBe('playing');
  });

  it('goes on with a station when autoplay is on, once', () => {
    bench.autoplay = true;
    bench.isAutomatic = true;
    for (let n = 0; n < 4; n++) bench.finish();
    const asked = bench.done.findLast((effect) => effect.type === 'autoplay');
    expect(asked).toMatchObject({ contextUri: playlist });
    bench.send({ type: 'continued', ticket: bench.state.autoplay?.ticket ?? '', context: source([row(50), row(51)], 'spotify:station:x') });
    expect(bench.playing).toBe(id(50));
    expect(currentRow(bench.state.list)?.provider).toBe('autoplay');
    for (let n = 0; n < 2; n++) bench.finish();
    expect(bench.count('autoplay')).toBe(1);
  });

  it('reports the end once, however often it is told', () => {
    const loadId = bench.state.load?.id ?? '';
    bench.send({ type: 'ended', id: loadId });
    bench.send({ type: 'ended', id: loadId });
    expect(bench.playing).toBe(id(1));
    expect(bench.done.filter((effect) => effect.type === 'trackEnded')).toHaveLength(1);
  });
});

describe('trouble', () => {
  const refused = new TonearmError({ kind: 'forbidden', code: 'spotify/key-refused', message: 'no key' });
  const restricted = new TonearmError({ kind: 'forbidden', code: 'spotify/restricted', message: 'not here' });
  const away = new TonearmError({ kind: 'unavailable', code: 'spotify/away', message: 'no network' });

  it('skips what cannot be played, with growing pauses', () => {
    bench.rows = Array.from({ length: 6 }, (_, n) => row(n));
    for (const n of [0, 1, 2]) bench.unplayable.set(id(n), restricted);
    bench.command(play());
    const pauses: number[] = [];
    for (let n = 0; n < 3; n++) {
      pauses.push(bench.timers.get('retry') ?? -1);
      bench.send({ type: 'waited', timer: 'retry' });
    }
    expect(pauses).toEqual([250, 500, 750]);
    expect(bench.playing).toBe(id(3));
    expect(bench.state.phase).toBe('playing');
  });

  it('stops after three refused keys, keeps the queue and says why in one sentence', () => {
    for (let n = 0; n < 4; n++) bench.unplayable.set(id(n), refused);
    bench.command(play());
    for (let n = 0; n < 5; n++) bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.state).toMatchObject({ phase: 'paused', notice: { code: 'connect/account-refused' } });
    expect(bench.count('load')).toBe(3);
    expect(upcoming(bench.state.list, 9, false).length).toBeGreaterThan(0);
  });

  it('tries a track again after network trouble and does not skip it', () => {
    bench.unplayable.set(id(0), away);
    bench.command(play());
    const pauses: number[] = [];
    for (let n = 0; n < 3; n++) {
      pauses.push(bench.timers.get('retry') ?? -1);
      bench.send({ type: 'waited', timer: 'retry' });
    }
    expect(pauses).toEqual([1000, 3000, 9000]);
    expect(bench.state.phase).toBe('paused');
    expect(bench.playing).toBe(id(0));
    bench.unplayable.clear();
    bench.command({ kind: 'resume' });
    expect(bench.state.phase).toBe('playing');
  });

  it('ends paused, not in a storm, when nothing can be played', () => {
    bench.rows = Array.from({ length: 60 }, (_, n) => row(n));
    for (let n = 0; n < 60; n++) bench.unplayable.set(id(n), restricted);
    bench.command(play());
    for (let n = 0; n < 80; n++) bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.state.phase).toBe('paused');
    expect(bench.count('load')).toBe(50);
    expect(bench.state.notice?.code).toBe('connect/nothing-playable');
  });

  it('looks ahead for keys without leaving the row: three refusals are the account’s', () => {
    bench.rows = Array.from({ length: 6 }, (_, n) => row(n));
    for (let n = 0; n < 6; n++) bench.unplayable.set(id(n), refused);
    bench.command(play({ start: { uid: 'u1', uri: id(1) } }));
    const pauses: number[] = [];
    for (let n = 0; n < 2; n++) {
      expect(bench.playing).toBe(id(1));
      expect(bench.state.phase).toBe('loading');
      pauses.push(bench.timers.get('retry') ?? -1);
      bench.send({ type: 'waited', timer: 'retry' });
    }
    expect(pauses).toEqual([250, 500]);
    expect(bench.state).toMatchObject({ phase: 'paused', keys: 'refused', doubt: null, load: null, notice: { code: 'connect/account-refused' } });
    expect(bench.playing).toBe(id(1));
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(2), id(3), id(4), id(5)]);
    expect(bench.count('trouble')).toBe(1);
    // One question tells whether the rule still holds.
    bench.done = [];
    bench.command({ kind: 'resume' });
    expect(bench.count('load')).toBe(1);
    expect(bench.state.phase).toBe('paused');
    bench.unplayable.clear();
    bench.command({ kind: 'resume' });
    expect(bench.state).toMatchObject({ phase: 'playing', keys: 'granted', notice: null });
  });

  it('passes over one row without a key, with what was looked at ready', () => {
    bench.unplayable.set(id(0), refused);
    bench.command(play());
    bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.playing).toBe(id(1));
    expect(bench.state).toMatchObject({ phase: 'playing', keys: 'granted', notice: null });
    expect(bench.count('load')).toBe(2);
    expect(bench.done.filter((effect) => effect.type === 'trouble')).toMatchObject([{ error: { code: 'spotify/key-refused' } }]);
  });

  it('takes a refusal for the row’s own when nothing lies ahead and keys were given before', () => {
    bench.rows = [row(0), row(1)];
    bench.unplayable.set(id(1), refused);
    bench.command(play());
    bench.command({ kind: 'next', row: null });
    for (let n = 0; n < 3; n++) bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.state.phase).toBe('paused');
    expect(bench.state.keys).toBe('granted');
    expect(bench.playing).toBe(id(0));
  });

  it('gives a doubt up when somebody does something else', () => {
    bench.unplayable.set(id(0), refused);
    bench.isAutomatic = false;
    bench.command(play());
    bench.send({ type: 'resolved', generation: bench.state.generation, context: source(bench.rows) });
    bench.send({ type: 'unloadable', id: bench.state.load?.id ?? '', error: refused });
    bench.send({ type: 'waited', timer: 'retry' });
    const probe = bench.state.doubt?.probe?.id;
    expect(probe).toBeDefined();
    bench.command({ kind: 'next', row: { uri: id(3), uid: 'u3', provider: 'context', metadata: {} } });
    expect(bench.state.doubt).toBeNull();
    expect(bench.done).toContainEqual({ type: 'forget', id: probe });
  });

  it('passes over rows that failed lately without asking, and tries them again after half an hour or when they are clicked', () => {
    bench.unplayable.set(id(1), restricted);
    bench.command(play({ options: { repeatContext: true } }));
    bench.command({ kind: 'next', row: null });
    bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.playing).toBe(id(2));
    const loads = () => bench.done.filter((effect) => effect.type === 'load' && effect.row.uri === id(1)).length;
    expect(loads()).toBe(1);
    for (let n = 0; n < 3; n++) bench.command({ kind: 'next', row: null });
    expect(bench.playing).toBe(id(2));
    expect(loads()).toBe(1);
    bench.command({ kind: 'next', row: { uri: id(1), uid: 'u1', provider: 'context', metadata: {} } });
    expect(loads()).toBe(2);
    bench.send({ type: 'waited', timer: 'retry' });
    bench.now += 31 * 60_000;
    bench.unplayable.clear();
    for (let n = 0; n < 3; n++) bench.command({ kind: 'next', row: null });
    bench.send({ type: 'waited', timer: 'skip' });
    expect(bench.playing).toBe(id(1));
    expect(bench.state.phase).toBe('playing');
  });

  it('prepares the row after one that cannot be prepared, and says so once', () => {
    bench.unplayable.set(id(1), restricted);
    bench.command(play());
    bench.send({ type: 'waited', timer: 'prefetch' });
    expect(bench.done.filter((effect) => effect.type === 'trouble')).toHaveLength(1);
    bench.send({ type: 'waited', timer: 'prefetch' });
    expect(bench.state.next?.row.uri).toBe(id(2));
    bench.finish();
    expect(bench.playing).toBe(id(2));
    expect(bench.count('deckPlay')).toBe(1);
  });

  it('never gives up while there is no network, and goes on at once when it is back', () => {
    bench.command(play());
    bench.now += 10_000;
    bench.send({ type: 'disconnected' });
    bench.unplayable.set(id(0), away);
    bench.deck = null;
    bench.send({ type: 'failed', id: bench.state.load?.id ?? '', error: away });
    for (let n = 0; n < 200; n++) {
      expect(bench.state).toMatchObject({ phase: 'stalled', anchor: { position: 10_000, isMoving: false } });
      expect(bench.timers.get('retry')).toBe(5000);
      bench.now += 5000;
      bench.send({ type: 'waited', timer: 'retry' });
    }
    expect(bench.done.filter((effect) => effect.type === 'trouble')).toHaveLength(1);
    bench.unplayable.clear();
    bench.send({ type: 'connected' });
    expect(bench.state).toMatchObject({ phase: 'playing', notice: null });
    expect(bench.deck).toMatchObject({ at: 10_000, isPlaying: true });
  });

  it('is patient with a network that nobody knows to be down, for two minutes', () => {
    const unreachable = new TonearmError({ kind: 'unavailable', code: 'spotify/no-connection', message: 'nobody answers' });
    bench.unplayable.set(id(0), unreachable);
    bench.command(play());
    let waited = 0;
    while (bench.state.phase !== 'paused' && waited < 300_000) {
      const pause = bench.timers.get('retry') ?? 0;
      waited += pause;
      bench.now += pause;
      bench.send({ type: 'waited', timer: 'retry' });
    }
    expect(waited).toBeGreaterThanOrEqual(120_000);
    expect(waited).toBeLessThanOrEqual(126_000);
    expect(bench.playing).toBe(id(0));
  });

  it('stays paused when somebody pauses in a network failure, and tries again on a resume', () => {
    bench.command(play());
    bench.send({ type: 'disconnected' });
    bench.unplayable.set(id(0), away);
    bench.deck = null;
    bench.send({ type: 'failed', id: bench.state.load?.id ?? '', error: away });
    bench.command({ kind: 'pause' });
    bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.state.phase).toBe('paused');
    bench.unplayable.clear();
    bench.command({ kind: 'resume' });
    expect(bench.state.phase).toBe('playing');
  });

  it('fetches fresh addresses in a long stall, at the same place, and stops after two minutes of it', () => {
    bench.command(play());
    bench.isAutomatic = false;
    bench.send({ type: 'stalled', id: bench.state.load?.id ?? '', position: 5000 });
    for (let n = 1; n <= 3; n++) {
      expect(bench.timers.get('stall')).toBe(30_000);
      bench.now += 30_000;
      bench.done = [];
      bench.send({ type: 'waited', timer: 'stall' });
      expect(bench.count('load')).toBe(1);
      expect(bench.state).toMatchObject({ phase: 'stalled', anchor: { position: 5000 } });
      // The deck takes it, and still nothing comes.
      bench.state = { ...bench.state, load: bench.state.load && { ...bench.state.load, isInDeck: true } };
    }
    bench.now += 30_000;
    bench.send({ type: 'waited', timer: 'stall' });
    expect(bench.state).toMatchObject({ phase: 'paused', notice: { code: 'connect/no-data' }, anchor: { position: 5000 } });
  });

  it('leaves an explicit track when the account is set to leave such out', () => {
    bench.command(play());
    bench.state = { ...bench.state, track: bench.state.track && { ...bench.state.track, explicit: true } };
    bench.send({ type: 'filtered' });
    expect(bench.playing).toBe(id(1));
    bench.send({ type: 'filtered' });
    expect(bench.playing).toBe(id(1));
  });

  it('shows that the cloud does not allow the account until it does', () => {
    bench.command(play());
    bench.send({ type: 'disallowed', error: new TonearmError({ kind: 'forbidden', code: 'spotify/not-allowed', message: 'No.' }) });
    bench.send({ type: 'playing', id: bench.state.load?.id ?? '', position: 0 });
    expect(bench.state.notice?.code).toBe('spotify/not-allowed');
    bench.send({ type: 'cluster', activeDevice: own, isAnswer: true });
    expect(bench.state.notice).toBeNull();
  });

  it('shows a stall and its end', () => {
    bench.command(play());
    const loadId = bench.state.load?.id ?? '';
    bench.now += 5000;
    bench.send({ type: 'stalled', id: loadId, position: 5000 });
    bench.now += 20_000;
    expect(positionAt(bench.state, bench.now)).toBe(5000);
    bench.send({ type: 'playing', id: loadId, position: 5000 });
    expect(bench.state.phase).toBe('playing');
  });
});

describe('who is active', () => {
  beforeEach(() => {
    bench.send({ type: 'cluster', activeDevice: phone });
    bench.command(play());
  });

  it('survives a late picture of the old owner, and falls silent for a new one', () => {
    bench.now += 50;
    bench.send({ type: 'cluster', activeDevice: phone });
    expect(bench.state.isActive).toBe(true);
    bench.send({ type: 'cluster', activeDevice: own, isAnswer: true });
    bench.done = [];
    bench.send({ type: 'cluster', activeDevice: phone });
    // Late, or taken back at once: the cloud is asked.
    expect(bench.done).toEqual([{ type: 'report', reason: 'state' }]);
    expect(bench.state.isActive).toBe(true);
    bench.send({ type: 'cluster', activeDevice: phone, isAnswer: true });
    expect(bench.state).toMatchObject({ isActive: false, phase: 'idle' });
    expect(bench.done.map((effect) => effect.type)).toEqual(expect.arrayContaining(['deckStop', 'release', 'inactive']));
    expect(bench.count('inactive')).toBe(1);
  });

  it('falls silent at once for the old owner after the window', () => {
    bench.send({ type: 'cluster', activeDevice: own });
    bench.now += 3100;
    bench.send({ type: 'cluster', activeDevice: phone });
    expect(bench.state.isActive).toBe(false);
  });

  it('is not put off by a picture of the commanding phone that was on its way', () => {
    bench.now += 10_000;
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    expect(bench.state.isActive).toBe(false);
    bench.send({ type: 'cluster', activeDevice: '' });
    bench.command(play());
    bench.send({ type: 'cluster', activeDevice: phone });
    expect(bench.state.isActive).toBe(true);
  });

  it('falls silent at once for a third device, inside the window too', () => {
    bench.now += 50;
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    expect(bench.state.isActive).toBe(false);
  });

  it('tells the cloud again that it is active after the dealer was away', () => {
    bench.send({ type: 'cluster', activeDevice: own });
    bench.send({ type: 'disconnected' });
    expect(bench.state.phase).toBe('playing');
    bench.done = [];
    bench.send({ type: 'connected' });
    expect(bench.done).toContainEqual({ type: 'report', reason: 'hello' });
    bench.send({ type: 'cluster', activeDevice: '' });
    expect(bench.state.isActive).toBe(true);
  });

  it('is silenced by nobody when it falls silent by itself, whoever did something last', () => {
    bench.command({ kind: 'next', row: null });
    expect(bench.state.by).toBe('phone');
    bench.send({ type: 'failed', id: bench.state.load?.id ?? '', error: new TonearmError({ kind: 'conflict', code: 'output/device-busy', message: 'Busy.' }) });
    expect(bench.state).toMatchObject({ phase: 'paused', by: 'tonearm' });
    bench.command({ kind: 'resume', at: undefined });
    bench.command({ kind: 'pause' });
    expect(bench.state).toMatchObject({ phase: 'paused', by: 'phone' });
  });

  it('is silenced by nobody when it waited for a station and the account turns that off', () => {
    bench.isAutomatic = false;
    bench.autoplay = true;
    bench.command({ kind: 'next', row: null });
    bench.command({ kind: 'next', row: null });
    bench.command({ kind: 'next', row: null });
    bench.command({ kind: 'next', row: null });
    expect(bench.state).toMatchObject({ phase: 'loading', resolving: 'autoplay', by: 'phone' });
    bench.autoplay = false;
    bench.send({ type: 'waited', timer: 'prefetch' });
    expect(bench.state).toMatchObject({ isPauseWanted: true, resolving: null, by: 'tonearm' });
  });

  it('answers no to commands while inactive, but a local play goes on where it was', () => {
    bench.now += 12_000;
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    expect(bench.command({ kind: 'pause' })).toBe(false);
    bench.send({ type: 'local', ticket: 900, command: { kind: 'resume' }, by: 'mqtt' });
    expect(bench.state).toMatchObject({ isActive: true, phase: 'playing' });
    expect(bench.deck?.at).toBe(12_000);
  });

  const furnish = () => {
    bench.command({ kind: 'options', options: { shuffle: true, repeatContext: true } });
    bench.command({ kind: 'enqueue', row: { uri: id(9), uid: '', metadata: {} } });
    bench.command({ kind: 'edit', rows: [{ uri: id(8), uid: 'x', provider: 'context', metadata: {} }] });
    bench.command({ kind: 'enqueue', row: { uri: id(9), uid: '', metadata: {} } });
    bench.send({ type: 'cluster', activeDevice: own });
  };
  const local = (command: DeviceCommand) => bench.send({ type: 'local', ticket: ++bench.tickets, command, by: 'mqtt' });
  const ahead = () => upcoming(bench.state.list, 9, false).map((each) => each.uri);

  it('leaves queue, edits and options to whoever takes over; nothing of it comes back, here or from a phone', () => {
    furnish();
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    expect(bench.state).toMatchObject({ isActive: false, options: noOptions });
    local({ kind: 'resume' });
    expect(bench.state.options).toEqual(noOptions);
    expect(bench.playing).toBe(id(0));
    expect(ahead()).toEqual([id(1), id(2), id(3)]);
    furnish();
    bench.now += 5000;
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    bench.command(play());
    expect(bench.state.options).toEqual(noOptions);
    expect(ahead()).toEqual([id(1), id(2), id(3)]);
  });

  it('keeps them through a pause, a new context and a lost connection; after a stop for a resume here, and not when something new begins', () => {
    furnish();
    bench.command({ kind: 'pause' });
    bench.send({ type: 'disconnected' });
    bench.now += 60_000;
    bench.send({ type: 'connected' });
    bench.send({ type: 'cluster', activeDevice: '', isAnswer: true });
    bench.send({ type: 'cluster', activeDevice: own });
    bench.command({ kind: 'resume' });
    expect(bench.state.options).toMatchObject({ shuffle: true, repeatContext: true });
    expect(bench.state.list.queue.map((each) => each.uri)).toEqual([id(9)]);
    local({ kind: 'stop' });
    bench.send({ type: 'cluster', activeDevice: '' });
    local({ kind: 'resume' });
    expect(bench.state.options).toMatchObject({ shuffle: true, repeatContext: true });
    expect(bench.state.list.queue).toHaveLength(1);
    bench.command(play());
    expect(bench.state.options).toMatchObject({ shuffle: true, repeatContext: true });
    expect(bench.state.list.queue).toHaveLength(1);
    local({ kind: 'stop' });
    bench.command(play());
    expect(bench.state.options).toEqual(noOptions);
    expect(bench.state.list.queue).toEqual([]);
    // Somebody else plays after a stop here: it is theirs now.
    furnish();
    local({ kind: 'stop' });
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    expect(bench.state).toMatchObject({ options: noOptions, list: { queue: [], patch: null, shuffled: false } });
  });

  it('gives the zone back when another source takes it', () => {
    expect(bench.state.by).toBe('phone');
    bench.send({ type: 'outplayed' });
    // Somebody wanted that.
    expect(bench.state).toMatchObject({ isActive: false, by: 'phone' });
    expect(bench.count('inactive')).toBe(1);
  });
});

describe('where it paused', () => {
  const reports = () => bench.done.filter((effect) => effect.type === 'report');
  beforeEach(() => {
    bench.command(play());
    bench.now += 10_000;
    bench.done = [];
    bench.command({ kind: 'pause' });
  });
  const paused = (position: number) => bench.send({ type: 'paused', id: bench.state.load?.id ?? '', position });

  it('is told once, with the place the deck names', () => {
    expect(bench.state.phase).toBe('paused');
    expect(reports()).toEqual([]);
    paused(10_427);
    expect(reports()).toEqual([{ type: 'report', reason: 'state' }]);
    expect(bench.state.anchor.position).toBe(10_427);
    expect(bench.timers.has('pause')).toBe(false);
  });

  it('is told after 150 ms when the deck says nothing, and corrected only when it is far off', () => {
    expect(bench.timers.get('pause')).toBe(150);
    bench.send({ type: 'waited', timer: 'pause' });
    expect(reports()).toHaveLength(1);
    paused(10_080);
    expect(reports()).toHaveLength(1);
    // What was told stays true.
    expect(bench.state.anchor.position).toBe(10_000);
    paused(10_427);
    expect(reports()).toHaveLength(2);
    expect(bench.state.anchor.position).toBe(10_427);
  });

  it.each<[string, () => void]>([
    ['a resume', () => void bench.command({ kind: 'resume' })],
    ['a skip', () => void bench.command({ kind: 'next', row: null })],
    ['an end', () => bench.finish()],
  ])('is of no interest after %s', (_, act) => {
    act();
    expect(bench.state.settling).toBeNull();
    expect(bench.timers.has('pause')).toBe(false);
    expect(reports().length).toBeGreaterThan(0);
  });

  it('does not hold back that we are there, or that we are active no more', () => {
    bench.send({ type: 'connected' });
    expect(reports()).toEqual([{ type: 'report', reason: 'hello' }]);
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    expect(bench.count('inactive')).toBe(1);
    expect(bench.timers.has('pause')).toBe(false);
  });
});

describe('sleep timer', () => {
  it('pauses when the time is over, and at the end of a track', () => {
    bench.command(play());
    bench.command({ kind: 'sleep', after: 900_000 });
    expect(bench.timers.get('sleep')).toBe(900_000);
    bench.send({ type: 'waited', timer: 'sleep' });
    expect(bench.state).toMatchObject({ phase: 'paused', sleepAt: null });
    bench.command({ kind: 'resume' });
    bench.command({ kind: 'sleep', after: 'track' });
    bench.finish();
    // At the end of this track, not at the beginning of the next.
    expect(bench.state).toMatchObject({ phase: 'paused', sleepAtEnd: false });
    expect(bench.playing).toBe(id(0));
    expect(positionAt(bench.state, bench.now)).toBe(60_000);
    bench.command({ kind: 'resume' });
    expect(bench.state.phase).toBe('playing');
    expect(bench.playing).toBe(id(1));
  });
});

describe('places in episodes', () => {
  const talk = (n: number): Row => ({ ...row(n), uri: `spotify:episode:${String(n).padStart(22, '0')}` });
  const kept = () => bench.done.flatMap((effect) => (effect.type === 'keepPlace' ? [effect.position] : []));
  const answer = (at: number): void => bench.send({ type: 'loaded', id: bench.state.load?.id ?? '', track: { ...track(talk(0).uri), kind: 'episode' }, metadata: {}, at });
  beforeEach(() => {
    bench.rows = [talk(0), talk(1)];
    bench.isAutomatic = false;
  });
  const begin = (patch: object = {}): void => {
    bench.command(play(patch));
    bench.send({ type: 'resolved', generation: bench.state.generation, context: source(bench.rows) });
  };

  it.each([
    ['a play', {}, true],
    ['a play that names a place', { at: 5000 }, false],
    ['a play from the very start, as apps always say', { at: 0 }, true],
  ])('%s asks for the place: %j', (_, patch, isAsked) => {
    begin(patch);
    expect(bench.done.find((effect) => effect.type === 'load')).toMatchObject({ resumes: isAsked });
    answer(30_000);
    expect(bench.deck?.at).toBe(isAsked ? 30_000 : 5000);
  });

  it('keeps it on a pause and when it is left, in whole seconds, once; and that it is over, for good', () => {
    begin();
    answer(0);
    bench.now += 7400;
    bench.command({ kind: 'pause' });
    bench.command({ kind: 'resume' });
    bench.command({ kind: 'pause' });
    expect(kept()).toEqual([7000]);
    bench.command({ kind: 'resume' });
    bench.now += 3000;
    bench.command({ kind: 'next', row: null });
    expect(kept()).toEqual([7000, 10_000]);
    answer(0);
    bench.finish();
    expect(kept()).toEqual([7000, 10_000, 'finished']);
  });

  it('keeps it when another device takes over, and on a log-out', () => {
    begin();
    answer(20_000);
    bench.now += 12_000;
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    expect(kept()).toEqual([32_000]);
  });

  it('lets a seek while it loads win over the place', () => {
    begin();
    bench.command({ kind: 'seek', to: 0, from: 'start' });
    answer(30_000);
    expect(bench.deck?.at).toBe(0);
  });

  it('does not let an episode follow without a word that begins in its middle', () => {
    begin();
    answer(0);
    bench.send({ type: 'waited', timer: 'prefetch' });
    bench.send({ type: 'loaded', id: bench.state.next?.id ?? '', track: { ...track(talk(1).uri), kind: 'episode' }, metadata: {}, at: 20_000 });
    expect(bench.deck?.follow).toBeNull();
    bench.finish();
    expect(bench.playing).toBe(talk(1).uri);
    expect(bench.deck?.at).toBe(20_000);
  });
});

describe('long contexts', () => {
  it('asks for the next page before the cursor reaches the end, behind the music', () => {
    bench.isAutomatic = false;
    bench.command(play());
    bench.send({ type: 'resolved', generation: bench.state.generation, context: { ...source([row(0), row(1)]), morePages: ['hm://a', 'hm://b'] } });
    bench.send({ type: 'loaded', id: bench.state.load?.id ?? '', track: track(id(0)), metadata: {} });
    expect(bench.done.findLast((effect) => effect.type === 'fetchPage')).toMatchObject({ url: 'hm://a' });
    bench.send({ type: 'page', generation: bench.state.generation, rows: [row(2)], morePages: [] });
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(1), id(2)]);
    expect(bench.state.list.morePages).toEqual(['hm://b']);
  });
});

describe('what the deck and the machine tell each other', () => {
  beforeEach(() => bench.command(play()));
  const next = (): void => void bench.command({ kind: 'next', row: null });

  it('takes what was prepared for a skip: nothing is loaded again', () => {
    bench.send({ type: 'waited', timer: 'prefetch' });
    const prepared = bench.state.next?.id;
    bench.isAutomatic = false;
    bench.done = [];
    next();
    expect(bench.count('load')).toBe(0);
    expect(bench.state).toMatchObject({ phase: 'playing', load: { id: prepared }, track: { uri: id(1) }, next: null });
    expect(bench.done.map((effect) => effect.type)).not.toContain('deckFollow');
  });

  it('does not begin a load anew that is under way for the row that is skipped to', () => {
    bench.isAutomatic = false;
    bench.send({ type: 'waited', timer: 'prefetch' });
    const prepared = bench.state.next?.id ?? '';
    bench.done = [];
    next();
    expect(bench.count('load')).toBe(0);
    expect(bench.count('deckStop')).toBe(1);
    bench.send({ type: 'loaded', id: prepared, track: track(id(1)), metadata: {} });
    expect(bench.state).toMatchObject({ phase: 'playing', load: { id: prepared } });
  });

  it('plays what was prepared itself when the deck got it too late', () => {
    bench.send({ type: 'waited', timer: 'prefetch' });
    const prepared = bench.state.next?.id;
    bench.now += 60_000;
    bench.send({ type: 'ended', id: bench.state.load?.id ?? '' });
    expect(bench.timers.get('follow')).toBe(1000);
    bench.deck = null;
    bench.send({ type: 'waited', timer: 'follow' });
    expect(bench.deck).toMatchObject({ id: prepared, at: 0, isPlaying: true });
    expect(bench.timers.has('follow')).toBe(false);
  });

  it('stays paused when the track ends in the moment somebody pauses', () => {
    bench.send({ type: 'waited', timer: 'prefetch' });
    bench.now += 60_000;
    bench.command({ kind: 'pause' });
    bench.send({ type: 'ended', id: bench.state.load?.id ?? '' });
    expect(bench.state).toMatchObject({ phase: 'paused', track: { uri: id(1) }, anchor: { isMoving: false } });
  });

  it('starts what comes next at once when somebody seeks to the very end, and stays paused if it was', () => {
    bench.send({ type: 'waited', timer: 'prefetch' });
    bench.done = [];
    bench.command({ kind: 'seek', to: 59_900, from: 'start' });
    expect(bench.count('deckPlay')).toBe(1);
    bench.command({ kind: 'pause' });
    bench.command({ kind: 'seek', to: 59_900, from: 'start' });
    expect(bench.playing).toBe(id(2));
    expect(bench.state.phase).toBe('paused');
  });

  it('silences the deck when a track ends and nothing is to follow', () => {
    bench.send({ type: 'waited', timer: 'prefetch' });
    bench.isAutomatic = false;
    bench.command({ kind: 'sleep', after: 'track' });
    expect(bench.deck?.follow).toBeNull();
    bench.done = [];
    bench.send({ type: 'ended', id: bench.state.load?.id ?? '' });
    expect(bench.count('deckStop')).toBe(1);
    expect(bench.state).toMatchObject({ phase: 'paused', isPauseWanted: true, load: null });
  });

  it('arms the prefetch anew after a seek', () => {
    expect(bench.timers.get('prefetch')).toBe(30_000);
    bench.command({ kind: 'seek', to: 25_000, from: 'start' });
    expect(bench.timers.get('prefetch')).toBe(5000);
  });

  it('pauses on the track when the output fails, and tries it again on a resume', () => {
    bench.send({ type: 'failed', id: bench.state.load?.id ?? '', error: new TonearmError({ kind: 'conflict', code: 'output/device-busy', message: 'Busy.' }) });
    expect(bench.state).toMatchObject({ phase: 'paused', notice: { code: 'output/device-busy' }, load: { isInDeck: true } });
    expect(bench.playing).toBe(id(0));
    bench.done = [];
    bench.command({ kind: 'resume' });
    expect(bench.count('deckResume')).toBe(1);
    expect(bench.state.notice).toBeNull();
  });

  it('goes on when the deck has brought the output back, and not when somebody pressed pause meanwhile', () => {
    const busy = new TonearmError({ kind: 'conflict', code: 'output/device-busy', message: 'Busy.' });
    const { id: load = '' } = bench.state.load ?? {};
    bench.send({ type: 'stalled', id: load, position: 12_000 });
    bench.now += 5000;
    bench.send({ type: 'failed', id: load, error: busy });
    bench.now += 5000;
    expect(positionAt(bench.state, bench.now)).toBe(12_000);
    bench.send({ type: 'playing', id: load, position: 12_000 });
    expect(bench.state).toMatchObject({ phase: 'playing', isPauseWanted: false, notice: null, anchor: { position: 12_000, isMoving: true } });
    bench.send({ type: 'failed', id: load, error: busy });
    bench.done = [];
    bench.command({ kind: 'pause' });
    expect(bench.count('deckPause')).toBe(1);
    bench.send({ type: 'playing', id: load, position: 12_000 });
    expect(bench.state).toMatchObject({ phase: 'paused', isPauseWanted: true, notice: null });
  });

  it('stays on the track when the trouble is not the track’s', () => {
    bench.send({ type: 'failed', id: bench.state.load?.id ?? '', error: new TonearmError({ kind: 'internal', code: 'audio/thread-died', message: 'Died.' }) });
    expect(bench.state).toMatchObject({ phase: 'paused', load: null });
    expect(bench.playing).toBe(id(0));
    expect(bench.done.filter((effect) => effect.type === 'trouble')).toHaveLength(1);
  });
});

describe('what is foreseen', () => {
  it('asks once for the metadata of the next row, and shows it while that row loads', () => {
    bench.command(play());
    expect(bench.done.filter((effect) => effect.type === 'foresee')).toMatchObject([{ row: { uri: id(1) } }]);
    bench.send({ type: 'moved', id: bench.state.load?.id ?? '', position: 5000 });
    expect(bench.count('foresee')).toBe(1);
    bench.send({ type: 'foreseen', uri: id(1), track: track(id(1)), metadata: { title: 'Known' } });
    bench.isAutomatic = false;
    bench.command({ kind: 'next', row: null });
    expect(bench.state).toMatchObject({ phase: 'loading', track: null, preview: { uri: id(1) }, trackMetadata: { title: 'Known' }, duration: 60_000 });
    expect(bench.count('foresee')).toBe(1);
  });

  it('shows what the row says of itself, and does not call it played when it is skipped', () => {
    bench.command(play());
    bench.isAutomatic = false;
    bench.command({ kind: 'next', row: { uri: id(3), uid: 'u3', provider: 'context', metadata: {} } });
    expect(bench.state.preview).toBeNull();
    bench.command({ kind: 'enqueue', row: { uri: id(9), uid: '', metadata: { title: 'Queued', artist_name: 'X', duration: '1000' } } });
    bench.done = [];
    bench.command({ kind: 'next', row: null });
    expect(bench.state.preview).toMatchObject({ title: 'Queued', artists: ['X'], duration: 1000 });
    bench.command({ kind: 'next', row: null });
    expect(bench.count('trackEnded')).toBe(0);
  });
});

describe('while the context is being asked for', () => {
  const named = play({ start: { uri: id(1), uid: 'u1' } });
  beforeEach(() => {
    bench.isAutomatic = false;
    bench.autoplay = true;
  });
  const answer = (): void => bench.send({ type: 'resolved', generation: bench.state.generation, context: source(bench.rows) });

  it('keeps skips until it is known what comes next', () => {
    bench.command(named);
    bench.command({ kind: 'next', row: null });
    bench.command({ kind: 'next', row: null });
    expect(bench.count('autoplay')).toBe(0);
    answer();
    expect(bench.playing).toBe(id(3));
    expect(bench.done.findLast((effect) => effect.type === 'load')).toMatchObject({ row: { uri: id(3) } });
  });

  it('moves past a named row that cannot be played', () => {
    bench.command(named);
    bench.send({ type: 'unloadable', id: bench.state.load?.id ?? '', error: new TonearmError({ kind: 'forbidden', code: 'spotify/restricted', message: 'No.' }) });
    bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.state).toMatchObject({ resolving: 'start', phase: 'loading', load: null });
    answer();
    expect(bench.playing).toBe(id(2));
  });

  it('stays with a row that was clicked meanwhile', () => {
    bench.command(named);
    bench.command({ kind: 'next', row: { uri: id(3), uid: 'u3', provider: 'context', metadata: {} } });
    const loads = bench.count('load');
    answer();
    expect(bench.playing).toBe(id(3));
    expect(bench.count('load')).toBe(loads);
  });

  it('gives every row a uid from the start', () => {
    bench.command(play({ start: { uri: id(1) } }));
    expect(currentRow(bench.state.list)?.uid).toMatch(/^[0-9a-f]{16}$/);
    bench.command({ kind: 'next', row: { uri: id(77), uid: '', provider: '', metadata: {} } });
    expect(currentRow(bench.state.list)?.uid).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('edges', () => {
  it('wraps when the last row of a repeating context cannot be played', () => {
    bench.unplayable.set(id(3), new TonearmError({ kind: 'forbidden', code: 'spotify/restricted', message: 'No.' }));
    bench.command(play({ start: { uid: 'u3' }, options: { repeatContext: true } }));
    bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.state.phase).toBe('playing');
    expect(bench.playing).toBe(id(0));
  });

  it('stops after one pass around a repeating context with nothing playable in it', () => {
    for (const { uri } of bench.rows) bench.unplayable.set(uri, new TonearmError({ kind: 'forbidden', code: 'spotify/restricted', message: 'No.' }));
    bench.command(play({ options: { repeatContext: true } }));
    for (let n = 0; n < 10; n++) bench.send({ type: 'waited', timer: 'retry' });
    expect(bench.count('load')).toBe(4);
    expect(bench.state).toMatchObject({ phase: 'paused', notice: { code: 'connect/nothing-playable' } });
  });

  it('becomes active with nothing to move, tells so at once, and resumes what it remembers', () => {
    bench.command(play());
    bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) });
    bench.done = [];
    expect(bench.command({ kind: 'transfer', from: null })).toBe(true);
    expect(bench.done.find((effect) => effect.type === 'report')).toEqual({ type: 'report', reason: 'claim' });
    expect(bench.state).toMatchObject({ isActive: true, phase: 'idle' });
    expect(bench.command({ kind: 'resume' })).toBe(true);
    expect(bench.state.phase).toBe('playing');
  });

  it('resumes at a place while loading, playing and paused', () => {
    bench.command(play());
    const go = (at: number): void => bench.send({ type: 'local', ticket: 900, command: { kind: 'resume', at }, by: 'mqtt' });
    go(20_000);
    expect(positionAt(bench.state, bench.now)).toBe(20_000);
    bench.command({ kind: 'pause' });
    go(30_000);
    expect(bench.state.phase).toBe('playing');
    expect(positionAt(bench.state, bench.now)).toBe(30_000);
    bench.isAutomatic = false;
    bench.command({ kind: 'next', row: null });
    go(40_000);
    bench.send({ type: 'loaded', id: bench.state.load?.id ?? '', track: track(id(1)), metadata: {} });
    expect(bench.deck?.at).toBe(40_000);
  });

  it('counts queue uids on above that of a queued row that came playing', () => {
    bench.command({
      kind: 'transfer',
      from: {
        context: source(), track: { ...row(9), uid: 'q4', provider: 'queue' }, contextUid: null, isQueued: true, queue: [], position: 0, timestamp: bench.now,
        wasPaused: false, paused: false, options: noOptions, origin: {}, suppressions: [], sessionId: null,
      },
    });
    bench.command({ kind: 'enqueue', row: { uri: id(8), uid: '', metadata: {} } });
    expect(bench.state.list.queue).toMatchObject([{ uid: 'q5' }]);
  });

  it('asks for a page that failed again with the next track, not before, and does not lose it', () => {
    bench.isAutomatic = false;
    bench.command(play());
    bench.send({ type: 'resolved', generation: bench.state.generation, context: { ...source([row(0), row(1)]), morePages: ['hm://a'] } });
    bench.send({ type: 'loaded', id: bench.state.load?.id ?? '', track: track(id(0)), metadata: {} });
    bench.send({ type: 'unresolved', generation: bench.state.generation, error: new TonearmError({ kind: 'timeout', code: 'x/y', message: 'Slow.' }) });
    bench.command({ kind: 'pause' });
    expect(bench.count('fetchPage')).toBe(1);
    bench.command({ kind: 'next', row: null });
    bench.send({ type: 'loaded', id: bench.state.load?.id ?? '', track: track(id(1)), metadata: {} });
    expect(bench.count('fetchPage')).toBe(2);
  });

  it('fetches all pages of what is shuffled', () => {
    bench.isAutomatic = false;
    bench.rows = Array.from({ length: 80 }, (_, n) => row(n));
    bench.command(play());
    bench.send({ type: 'resolved', generation: bench.state.generation, context: { ...source(bench.rows), morePages: ['hm://a'] } });
    bench.send({ type: 'loaded', id: bench.state.load?.id ?? '', track: track(id(0)), metadata: {} });
    expect(bench.count('fetchPage')).toBe(0);
    bench.command({ kind: 'options', options: { shuffle: true } });
    expect(bench.count('fetchPage')).toBe(1);
  });

  it('asks again for a playlist that was edited, and plays on', () => {
    bench.command(play());
    bench.isAutomatic = false;
    bench.done = [];
    bench.send({ type: 'modified', uri: 'spotify:playlist:other' });
    expect(bench.done).toEqual([]);
    bench.send({ type: 'modified', uri: playlist });
    expect(bench.count('resolve')).toBe(1);
    bench.send({ type: 'resolved', generation: bench.state.generation, context: source([row(5), row(0), row(6)]) });
    expect(bench.state.phase).toBe('playing');
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(6)]);
    expect(bench.done).toContainEqual({ type: 'report', reason: 'state' });
  });

  it('asks once more when a playlist is edited while it is asked for: that answer may be too old', () => {
    bench.command(play());
    bench.isAutomatic = false;
    bench.done = [];
    bench.send({ type: 'modified', uri: playlist });
    const { generation } = bench.state;
    bench.send({ type: 'modified', uri: playlist });
    expect(bench.count('resolve')).toBe(2);
    bench.send({ type: 'resolved', generation, context: source([row(0), row(5)]) });
    bench.send({ type: 'resolved', generation: bench.state.generation, context: source([row(0), row(6)]) });
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(6)]);
    expect(bench.state.resolving).toBeNull();
  });

  it('asks for a playlist that was edited while its first answer was on its way', () => {
    bench.isAutomatic = false;
    bench.command(play());
    const { generation } = bench.state;
    bench.send({ type: 'modified', uri: playlist });
    expect(bench.count('resolve')).toBe(1);
    bench.send({ type: 'resolved', generation, context: source([row(0), row(1)]) });
    expect(bench.count('resolve')).toBe(2);
    expect(bench.state).toMatchObject({ resolving: 'update', edited: null });
    bench.send({ type: 'resolved', generation: bench.state.generation, context: source([row(0), row(7)]) });
    expect(upcoming(bench.state.list, 9, false).map((r) => r.uri)).toEqual([id(7)]);
  });

  it('tells a cloud that has lost the state', () => {
    bench.command(play());
    bench.done = [];
    bench.send({ type: 'cluster', activeDevice: own, needsState: true });
    expect(bench.done).toEqual([{ type: 'report', reason: 'state' }]);
  });

  it('is silent and forgets everything on a log-out, and says that the track is over', () => {
    bench.command(play());
    bench.command({ kind: 'sleep', after: 1000 });
    bench.send({ type: 'loggedOut' });
    expect(bench.state).toMatchObject({ isActive: false, phase: 'idle', list: { rows: [] }, load: null, sleepAt: null });
    expect([...bench.timers.keys()]).toEqual([]);
    expect(bench.done.map((effect) => effect.type)).toEqual(expect.arrayContaining(['deckStop', 'trackEnded', 'release']));
  });
});

describe('after anything at all', () => {
  it('loads that were asked for are in use or forgotten', () => {
    const inputs: (() => void)[] = [
      () => void bench.command(play()),
      () => void bench.command(play({ start: { uid: 'u2', uri: id(2) }, options: { shuffle: true } })),
      () => void bench.command({ kind: 'next', row: null }),
      () => void bench.command({ kind: 'previous', mayRestart: false }),
      () => void bench.command({ kind: 'pause' }),
      () => void bench.command({ kind: 'resume' }),
      () => void bench.command({ kind: 'seek', to: 59_900, from: 'start' }),
      () => void bench.command({ kind: 'enqueue', row: { uri: id(9), uid: '', metadata: {} } }),
      () => void bench.command({ kind: 'options', options: { repeatTrack: true } }),
      () => bench.send({ type: 'waited', timer: 'prefetch' }),
      () => bench.send({ type: 'waited', timer: 'retry' }),
      () => bench.send({ type: 'waited', timer: 'follow' }),
      () => {
        if (bench.deck) bench.finish();
      },
      () => {
        bench.deck = null;
        bench.send({ type: 'failed', id: bench.state.load?.id ?? '', error: new TonearmError({ kind: 'corrupt', code: 'audio/damaged', message: 'Bad.' }) });
      },
      () => bench.send({ type: 'cluster', activeDevice: 'e'.repeat(40) }),
      () => bench.send({ type: 'outplayed' }),
      () => bench.send({ type: 'connected' }),
      () => bench.send({ type: 'disconnected' }),
      () => bench.send({ type: 'filtered' }),
      () => bench.send({ type: 'stalled', id: bench.state.load?.id ?? '', position: 1000 }),
      () => bench.send({ type: 'waited', timer: 'stall' }),
      () => bench.send({ type: 'waited', timer: 'pause' }),
      () => bench.send({ type: 'paused', id: bench.state.load?.id ?? '', position: 2000 }),
      () => void bench.command({ kind: 'pause' }),
      () => void (bench.now += 31_000),
      () => void bench.unplayable.set(id(1), new TonearmError({ kind: 'forbidden', code: 'spotify/key-refused', message: 'No key.' })),
      () => void bench.unplayable.set(id(2), new TonearmError({ kind: 'forbidden', code: 'spotify/key-refused', message: 'No key.' })),
      () => void bench.unplayable.set(id(2), new TonearmError({ kind: 'forbidden', code: 'spotify/restricted', message: 'No.' })),
      () => void bench.unplayable.set(id(3), new TonearmError({ kind: 'unavailable', code: 'spotify/no-connection', message: 'Away.' })),
      () => bench.unplayable.clear(),
      () => void bench.command({ kind: 'sleep', after: 'track' }),
      () => void (bench.isAutomatic = !bench.isAutomatic),
    ];
    fc.assert(
      fc.property(fc.array(fc.nat(inputs.length - 1), { maxLength: 60 }), (choices) => {
        bench = new Bench();
        for (const choice of choices) inputs[choice]?.();
        const alive = new Set<string>();
        for (const effect of bench.done) {
          if (effect.type === 'load') alive.add(effect.id);
          if (effect.type === 'forget') alive.delete(effect.id);
        }
        const used = new Set([bench.state.load?.id, bench.state.next?.id, bench.state.doubt?.probe?.id].filter((each) => each !== undefined));
        expect(alive).toEqual(used);
        if (!bench.state.isActive) expect(bench.deck).toBeNull();
        // What is held back is told at last.
        expect(bench.timers.has('pause')).toBe(bench.state.settling !== null);
      }),
      { numRuns: 300 },
    );
  });
});
