import { describe, expect, it } from 'vitest';
import type { Command, Deck, DeckEvents, Lease, Origin, Playable, Source, SourceEvents, SourceState, Store, Track, Uri, Zone } from '#core';
import { Emitter, FakeClock, silentLog } from '#foundation';
import { Neighbours } from './neighbours.ts';
import { openZone } from './zone.ts';

class FakeDeck implements Deck {
  readonly emitter = new Emitter<DeckEvents>();
  readonly events = this.emitter.events;
  readonly gains: number[] = [];
  stops = 0;
  isClosed = false;
  play(): void {}
  follow(): void {}
  preparations = 0;
  prepare(): void {
    this.preparations += 1;
  }
  refresh(): void {}
  pause(): void {}
  resume(): void {}
  seek(): void {}
  stop(): void {
    this.stops += 1;
  }
  setGain(gain: number): void {
    this.gains.push(gain);
  }
  output = { name: 'null', choices: ['auto', 'null'] };
  readonly said: { readonly uri: Uri; readonly id: string; readonly gain: number; readonly duck: number }[] = [];
  hushes = 0;
  announce({ track: { uri } }: Playable, options: { readonly id: string; readonly gain: number; readonly duck: number }): void {
    this.said.push({ uri, ...options });
  }
  hush(): void {
    this.hushes += 1;
  }
  async useOutput(name: string): Promise<void> {
    this.output = { ...this.output, name };
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
  }
}

