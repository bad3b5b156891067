import { describe, expect, it } from 'vitest';
import type { Command, Deck, DeckEvents, Lease, Origin, Source, SourceEvents, SourceState, Store, Uri, Zone } from '#core';
import { Emitter, FakeClock, silentLog } from '#foundation';
import { openZone } from './zone.ts';

class FakeDeck implements Deck {
  readonly emitter = new Emitter<DeckEvents>();
  readonly events = this.emitter.events;
  readonly gains: number[] = [];
  stops = 0;
  isClosed = false;
  play(): void {}
  follow(): void {}
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
  };
  return { ...store, sealed: store };
}

async function setup(values?: Record<string, unknown>) {
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
    { id: 'kitchen', name: 'Kitchen', initialVolume: 0.5, curve: 'linear' },
    { host: { clock, log: silentLog, store }, deck, sources: [open('connect'), open('files')] },
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
    expect(player.state.volume).toEqual({ level: 0.5, muted: true });
    await player.dispatch([{ kind: 'volume', level: 0.6 }], 'mqtt');
    expect(deck.gains.at(-1)).toBe(0.6);
    expect(player.state.volume).toEqual({ level: 0.6, muted: false });
  });

  it('keeps the level when a source hears its own mute back, and takes any other volume from it', async () => {
    const { player, connect } = await setup();
    await player.dispatch([{ kind: 'mute', muted: true }], 'mqtt');
    connect.zone.setVolume(0, 'phone');
    expect(player.state.volume).toEqual({ level: 0.5, muted: true });
    connect.zone.setVolume(0.3, 'phone');
    expect(player.state.volume).toEqual({ level: 0.3, muted: false });
    connect.zone.setVolume(0, 'phone');
    expect(player.state.volume).toEqual({ level: 0, muted: false });
  });

  it('saves the volume two seconds after the last touch, and at the end; starts with the saved one', async () => {
    const { player, clock, store, zone } = await setup({ 'volume-kitchen': { level: 0.25, muted: false } });
    expect(player.state.volume.level).toBe(0.25);
    await player.dispatch([{ kind: 'volume', level: 0.3 }], 'mqtt');
    await clock.advance(1900);
    expect(await store.read('volume-kitchen')).toMatchObject({ level: 0.25 });
    await clock.advance(200);
    expect(await store.read('volume-kitchen')).toMatchObject({ level: 0.3 });
    await player.dispatch([{ kind: 'volume', level: 0.9 }], 'mqtt');
    await zone[Symbol.asyncDispose]();
    expect(await store.read('volume-kitchen')).toMatchObject({ level: 0.9 });
    expect(clock.pending).toBe(0);
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
