import type { Command, Deck, DeckEvents, Host, LoadId, Millis, Playable, PlayerState } from '#core';
import { Scope, silentLog, systemClock } from '#foundation';
import { openCloud, type CatalogueEntry, type Cloud, type CloudOptions, type Phone } from '#simulator';
import { openReceiver, type Receiver } from '#sources';
import type { PutStateRequest } from '#spotify/wire';
import { openZone, type OpenZone } from '#zones';
import { noPrograms } from '../kit/no-programs.ts';
import { SpokenDeck } from '../kit/spoken.ts';
import { patience, until } from './session-fixture.ts';

export const speakerId = 'b2'.repeat(20);

const bytes = (seed: number) => Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * seed) & 0xff));

/** Twelve tracks of one album, long enough that nothing is prepared by itself; and two that are short. */
export const songs: readonly CatalogueEntry[] = [
  ...Array.from({ length: 12 }, (_, n): CatalogueEntry => ({ title: `Song ${n}`, artists: ['Somebody'], album: 'Album', number: n + 1, duration: 200_000, files: [{ format: 2, content: { bytes: bytes(2 * n + 3) } }] })),
  ...Array.from({ length: 2 }, (_, n): CatalogueEntry => ({ title: `Short ${n}`, artists: ['Somebody'], album: 'Single', number: n + 1, duration: 20_000, files: [{ format: 2, content: { bytes: bytes(2 * n + 51) } }] })),
];

/** A deck without sound: remembers what it was told, and says what a test wants it to say. */
export class FakeDeck extends SpokenDeck implements Deck, AsyncDisposable {
  readonly plays: { readonly id: LoadId; readonly playable: Playable; readonly at: Millis; readonly paused: boolean }[] = [];
  readonly refreshed: Playable[] = [];
  follower: { readonly id: LoadId; readonly playable: Playable } | null = null;
  loaded: LoadId | null = null;
  stops = 0;
  /** Answers commands by itself, as a deck does that has its bytes at once. */
  isPrompt = true;

  constructor() {
    super(systemClock);
  }

  play(playable: Playable, { id, at, paused }: { readonly id: LoadId; readonly at: Millis; readonly paused: boolean }): void {
    this.plays.push({ id, playable, at, paused });
    this.loaded = id;
    this.follower = null;
    this.#answer(paused ? 'paused' : 'playing', at);
  }

  follow(next: { readonly id: LoadId; readonly playable: Playable } | null): void {
    this.follower = next;
  }

  refresh(_id: LoadId, playable: Playable): void {
    this.refreshed.push(playable);
  }

  pause(): void {
    this.#answer('paused', 0);
  }

  resume(): void {
    this.#answer('playing', 0);
  }

  seek(to: Millis): void {
    this.#answer('moved', to);
    this.#answer('playing', to);
  }

  stop(): void {
    if (this.loaded !== null) this.stops += 1;
    this.loaded = this.follower = null;
  }

  say<Name extends Exclude<keyof DeckEvents, 'output'>>(name: Name, event: Omit<DeckEvents[Name], 'id'> & { readonly id?: LoadId }): void {
    this.emitter.emit(name, { id: this.loaded ?? '', ...event } as DeckEvents[Name]);
  }

  /** The track runs out; what was to follow goes on. */
  end(): void {
    const { loaded, follower } = this;
    this.loaded = follower?.id ?? null;
    this.follower = null;
    this.say('ended', { id: loaded ?? '' });
    if (follower) this.say('playing', { position: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.spoken[Symbol.dispose]();
  }

  #answer(name: 'playing' | 'paused' | 'moved', position: Millis): void {
    const id = this.loaded;
    if (this.isPrompt && id !== null) queueMicrotask(() => id === this.loaded && this.say(name, { id, position }));
  }
}

/** A zone whose receiver is logged in at a cloud of its own, and a phone that watches. */
export class Kitchen implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly stored = new Map<string, unknown>();
  readonly host: Host;
  deck!: FakeDeck;
  zone!: OpenZone;
  receiver!: Receiver;
  phone!: Phone;
  readonly #scope = new Scope();

