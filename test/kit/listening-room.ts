import type { Command, Origin, PlayerState } from '#core';
import { Scope } from '#foundation';
import { openCloud, type CatalogueEntry, type Cloud, type CloudOptions, type Phone } from '#simulator';
import { Neighbours } from '#zones';
import { Speaker, type SpeakerOptions } from './speaker.ts';
import type { KitDeck } from './sounding-deck.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface ListeningRoomOptions extends CloudOptions {
  /** A phone has picked the speaker, and sees it. Default true. */
  readonly isPaired?: boolean;
  readonly speaker?: SpeakerOptions;
  readonly clock?: VirtualClock;
}

export type Road = 'access-point' | 'dealer' | 'web' | 'cdn';

/** Content of a file that nobody decodes. */
export const bytes = (seed: number) => Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * seed) & 0xff));

/** So many tracks of one album; lengths in ms. */
export function album(name: string, tracks: number, duration: number | ((index: number) => number) = 200_000): readonly CatalogueEntry[] {
  return Array.from({ length: tracks }, (_, n): CatalogueEntry => ({
    title: `${name} ${n}`,
    artists: ['Somebody'],
    album: name,
    number: n + 1,
    duration: typeof duration === 'number' ? duration : duration(n),
    files: [{ format: 2, content: { bytes: bytes(2 * n + name.length) } }],
  }));
}

/** `Song 0` to `Song 11` on `Song`, `Short 0` and `Short 1` (20 s) on `Short`. */
export const usualSongs: readonly CatalogueEntry[] = [...album('Song', 12), ...album('Short', 2, 20_000)];

/** Differences that people would not notice, in ms. */
const tolerance = 300;

/** What a speaker shows of itself. */
type Shown = Pick<Speaker, 'id' | 'name' | 'state' | 'position'>;

