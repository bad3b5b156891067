import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TonearmError } from '#foundation';
import { id, row, seeded } from './context/list.fixture.ts';
import { isLoadable, type Row } from './context/row.ts';
import { currentRow, upcoming } from './context/track-list.ts';
import type { ContextSource, DeviceCommand, DeviceEffect, DeviceInput } from './device-messages.ts';
import { step } from './device-machine.ts';
import { initialState, type DeviceState } from './device-state.ts';

const own = 'd'.repeat(40);
const phone = 'c'.repeat(40);
const playlist = 'spotify:playlist:2RnhhsLPpUvzQ23I6FTEL7';
const source = (rows: readonly Row[], uri = playlist, morePages: readonly string[] = []): ContextSource => ({ uri, url: `context://${uri}`, metadata: {}, restrictions: {}, rows, morePages });
const failure = (kind: 'unavailable' | 'not-found') => new TonearmError({ kind, code: `test/${kind}`, message: 'No.' });
type Question = Extract<DeviceEffect, { type: 'resolve' | 'fetchPage' | 'autoplay' | 'load' }>;

/** The world around the machine: everything it asks is answered when and how the test says, in any order. */
class World {
  state: DeviceState = initialState('s', 0);
  now = 1_700_000_000_000;
  isAutoplay = true;
  readonly timers = new Map<string, number>();
  questions: Question[] = [];
  deck: { readonly id: string; readonly follow: string | null } | null = null;
  readonly #below = seeded(7);
  readonly #inbox: DeviceInput[] = [];
  #ids = 0;
  #pages = 0;
  #isBusy = false;

  constructor() {
    this.send({ type: 'connected' });
    this.command({ kind: 'play', context: source([]), start: null, at: null, paused: false, options: null, origin: {}, suppressions: [] });
  }