  private constructor(cloud: Cloud) {
    this.cloud = this.#scope.use(cloud);
    const values = (prefix: string) => ({
      read: async (name: string) => this.stored.get(prefix + name) ?? null,
      write: async (name: string, value: unknown) => void this.stored.set(prefix + name, value),
      remove: async (name: string) => void this.stored.delete(prefix + name),
      names: async (start: string) => [...this.stored.keys()].filter((key) => key.startsWith(prefix + start)).map((key) => key.slice(prefix.length)),
    });
    this.host = {
      clock: systemClock,
      log: silentLog,
      store: { ...values('plain/'), sealed: values('sealed/') },
      programs: noPrograms,
      version: '0.1.0',
      announce: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }),
    };
  }

  /** `isPaired`: a phone has picked the speaker, and sees it. */
  static async open(options: CloudOptions = {}, { isPaired = true } = {}): Promise<Kitchen> {
    const kitchen = new Kitchen(await openCloud({ catalogue: songs, ...options }));
    try {
      await kitchen.start();
      kitchen.phone = await kitchen.cloud.openPhone({ user: 'listener' });
      if (isPaired) await kitchen.pair();
      return kitchen;
    } catch (error) {
      await kitchen[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The daemon's part of this zone, from its start. */
  async start(): Promise<void> {
    const deck = (this.deck = new FakeDeck());
    const endpoints = this.cloud.endpoints;
    this.zone = await openZone(
      { id: 'kitchen', name: 'Kitchen', initialVolume: 0.4, curve: 'linear' },
      {
        host: this.host,
        deck,
        sources: [
          async (zone) =>
            (this.receiver = await openReceiver(
              { deviceId: speakerId, endpoints, bitrate: 320, normalisation: 'off', deviceType: 'speaker', pairing: { port: 0, address: '127.0.0.1' } },
              { zone, host: this.host },
            )),
        ],
      },
    );
    this.#scope.use(this.zone);
  }

  get url(): string {
    return `http://127.0.0.1:${this.receiver.port}/zc`;
  }

  async pair(phone = this.phone): Promise<void> {
    const { isOk } = await phone.pair(this.url);
    if (!isOk) throw new Error('The pairing did not work.');
    await phone.until((cluster) => speakerId in cluster.device, patience());
  }

  get state(): PlayerState {
    return this.zone.player.state;
  }

  async shows(test: (state: PlayerState) => boolean): Promise<PlayerState> {
    await until(() => test(this.state));
    return this.state;
  }

  dispatch(command: Command): Promise<void> {
    return this.zone.player.dispatch([command], 'mqtt');
  }

  uri(title: string): string {
    return this.cloud.catalogue.get(title).uri;
  }

  get album(): string {
    return this.cloud.catalogue.get('Song 0').album.uri;
  }

  get single(): string {
    return this.cloud.catalogue.get('Short 0').album.uri;
  }

  /** What the speaker told the cloud, oldest first. */
  get puts(): readonly PutStateRequest[] {
    return this.cloud.journal
      .find('state', 'connect-state')
      .filter(({ what, detail }) => what === 'state' && detail['device'] === speakerId)
      .map(({ detail }) => detail['request'] as PutStateRequest);
  }

  get lastPut(): PutStateRequest | undefined {
    return this.puts.at(-1);
  }

  /** How often the speaker gave playback up, or left the list. */
  count(what: 'inactive' | 'removed'): number {
    return this.cloud.journal.find(what, 'connect-state').filter((entry) => entry.what === what && entry.detail['device'] === speakerId).length;
  }

  async plays(title: string): Promise<PlayerState> {
    return this.shows(({ status, track }) => status === 'playing' && track?.title === title);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}