class FakeSource implements Source {
  readonly emitter = new Emitter<SourceEvents>();
  readonly events = this.emitter.events;
  readonly done: { command: Command; by: Origin; level: number }[] = [];
  readonly name: string;
  readonly zone: Zone;
  lease: Lease | null = null;
  state: SourceState = {
    status: 'stopped', track: null, position: { at: 0, measured: 0 }, order: { shuffle: false, repeat: 'off' }, queue: { context: null, next: [] },
    account: { name: null, connected: true }, notice: null, accepts: new Set(['play']),
  };
  constructor(name: string, zone: Zone) {
    this.name = name;
    this.zone = zone;
  }
  plays(uri: Uri): boolean {
    return uri.startsWith(`${this.name}:`);
  }
  async execute(command: Command, by: Origin): Promise<void> {
    this.done.push({ command, by, level: this.zone.volume.level });
    if (command.kind === 'play') this.lease = this.zone.claim(this.name, by);
  }
  show(patch: Partial<SourceState>, by: Origin): void {
    this.state = { ...this.state, ...patch };
    this.emitter.emit('changed', { state: this.state, by });
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

function fakeStore(values: Record<string, unknown> = {}): Store {
  const map = new Map(Object.entries(values));
  const store = {
    read: async (name: string) => map.get(name) ?? null,
    write: async (name: string, value: unknown) => void map.set(name, value),
    remove: async (name: string) => void map.delete(name),
    names: async () => [],
  };
  return { ...store, sealed: store };
}

const track: Track = { uri: 'files:a', kind: 'file', title: 'A', artists: [], album: '', duration: 60_000, covers: [], explicit: false };

async function setup(values?: Record<string, unknown>, neighbours?: Neighbours, id = 'kitchen') {
  const clock = new FakeClock();
  const deck = new FakeDeck();
  const store = fakeStore(values);
  const sources: FakeSource[] = [];
  const open = (name: string) => async (zone: Zone) => {
    const source = new FakeSource(name, zone);
    sources.push(source);
    return source;
  };
  const zone = await openZone(
    { id, name: id, initialVolume: 0.5, curve: 'linear' },
    { host: { clock, log: silentLog, store }, deck, sources: [open('connect'), open('files')], neighbours },
  );
  const [connect, files] = sources as [FakeSource, FakeSource];
  return { clock, deck, store, zone, player: zone.player, connect, files };
}

describe('zone', () => {
  it('applies volume before sound, whatever the order of the commands', async () => {
    const { player, connect } = await setup();
    await player.dispatch([{ kind: 'play', uri: 'connect:x' }, { kind: 'volume', level: 0.1 }], 'mqtt');
    expect(connect.done[0]?.level).toBe(0.1);
  });

  it('sends a URI to the source that plays it and everything else to the holder', async () => {
    const { player, connect, files } = await setup();
    await player.dispatch([{ kind: 'play', uri: 'files:a' }], 'http');
    await player.dispatch([{ kind: 'pause' }], 'http');
    expect(files.done.map((each) => each.command.kind)).toEqual(['play', 'pause']);
    expect(connect.done).toEqual([]);
    await expect(player.dispatch([{ kind: 'play', uri: 'nobody:b' }], 'http')).rejects.toMatchObject({ kind: 'invalid', code: 'zones/nothing-plays' });
  });

  it('has the deck made ready as soon as a source is to play, and again when it is asked to once more', async () => {
    const { player, connect, deck } = await setup();
    expect(deck.preparations).toBe(0);
    await player.dispatch([{ kind: 'play', uri: 'connect:x' }], 'phone');
    expect(deck.preparations).toBe(1);
    connect.lease?.renew('phone');
    expect(deck.preparations).toBe(2);
  });

  it('lets the newest claim be heard: the old holder hears its signal and the deck falls silent', async () => {
    const { player, connect, files, deck } = await setup();
    await player.dispatch([{ kind: 'play', uri: 'connect:a' }], 'phone');
    const { lease } = connect;
    await player.dispatch([{ kind: 'play', uri: 'files:a' }], 'automation:alarm');
    expect(lease?.signal.aborted).toBe(true);
    expect(deck.stops).toBe(1);
    expect(player.state).toMatchObject({ source: 'files', by: { started: 'automation:alarm' } });
    lease?.[Symbol.dispose]();
    expect(player.state.source).toBe('files');
    files.lease?.[Symbol.dispose]();
    expect(player.state.source).toBeNull();
  });

  it('announces what a viewer can see, once, and nothing else', async () => {
    const { player, connect } = await setup();
    const seen: number[] = [];
    player.events.on('changed', ({ state, previous }) => seen.push(state.revision - previous.revision));
    connect.show({ status: 'playing' }, 'phone');
    connect.show({ status: 'playing' }, 'phone');
    await player.dispatch([{ kind: 'volume', level: 0.5 }], 'mqtt');
    expect(seen).toEqual([1]);
    expect(player.state.by.changed).toBe('phone');
    expect(Object.isFrozen(player.state)).toBe(true);
  });

  it('mutes without forgetting the level, and unmutes when somebody touches the volume', async () => {
    const { player, deck } = await setup();
    await player.dispatch([{ kind: 'mute', muted: true }], 'mqtt');
    expect(deck.gains.at(-1)).toBe(0);
    expect(player.state.volume).toMatchObject({ level: 0.5, muted: true });
    await player.dispatch([{ kind: 'volume', level: 0.6 }], 'mqtt');
    expect(deck.gains.at(-1)).toBe(0.6);
    expect(player.state.volume).toMatchObject({ level: 0.6, muted: false });
  });

  it('keeps the level when a source hears its own mute back, and takes any other volume from it', async () => {
    const { player, connect } = await setup();
    await player.dispatch([{ kind: 'mute', muted: true }], 'mqtt');
    connect.zone.setVolume(0, 'phone');
    expect(player.state.volume).toMatchObject({ level: 0.5, muted: true });
    connect.zone.setVolume(0.3, 'phone');
    expect(player.state.volume).toMatchObject({ level: 0.3, muted: false });
    connect.zone.setVolume(0, 'phone');
    expect(player.state.volume).toMatchObject({ level: 0, muted: false });
  });

  it('saves the volume two seconds after the last touch, when asked, and at the end; starts with the saved one', async () => {
    const { player, clock, store, zone } = await setup({ 'volume-kitchen': { level: 0.25, muted: false } });
    expect(player.state.volume.level).toBe(0.25);
    await player.dispatch([{ kind: 'volume', level: 0.3 }], 'mqtt');
    await clock.advance(1900);
    expect(await store.read('volume-kitchen')).toMatchObject({ level: 0.25 });
    await clock.advance(200);
    expect(await store.read('volume-kitchen')).toMatchObject({ level: 0.3 });
    await player.dispatch([{ kind: 'volume', level: 0.5 }], 'mqtt');
    await zone.keep();
    expect([await store.read('volume-kitchen'), clock.pending]).toMatchObject([{ level: 0.5 }, 0]);
    await player.dispatch([{ kind: 'volume', level: 0.9 }], 'mqtt');
    await zone[Symbol.asyncDispose]();
    expect(await store.read('volume-kitchen')).toMatchObject({ level: 0.9 });
    expect(clock.pending).toBe(0);
  });

  it('waits at the end for a volume that is being saved, and saves the newest one last', async () => {
    const { player, clock, store, zone } = await setup();
    const write = store.write.bind(store);
    const waiting: (() => void)[] = [];
    store.write = async (name, value) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      await write(name, value);
    };
    await player.dispatch([{ kind: 'volume', level: 0.3 }], 'mqtt');
    await clock.advance(2000);
    await player.dispatch([{ kind: 'volume', level: 0.9 }], 'mqtt');
    let isClosed = false;
    const closing = zone[Symbol.asyncDispose]().then(() => (isClosed = true));
    await clock.advance(0);
    expect([isClosed, waiting.length]).toEqual([false, 1]);
    waiting[0]?.();
    await clock.advance(0);
    waiting[1]?.();
    await closing;
    expect(await store.read('volume-kitchen')).toMatchObject({ level: 0.9 });
  });

  it('gives what plays to another zone in its own words when the source knows no better', async () => {
    const neighbours = new Neighbours();
    const kitchen = await setup({}, neighbours);
    const bath = await setup({}, neighbours, 'bath');
    await kitchen.player.dispatch([{ kind: 'play', uri: 'files:a' }], 'http');
    kitchen.files.show({ status: 'playing', track, position: { at: 10_000, measured: kitchen.clock.now() }, order: { shuffle: true, repeat: 'queue' }, queue: { context: { uri: 'files:list', title: null }, next: [{ uri: 'files:wished', title: null, queued: true }, { uri: 'files:b', title: null, queued: false }] } }, 'http');
    await kitchen.clock.advance(5000);
    await kitchen.player.dispatch([{ kind: 'transfer', to: 'BATH' }], 'homekit');
    expect(bath.files.done.map(({ command }) => command)).toEqual([
      { kind: 'play', uri: 'files:list', from: 'files:a', at: 15_000, shuffle: true },
      { kind: 'repeat', mode: 'queue' },
      { kind: 'enqueue', uri: 'files:wished' },
    ]);
    expect(kitchen.files.done.at(-1)).toMatchObject({ command: { kind: 'stop' }, by: 'homekit' });
    for (const each of [kitchen, bath]) await each.zone[Symbol.asyncDispose]();
    expect(neighbours.count).toBe(0);
  });

  it('goes on here with what the other zone does not take', async () => {
    const neighbours = new Neighbours();
    const kitchen = await setup({}, neighbours);
    const bath = await setup({}, neighbours, 'bath');
    bath.files.execute = () => Promise.reject(new Error('no'));
    await kitchen.player.dispatch([{ kind: 'play', uri: 'files:a' }], 'http');
    kitchen.files.show({ status: 'playing', track }, 'http');
    await expect(kitchen.player.dispatch([{ kind: 'transfer', to: 'bath' }], 'http')).rejects.toThrow('no');
    expect(kitchen.files.done.map(({ command }) => command.kind)).toEqual(['play']);
  });

  it('shows account and troubles of the zone also while another source plays', async () => {
    const { player, connect } = await setup();
    connect.show({ account: { name: 'ann', connected: true }, notice: { code: 'x/y', message: 'Look.' } }, 'tonearm');
    await player.dispatch([{ kind: 'play', uri: 'files:a' }], 'automation:alarm');
    expect(player.state).toMatchObject({ source: 'files', account: { name: 'ann' }, notice: { code: 'x/y' } });
  });

  it('keeps who started through everything but a new play', async () => {
    const { player, files } = await setup();
    await player.dispatch([{ kind: 'play', uri: 'files:a' }], 'automation:alarm');
    files.show({ status: 'paused' }, 'phone');
    expect(player.state.by).toEqual({ started: 'automation:alarm', changed: 'phone' });
    files.lease?.renew('phone');
    expect(player.state.by).toEqual({ started: 'phone', changed: 'phone' });
    files.lease?.release('mqtt');
    expect(player.state.by).toEqual({ started: null, changed: 'mqtt' });
    // Whoever has lost the zone has no say in it.
    files.lease?.renew('http');
    expect(player.state.by.started).toBeNull();
  });

  it('announces at its own loudness: the curve, the limit and mute are minded, the chime comes first', async () => {
    const { player, deck } = await setup();
    const say = (level?: number, chime = false) => player.dispatch([{ kind: 'announce', uri: 'http://192.0.2.1/a', level, chime }], 'mqtt');
    await say();
    await say(0.9, true);
    await player.dispatch([{ kind: 'limit', level: 0.3 }], 'mqtt');
    await say(0.9);
    await player.dispatch([{ kind: 'mute', muted: true }], 'mqtt');
    await say();
    await say(0.2);
    expect(deck.said.map(({ uri, gain }) => [uri, gain])).toEqual([
      ['http://192.0.2.1/a', 0.5],
      ['sound:chime', 0.9],
      ['http://192.0.2.1/a', 0.9],
      ['http://192.0.2.1/a', 0.3],
      ['http://192.0.2.1/a', 0],
      ['http://192.0.2.1/a', 0.2],
    ]);
    expect(new Set(deck.said.map(({ duck }) => duck))).toEqual(new Set([0.2]));
    expect(player.state.volume.level).toBe(0.3);
  });

  it('stop takes back an announcement that is not heard yet, and is no mistake then', async () => {
    const { player, deck, connect } = await setup();
    connect.execute = () => Promise.reject(new Error('There is nothing to stop.'));
    await player.dispatch([{ kind: 'announce', uri: 'http://192.0.2.1/a', chime: false }], 'mqtt');
    await player.dispatch([{ kind: 'stop' }], 'mqtt');
    expect(deck.hushes).toBe(1);
    await expect(player.dispatch([{ kind: 'announce', uri: 'http://192.0.2.1/a', chime: false }, { kind: 'stop' }], 'mqtt')).resolves.toBeUndefined();
  });

  it('does commands that came together in the order that cannot be loud', async () => {
    const { player, connect, deck } = await setup();
    await player.dispatch([{ kind: 'play', uri: 'connect:a' }, { kind: 'fade', to: 0.4, over: 10_000, curve: 'linear' }, { kind: 'mute', muted: false }, { kind: 'volume', level: 0.9 }, { kind: 'limit', level: 0.2 }, { kind: 'output', output: 'auto' }], 'automation:alarm');
    expect(connect.done[0]?.level).toBe(0.2);
    expect(Math.max(...deck.gains.slice(1))).toBe(0.2);
    expect(player.state).toMatchObject({ output: { name: 'auto' }, volume: { level: 0.2, limit: 0.2, fading: { to: 0.2 } } });
  });

  describe('the sleep timer', () => {
    /** In the middle of its fade-out. */
    async function fading() {
      const opened = await setup();
      const { player, connect, clock } = opened;
      await player.dispatch([{ kind: 'play', uri: 'connect:a' }, { kind: 'sleep', after: 40_000, fade: 30_000 }], 'mqtt');
      connect.show({ status: 'playing', track }, 'mqtt');
      await clock.advance(25_000);
      expect(player.state.volume.level).toBeLessThan(0.4);
      return opened;
    }

    it('goes on for whoever takes the zone over in its fade-out', async () => {
      const { player, files, clock } = await fading();
      await player.dispatch([{ kind: 'play', uri: 'files:a' }], 'phone');
      expect(player.state).toMatchObject({ source: 'files', status: 'stopped' });
      files.show({ status: 'loading', track }, 'phone');
      await clock.advance(200);
      files.show({ status: 'playing' }, 'tonearm');
      await clock.advance(10_000);
      expect(player.state.sleep).not.toBeNull();
      expect(player.state.volume.level).toBeLessThan(0.2);
      await clock.advance(4900);
      expect(files.done.at(-1)?.command).toEqual({ kind: 'pause' });
      files.show({ status: 'paused' }, 'mqtt');
      await clock.advance(1000);
      expect(player.state).toMatchObject({ sleep: null, volume: { level: 0.5 } });
      expect(clock.pending).toBe(1);
    });

    it('is over a second after a pause in its fade-out', async () => {
      const { player, connect, clock } = await fading();
      connect.show({ status: 'paused' }, 'phone');
      await clock.advance(1000);
      expect(player.state).toMatchObject({ sleep: null, volume: { level: 0.5 } });
    });

    it('leaves what cannot be paused faded out until it ends', async () => {
      const { player, connect, clock } = await fading();
      connect.execute = () => Promise.reject(new Error('no'));
      await clock.advance(60_000);
      expect(player.state).toMatchObject({ status: 'playing', sleep: null, volume: { level: 0 } });
      connect.show({ status: 'stopped' }, 'phone');
      await clock.advance(1000);
      expect(player.state.volume.level).toBe(0.5);
    });

    it('is over for what begins right after it', async () => {
      const { player, connect, clock } = await fading();
      connect.execute = async () => connect.show({ status: 'paused' }, 'mqtt');
      await clock.advance(15_500);
      expect(player.state).toMatchObject({ status: 'paused', sleep: null, volume: { level: 0 } });
      connect.show({ status: 'playing' }, 'phone');
      expect(player.state.volume.level).toBe(0.5);
    });

    it('that is set before the volume is back knows which one that is', async () => {
      const { player, connect, clock } = await fading();
      connect.execute = async () => connect.show({ status: 'paused' }, 'mqtt');
      await clock.advance(15_500);
      await player.dispatch([{ kind: 'sleep', after: 10_000, fade: 10_000 }], 'http');
      expect(player.state.volume.level).toBe(0.5);
      connect.show({ status: 'playing' }, 'phone');
      await clock.advance(20_000);
      expect(player.state.volume.level).toBe(0.5);
    });
  });

  it.each(['idle', 'busy', 'twice'])('closes %s', async (how) => {
    const { zone, player, connect, deck, clock } = await setup();
    if (how !== 'idle') await player.dispatch([{ kind: 'play', uri: 'connect:a' }, { kind: 'volume', level: 0.2 }], 'mqtt');
    await zone[Symbol.asyncDispose]();
    if (how === 'twice') await zone[Symbol.asyncDispose]();
    expect(deck.isClosed).toBe(true);
    expect(clock.pending).toBe(0);
    if (how !== 'idle') expect(connect.lease?.signal.aborted).toBe(true);
  });
});