  command(command: DeviceCommand): void {
    this.now += 37;
    this.send({ type: 'request', ticket: ++this.#ids, messageId: ++this.#ids, sentBy: phone, endpoint: command.kind, command });
  }

  send(input: DeviceInput): void {
    this.#inbox.push(input);
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
      const { state, effects } = step(this.state, next, { now: this.now, deviceId: own, newId: () => `i${++this.#ids}`, below: this.#below, autoplay: this.isAutoplay });
      this.state = state;
      for (const effect of effects) this.#perform(effect);
    }
    this.#isBusy = false;
  }

  fire(): void {
    const [soonest] = [...this.timers].filter(([name]) => name !== 'prefetch').sort(([, a], [, b]) => a - b);
    if (!soonest) return;
    const [name, at] = soonest;
    this.timers.delete(name);
    this.now = Math.max(this.now, at);
    this.send({ type: 'waited', timer: name as Extract<DeviceInput, { type: 'waited' }>['timer'] });
  }

  end(): void {
    if (!this.deck) return;
    this.now += 60_000;
    const { id: ended, follow } = this.deck;
    this.deck = follow === null ? null : { id: follow, follow: null };
    this.send({ type: 'ended', id: ended });
    if (follow !== null && this.deck?.id === follow) this.send({ type: 'playing', id: follow, position: 0 });
  }

  /** Answers the question that waits at this place. */
  answer(at: number, how: 'well' | 'later' | 'no'): void {
    const question = this.questions[at % Math.max(1, this.questions.length)];
    if (!question) return;
    this.questions = this.questions.filter((each) => each !== question);
    const isPage = question.type === 'fetchPage';
    if (question.type === 'load') {
      const duration = 60_000;
      const { uri } = question.row;
      if (how !== 'well') this.send({ type: 'unloadable', id: question.id, error: failure(how === 'no' ? 'not-found' : 'unavailable') });
      else this.send({ type: 'loaded', id: question.id, metadata: {}, track: { uri, kind: 'track', title: uri, artists: [], album: '', duration, covers: [], explicit: false } });
    } else if (question.type === 'autoplay') {
      const { ticket } = question;
      if (how === 'well') this.send({ type: 'continued', ticket, context: source([60, 61, 62].map((n) => row(n)), 'spotify:station:x', ['hm://more']) });
      else this.send({ type: 'notContinued', ticket, error: failure(how === 'no' ? 'not-found' : 'unavailable') });
    } else {
      const { generation } = question;
      const page = ++this.#pages;
      if (how !== 'well') this.send({ type: 'unresolved', generation, error: failure(how === 'no' ? 'not-found' : 'unavailable') });
      else if (isPage) this.send({ type: 'page', generation, rows: page % 3 === 0 ? [] : [row(100 + page)], morePages: page % 2 === 0 ? [`hm://${page}`] : [] });
      else this.send({ type: 'resolved', generation, context: { ...question.context, rows: [row(0), row(1), row(2)], morePages: page % 2 === 0 ? ['hm://first'] : [] } });
    }
  }

  /** Everything is answered well from now on, and time passes. */
  async calm(): Promise<void> {
    for (let turn = 0; turn < 200 && this.state.phase === 'loading'; turn++) {
      if (this.questions.length > 0) this.answer(0, 'well');
      else this.fire();
    }
  }

  #perform(effect: DeviceEffect): void {
    switch (effect.type) {
      case 'timer':
        if (effect.delay === null) this.timers.delete(effect.name);
        else this.timers.set(effect.name, this.now + effect.delay);
        return;
      case 'resolve':
      case 'fetchPage':
        // One question about the context at a time, as the shell has it.
        this.questions = [...this.questions.filter(({ type }) => type !== 'resolve' && type !== 'fetchPage'), effect];
        return;
      case 'autoplay':
        this.questions = [...this.questions.filter(({ type }) => type !== 'autoplay'), effect];
        return;
      case 'load':
        this.questions.push(effect);
        return;
      case 'forget':
        this.questions = this.questions.filter((each) => each.type !== 'load' || each.id !== effect.id);
        return;
      case 'deckPlay':
        this.deck = { id: effect.id, follow: null };
        this.send({ type: effect.paused ? 'paused' : 'playing', id: effect.id, position: effect.at });
        return;
      case 'deckFollow':
        if (this.deck) this.deck = { ...this.deck, follow: effect.id };
        return;
      case 'deckPause':
      case 'deckResume':
        if (this.deck) this.send({ type: effect.type === 'deckPause' ? 'paused' : 'playing', id: this.deck.id, position: 1000 });
        return;
      case 'deckStop':
        this.deck = null;
        return;
      default:
        return;
    }
  }
}

/** Whether something will happen by itself while nothing is heard. */
function isWaitingForSomething({ state, questions, timers }: World): boolean {
  const asks = (type: Question['type']) => questions.some((question) => question.type === type);
  if (timers.has('retry')) return true;
  if (state.load) return state.load.isInDeck || questions.some((question) => question.type === 'load');
  if (timers.has('skip')) return true;
  if (state.resolving === 'page') return asks('fetchPage') || timers.has('page');
  if (state.resolving === 'autoplay') return asks('autoplay');
  return state.resolving === 'start' && asks('resolve');
}

const actions: Readonly<Record<string, (world: World, n: number) => void>> = {
  next: (world) => world.command({ kind: 'next', row: null }),
  soon: (world) => {
    world.now += 400;
    world.command({ kind: 'next', row: null });
  },
  click: (world, n) => {
    const rows = upcoming(world.state.list, 9, world.state.options.repeatContext);
    const chosen = rows[n % Math.max(1, rows.length)];
    if (chosen) world.command({ kind: 'next', row: chosen });
  },
  back: (world) => world.command({ kind: 'previous', mayRestart: false }),
  pause: (world) => world.command({ kind: 'pause' }),
  resume: (world) => world.command({ kind: 'resume' }),
  seek: (world, n) => world.command({ kind: 'seek', to: n * 997, from: 'start' }),
  queue: (world, n) => world.command({ kind: 'enqueue', row: { uri: id(200 + n), uid: '', metadata: {} } }),
  edit: (world) => world.command({ kind: 'edit', rows: [...upcoming(world.state.list, 4, false)].reverse() }),
  options: (world, n) => world.command({ kind: 'options', options: { shuffle: n % 2 === 0, repeatContext: n % 3 === 0, repeatTrack: n % 5 === 0 } }),
  play: (world, n) => world.command({ kind: 'play', context: source([]), start: n % 2 === 0 ? { uri: id(n % 4), uid: `u${n % 4}` } : null, at: null, paused: n % 3 === 0, options: null, origin: {}, suppressions: [] }),
  lost: (world) => world.send({ type: 'cluster', activeDevice: 'e'.repeat(40), isAnswer: true }),
  stop: (world) => world.send({ type: 'local', ticket: 0, command: { kind: 'stop' }, by: 'mqtt' }),
  onward: (world) => world.send({ type: 'local', ticket: 0, command: { kind: 'resume' }, by: 'mqtt' }),
  modified: (world) => world.send({ type: 'modified', uri: playlist }),
  well: (world, n) => world.answer(n, 'well'),
  fine: (world) => world.answer(0, 'well'),
  later: (world, n) => world.answer(n, 'later'),
  no: (world, n) => world.answer(n, 'no'),
  end: (world) => world.end(),
  fire: (world) => world.fire(),
  autoplay: (world, n) => void (world.isAutoplay = n % 4 !== 0),
};

describe('whatever people press and the cloud answers', () => {
  it('the machine never waits for nothing, loads what its list shows, and comes to rest when the answers come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...Object.keys(actions)), fc.nat(60)), { maxLength: 60 }), async (chosen) => {
        const world = new World();
        for (const [name, n] of chosen) {
          actions[name]?.(world, n);
          const { state } = world;
          if (!state.isActive) continue;
          if (state.phase === 'loading') expect([name, isWaitingForSomething(world), state.resolving]).toEqual([name, true, state.resolving]);
          const current = currentRow(state.list);
          if (state.load) {
            expect(current?.uri).toBe(state.load.row.uri);
            expect(isLoadable(state.load.row)).toBe(true);
          }
          if (state.load?.isInDeck === true && world.deck) expect(world.deck.id).toBe(state.load.id);
          const uids = [...(state.list.aside?.from === 'queue' ? [state.list.aside.row] : []), ...state.list.queue].map(({ uid }) => uid);
          expect(new Set(uids).size).toBe(uids.length);
          expect(new Set(state.list.order).size).toBe(state.list.rows.length);
        }
        await world.calm();
        expect(['playing', 'paused', 'idle']).toContain(world.state.phase);
      }),
      { numRuns: 500 },
    );
  });
});