/** A cloud, a speaker and a phone in one room, on one clock that moves only when told to: nothing happens between two awaits of a helper. */
export class ListeningRoom implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly speaker: Speaker;
  phone!: Phone;
  /** All speakers of the room belong to one house. */
  readonly neighbours = new Neighbours();
  readonly #scope = new Scope();
  readonly #speakers = new Set<Speaker>();

  private constructor(clock: VirtualClock, cloud: Cloud, options: SpeakerOptions | undefined) {
    this.clock = clock;
    this.cloud = this.#scope.use(cloud);
    this.speaker = new Speaker(cloud, clock, { neighbours: this.neighbours, ...options });
  }

  static async open({ isPaired = true, speaker, clock = new VirtualClock(), ...options }: ListeningRoomOptions = {}): Promise<ListeningRoom> {
    const cloud = await clock.during(openCloud({ catalogue: usualSongs, clock, ...options }));
    const room = new ListeningRoom(clock, cloud, speaker);
    try {
      await room.#start(room.speaker);
      room.phone = await room.openPhone();
      if (isPaired) await room.pair();
      return room;
    } catch (error) {
      await room[Symbol.asyncDispose]();
      throw error;
    }
  }

  // Time

  /** Lets `by` ms pass. */
  run(by: number): Promise<void> {
    return this.clock.run(by);
  }

  /** Until `test` holds, at most a minute of the room's time unless told; returns how long it took. */
  until(test: () => boolean, most?: number): Promise<number> {
    return this.clock.until(test, most);
  }

  /** Lets time pass until the work is done: `await room.do(room.phone.pause())`. */
  do<T>(work: Promise<T>, most?: number): Promise<T> {
    return this.clock.during(work, most);
  }

  /** Until the speaker's snapshot is as wanted. */
  async shows(test: (state: PlayerState) => boolean, most?: number): Promise<PlayerState> {
    await this.until(() => test(this.state), most);
    return this.state;
  }

  /** Until a track is heard, by title. */
  plays(title: string, most?: number): Promise<PlayerState> {
    return this.shows(({ status, track }) => status === 'playing' && track?.title === title, most);
  }

  // Things in the room

  openPhone(options: { readonly name?: string; readonly user?: string } = {}): Promise<Phone> {
    return this.do(this.cloud.openPhone({ user: 'listener', ...options }));
  }

  /** One more zone of the house. */
  async openSpeaker(options: SpeakerOptions): Promise<Speaker> {
    const speaker = new Speaker(this.cloud, this.clock, { neighbours: this.neighbours, ...options });
    await this.#start(speaker);
    return speaker;
  }

  /** The phone picks a speaker, and sees it in its list. */
  async pair(phone = this.phone, speaker = this.speaker): Promise<void> {
    const { isOk } = await this.do(phone.pair(speaker.url));
    if (!isOk) throw new Error('The pairing did not work.');
    await this.until(() => speaker.id in phone.cluster.device);
  }

  /** The daemon ends and starts again; what was stored is there. */
  async restart(speaker = this.speaker): Promise<void> {
    await this.do(speaker[Symbol.asyncDispose]());
    await this.do(speaker.start());
  }

  get deck(): KitDeck {
    return this.speaker.deck;
  }

  get state(): PlayerState {
    return this.speaker.state;
  }

  dispatch(command: Command | readonly Command[], by?: Origin): Promise<void> {
    return this.do(this.speaker.dispatch(command, by));
  }

  uri(title: string): string {
    return this.cloud.catalogue.get(title).uri;
  }

  /** The album a track is on. */
  albumOf(title: string): string {
    return this.cloud.catalogue.get(title).album.uri;
  }

  /** How often something was asked of the cloud, by the name of its route. */
  count(name: string): number {
    return this.cloud.counters.view.byName[name] ?? 0;
  }

  // Trouble

  /** The roads are closed for `duration` ms; open connections are reset, music bytes stop. */
  cut(duration: number, which: readonly Road[] = ['access-point', 'dealer', 'web', 'cdn']): void {
    const roads = which.filter((road) => road !== 'cdn');
    if (roads.length > 0) this.cloud.cut(duration, roads);
    if (roads.length === which.length) return;
    for (const { deck } of this.#speakers) deck.cut();
    this.clock.timer(duration, () => {
      for (const { deck } of this.#speakers) deck.mend();
    });
  }

  // What must be true

  /** In what the phone's picture, the speaker's snapshot and the sound differ; empty when nowhere. */
  disagreements(phone = this.phone, speaker = this.speaker): string[] {
    return [...this.picture(phone, speaker), ...this.sound(speaker, phone)];
  }

  /** In what the phone's picture and what a speaker shows, or once showed, differ. */
  picture(phone: Phone, speaker: Shown): string[] {
    const { cluster } = phone;
    const { state } = speaker;
    const { found, same, near } = differences('phone', 'speaker');
    found.push(...this.volumes(phone, speaker));
    if (!cluster.device[speaker.id]) return found;
    const isActive = cluster.activeDeviceId === speaker.id;
    if (!isActive || state.status === 'stopped') {
      // At the end of what there was to play the speaker keeps the playback, silent.
      same('plays', isActive && cluster.playerState?.isPlaying === true && !cluster.playerState.isPaused, false);
      same('status', 'stopped', state.status);
      return found;
    }
    const { playerState } = cluster;
    // What is not loaded yet has no more than an address.
    if (state.track || state.status !== 'loading') same('track', playerState?.track?.uri, state.track?.uri);
    // A snapshot says that it loads, and nothing of what comes after that.
    if (state.status !== 'loading') same('paused', playerState?.isPaused, state.status === 'paused');
    same('buffering', playerState?.isBuffering, state.status === 'loading' || state.status === 'stalled');
    same('shuffle', playerState?.options?.shufflingContext ?? false, state.order.shuffle);
    same('repeat', repeatOf(playerState?.options), state.order.repeat);
    near('position', phone.position, speaker.position);
    return found;
  }

  /** Whether the phone sees the speaker, and as loud as it is. */
  volumes(phone: Phone, { id, name, state }: Shown): string[] {
    const { found, near } = differences('phone', 'speaker');
    const device = phone.cluster.device[id];
    if (!device) return [`phone does not see ${name}`];
    near('volume', device.volume, state.volume.muted ? 0 : state.volume.level * 65_535, 1);
    return found;
  }

  /** In what a speaker's snapshot, or a phone's picture of it, and its sound differ. */
  sound(speaker = this.speaker, phone?: Phone): string[] {
    const { state, deck } = speaker;
    const { found, same, near } = differences(phone ? 'phone' : 'speaker', 'sound');
    near('gain', state.volume.muted ? 0 : state.volume.level, deck.gain, 0.001);
    const { status } = state;
    same('sounds', status === 'playing', deck.isSounding);
    if (status === 'playing' || (status === 'paused' && deck.loaded !== null)) {
      same('track that is heard', phone ? phone.cluster.playerState?.track?.uri : state.track?.uri, deck.uri);
      near('position of the sound', phone ? phone.position : speaker.position, deck.position);
    }
    return found;
  }

  phoneAgrees(phone?: Phone, speaker?: Speaker): boolean {
    return this.disagreements(phone, speaker).length === 0;
  }

  /** After the end: pending timers and open connections. Both must be 0. */
  left: { readonly timers: number; readonly connections: number } | null = null;

  /** Everything ends, the clock too. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.clock.during(this.#scope[Symbol.asyncDispose]());
      this.left = { timers: this.clock.pending, connections: this.clock.traffic.open };
    } finally {
      this.clock[Symbol.dispose]();
    }
  }

  async #start(speaker: Speaker): Promise<void> {
    await this.do(speaker.start());
    this.#speakers.add(speaker);
    this.#scope.use(speaker);
  }
}

function repeatOf(options: { readonly repeatingContext: boolean; readonly repeatingTrack: boolean } | null | undefined): PlayerState['order']['repeat'] {
  return options?.repeatingTrack === true ? 'track' : options?.repeatingContext === true ? 'queue' : 'off';
}

/** Collects in what two of them differ. */
function differences(one: string, other: string) {
  const found: string[] = [];
  return {
    found,
    same: (what: string, first: unknown, second: unknown) => {
      if (first !== second) found.push(`${what}: ${one} ${String(first)}, ${other} ${String(second)}`);
    },
    near: (what: string, first: number, second: number, by = tolerance) => {
      if (Math.abs(first - second) > by) found.push(`${what}: ${one} ${Math.round(first)}, ${other} ${Math.round(second)}`);
    },
  };
}
