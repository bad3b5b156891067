import { z } from 'zod';
import { Command, type CommandInput, type Lease, type Origin, type PlayStatus, type Player, type Source, type SourceEvents, type SourceState, type Store, type Zone, type ZoneView } from '#core';
import { Emitter, FakeClock, Scope, silentLog, TonearmError } from '#foundation';
import { Neighbours, openPresets, openZone } from '#zones';
import { AlarmSettings, HolidaysSettings, LocationSettings, openAutomations, PresenceSettings, QuietHoursSettings, Rules, TagsSettings, type AutomationsContext, type OpenAutomations } from '#automations';
import { HomeBroker } from './home-broker.ts';
import { noPrograms } from './no-programs.ts';
import { SoundingDeck } from './sounding-deck.ts';

/** Plays whatever it is asked to at once and without a sound: what counts is who asked. */
export class HomeSource implements Source {
  readonly name = 'connect';
  readonly #emitter = new Emitter<SourceEvents>();
  readonly events = this.#emitter.events;
  readonly #zone: Zone;
  /** The cloud is away: nothing can be played. */
  isBroken = false;
  #lease: Lease | null = null;
  /** What `next` goes on with; `!` at the end: explicit. */
  next: string[] = [];
  state: SourceState = {
    status: 'stopped', track: null, position: { at: 0, measured: 0 }, order: { shuffle: false, repeat: 'off' }, queue: { context: null, next: [] },
    account: { name: 'anna@example.org', connected: true }, notice: null, accepts: new Set(['play', 'pause', 'stop', 'next']),
  };

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  plays(): boolean {
    return true;
  }

  execute(command: Command, by: Origin): Promise<void> {
    if (this.isBroken && command.kind === 'play') return Promise.reject(new TonearmError({ kind: 'unavailable', code: 'test/away', message: 'The cloud is away.' }));
    if (command.kind === 'play') {
      if (command.uri !== undefined) {
        if (this.#lease) this.#lease.renew(by);
        else this.#lease = this.#zone.claim(this.name, by);
        const { uri } = command;
        this.#load(uri, by);
      } else this.#show({ status: 'playing' }, by);
    } else if (command.kind === 'pause') this.#show({ status: 'paused' }, by);
    else if (command.kind === 'next') {
      const uri = this.next.shift();
      if (uri === undefined) return Promise.reject(new TonearmError({ kind: 'conflict', code: 'test/nothing-next', message: 'Nothing comes next.' }));
      this.#load(uri, by);
    } else if (command.kind === 'stop') {
      const lease = this.#lease;
      this.#lease = null;
      this.#show({ status: 'stopped', track: null }, by);
      lease?.release(by);
    }
    return Promise.resolve();
  }

  /** Told twice, as real ones do. */
  #load(uri: string, by: Origin): void {
    const track = { uri, kind: 'track', title: uri.split(':').at(-1) ?? uri, artists: ['Somebody'], album: 'Album', duration: 200_000, covers: [], explicit: uri.endsWith('!') } as const;
    this.#show({ status: 'loading', track }, by);
    // Whoever heard the first may have done something.
    if (this.state.track === track && this.state.status === 'loading') this.#show({ status: 'playing', track: { ...track } }, by);
  }

  /** The last track has come to its end. */
  finish(): void {
    const { track } = this.state;
    if (track) this.#emitter.emit('ended', { track, reason: 'finished' });
    this.#show({ status: 'paused' }, 'tonearm');
  }

  #show(patch: { readonly status: PlayStatus } & Partial<SourceState>, by: Origin): void {
    this.state = { ...this.state, ...patch };
    this.#emitter.emit('changed', { state: this.state, by });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Keeps values as long as the test lives: a restart finds them. */
export class HomeStore {
  readonly values = new Map<string, unknown>();
  writes = 0;
  isFull = false;
  readonly store: Store;

  constructor() {
    const space = {
      read: (name: string) => Promise.resolve(structuredClone(this.values.get(name) ?? null)),
      write: (name: string, value: unknown) => {
        if (this.isFull) return Promise.reject(new Error('The disk is full.'));
        this.writes += 1;
        this.values.set(name, structuredClone(value));
        return Promise.resolve();
      },
      remove: (name: string) => Promise.resolve(void this.values.delete(name)),
      names: (prefix: string) => Promise.resolve([...this.values.keys()].filter((name) => name.startsWith(prefix))),
    };
    this.store = { ...space, sealed: space };
  }
}

/** What is about automations in a configuration, as people write it. */
const HomeSettings = z.strictObject({
  automations: Rules.default([]),
  alarms: z.array(AlarmSettings).default([]),
  presence: PresenceSettings.prefault({}),
  location: LocationSettings.default({ latitude: 52.52, longitude: 13.405, timezone: 'Europe/Berlin' }),
  quietHours: QuietHoursSettings.optional(),
  holidays: HolidaysSettings.optional(),
  tags: TagsSettings.optional(),
});
export type HomeSettings = z.input<typeof HomeSettings>;

export interface HomeOptions {
  /** ISO moment the day begins at. */
  readonly at?: string;
  readonly zones?: readonly string[];
  readonly clock?: FakeClock;
  readonly memory?: HomeStore;
  readonly broker?: HomeBroker;
  readonly presets?: readonly { readonly name: string; readonly uri: string; readonly zones?: string[] }[];
  readonly far?: Pick<AutomationsContext, 'request' | 'launch'>;
}

/** Real zones with pretended music, a pretended broker, and the automations: everything that decides, nothing that sounds. */
export class Home implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly broker: HomeBroker;
  readonly memory: HomeStore;
  readonly zones: ZoneView[] = [];
  readonly sources = new Map<string, HomeSource>();
  readonly #scope = new Scope();
  automations!: OpenAutomations;

  private constructor({ at = '2026-11-23T12:00:00Z', clock, memory, broker }: HomeOptions) {
    this.clock = clock ?? new FakeClock(Date.parse(at));
    this.memory = memory ?? new HomeStore();
    this.broker = broker ?? new HomeBroker();
  }

  static async open(settings: HomeSettings, options: HomeOptions = {}): Promise<Home> {
    const home = new Home(options);
    const host = { clock: home.clock, log: silentLog, store: home.memory.store, programs: noPrograms };
    const neighbours = new Neighbours();
    const presets = await openPresets({ settings: options.presets ?? [], host, slug: (name) => name.toLowerCase() });
    for (const id of options.zones ?? ['kitchen']) {
      const zone = home.#scope.use(
        await openZone(
          { id, name: id, initialVolume: 0.5, curve: 'linear' },
          {
            host,
            neighbours,
            presets,
            deck: new SoundingDeck(home.clock),
            sources: [
              (port) => {
                const source = new HomeSource(port);
                home.sources.set(id, source);
                return Promise.resolve(source);
              },
            ],
          },
        ),
      );
      home.zones.push({ id, name: id, player: zone.player });
    }
    home.automations = home.#scope.use(await openAutomations(HomeSettings.parse(settings), { zones: home.zones, presets, messages: home.broker.messages, host, ...options.far }));
    return home;
  }

  player(zone = 'kitchen'): Player {
    const found = this.zones.find(({ id }) => id === zone);
    if (!found) throw new Error(`There is no zone ${zone}.`);
    return found.player;
  }

  source(zone = 'kitchen'): HomeSource {
    const found = this.sources.get(zone);
    if (!found) throw new Error(`There is no zone ${zone}.`);
    return found;
  }

  /** A person does something. */
  async person(commands: CommandInput | readonly CommandInput[], zone = 'kitchen', by = 'phone'): Promise<void> {
    await this.player(zone).dispatch([commands].flat().map((one) => Command.parse(one)), by);
    await this.clock.advance(0);
  }

  /** What plays: the last part of its URI, `null` when nothing does. */
  playing(zone = 'kitchen'): string | null {
    const { status, track } = this.player(zone).state;
    return status === 'playing' ? (track?.title ?? null) : null;
  }

  /** Percent. */
  volume(zone = 'kitchen'): number {
    return Math.round(this.player(zone).state.volume.level * 100);
  }

  /** Results of one automation's firings, oldest first. */
  results(id: string): string[] {
    return this.automations.history(id, 100).map(({ result }) => result).reverse();
  }

  /** Why the last firing ended as it did. */
  why(id: string): string {
    return this.automations.history(id, 1)[0]?.why ?? 'It never fired.';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}
