import type { Phone } from '#simulator';
import { toTonearmError } from '#foundation';
import type { Chance } from '../kit/chance.ts';
import { album, ListeningRoom, type Road } from '../kit/listening-room.ts';
import type { Speaker } from '../kit/speaker.ts';

export const minute = 60_000;
export const hour = 60 * minute;

/** Two speakers and two phones of one person; music for a day. */
const catalogue = [...album('Long', 30, (n) => 150_000 + 7000 * (n % 13)), ...album('Brief', 12, (n) => 25_000 + 3000 * n), ...album('Podcast', 3, 50 * minute)];
const firsts = ['Long 0', 'Brief 0', 'Podcast 0'] as const;

/** So long after a trouble is over everybody must agree again: the longest pause of the dealer (30 s, jittered) and one more try. */
const recovery = 75_000;
/** A push that is on its way is no disagreement. */
const push = 1500;
/** The real deck says each second where it is; this saves half of the time a day takes. */
const deck = { movedEvery: 4000 };
/** Disagreements after which there is nothing more to learn. */
const enough = 3;

export interface Disagreement {
  readonly when: string;
  readonly what: readonly string[];
}

/** What somebody does all day, and what goes wrong meanwhile; everything follows from chance. */
export class Day implements AsyncDisposable {
  readonly room: ListeningRoom;
  readonly chance: Chance;
  readonly second: Phone;
  readonly bedroom: Speaker;
  /** The newest last; told when something is wrong. */
  readonly diary: string[] = [];
  readonly disagreements: Disagreement[] = [];
  readonly counts: Record<string, number> = {};
  /** Breaches of the protocol. */
  readonly refusals: string[] = [];
  /** Minutes at which all agreed, and those in trouble, when the phone cannot know. */
  checked = 0;
  unknowable = 0;
  #troubleUntil = 0;

  private constructor(room: ListeningRoom, chance: Chance, second: Phone, bedroom: Speaker) {
    this.room = room;
    this.chance = chance;
    this.second = second;
    this.bedroom = bedroom;
  }

  static async open(chance: Chance): Promise<Day> {
    const room = await ListeningRoom.open({ catalogue, latency: { http: 20, accessPoint: 20, dealer: 20 }, speaker: { deck } });
    const second = await room.openPhone({ name: 'Second phone' });
    const bedroom = await room.openSpeaker({ name: 'Bedroom', deviceId: 'c3'.repeat(20), deck });
    await room.pair(room.phone, bedroom);
    return new Day(room, chance, second, bedroom);
  }

  /** `activity`: things done, and `trouble`: things that go wrong, per minute on average. */
  async live(minutes: number, { activity, trouble }: { readonly activity: number; readonly trouble: number }): Promise<void> {
    for (let passed = 0; passed < minutes && this.disagreements.length < enough; passed++) {
      const began = this.room.clock.monotonic();
      const moments = this.#moments(activity).map((at) => ({ at, run: () => this.#act() }));
      const troubles = this.#moments(trouble).map((at) => ({
        at,
        run: () => {
          this.#trouble();
          return Promise.resolve();
        },
      }));
      for (const { at, run } of [...moments, ...troubles].sort((a, b) => a.at - b.at)) {
        const wait = began + at - this.room.clock.monotonic();
        if (wait > 0) await this.room.run(wait);
        await run();
      }
      const left = began + minute - this.room.clock.monotonic();
      if (left > 0) await this.room.run(left);
      await this.#check();
    }
  }

  /** Nobody does anything and nothing goes wrong, long enough for everything to come to rest. */
  async rest(): Promise<void> {
    this.room.cloud.faults.clear();
    await this.room.run(3 * minute);
    for (const speaker of this.speakers) if (speaker.state.status !== 'stopped') await this.room.do(speaker.dispatch({ kind: 'pause' }));
    await this.room.run(5 * minute);
    this.refusals.push(...this.room.cloud.refusals.map(({ at, service, clause, what }) => `${at} ${service} ${clause}: ${what}`));
    this.room.cloud.journal.clear();
    this.room.cloud.counters.mark();
    for (const speaker of this.speakers) {
      speaker.deck.forget();
      speaker.lines.length = speaker.notices.length = speaker.failures.length = 0;
    }
  }

  get speakers(): readonly Speaker[] {
    return [this.room.speaker, this.bedroom];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.room[Symbol.asyncDispose]();
  }

  get #isTroubled(): boolean {
    return this.room.clock.monotonic() < this.#troubleUntil;
  }

  get #playing(): Speaker | null {
    return this.speakers.find(({ id }) => id === this.room.phone.cluster.activeDeviceId) ?? null;
  }

  /** Within a minute; the last five seconds are for those who watch. */
  #moments(average: number): number[] {
    const count = Math.floor(average) + (this.chance.happens(average % 1) ? 1 : 0);
    return Array.from({ length: count }, () => this.chance.between(0, 50_000));
  }

  #note(what: string): void {
    this.diary.push(`${clockOf(this.room.clock.monotonic())} ${what}`);
    if (this.diary.length > 60) this.diary.shift();
    const name = what.replace(/[ (].*/, '');
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  async #check(): Promise<void> {
    if (this.#isTroubled) {
      this.unknowable += 1;
      return;
    }
    const all = () => [this.room.phone, this.second].flatMap((phone) => this.speakers.flatMap((speaker) => this.room.disagreements(phone, speaker).map((what) => `${phone.name} and ${speaker.name}: ${what}`)));
    await this.room.until(() => all().length === 0, push).catch(() => undefined);
    const found = all();
    if (found.length === 0) this.checked += 1;
    else this.disagreements.push({ when: clockOf(this.room.clock.monotonic()), what: [...found, ...this.speakers.map((speaker) => `${speaker.name}: ${speaker.state.status}, ${speaker.deck.isPaused ? 'paused' : 'not paused'}, ${speaker.deck.isSounding ? 'sounds' : 'silent'}, ${speaker.state.track?.title ?? ''} ${Math.round(speaker.deck.position)}`), ...this.diary.slice(-12)] });
  }

  async #act(): Promise<void> {
    const { chance, room } = this;
    const phone = chance.pick([room.phone, this.second]);
    const speaker = this.#playing;
    if (!speaker) {
      const to = chance.pick(this.speakers);
      if (chance.happens(0.5) && phone.cluster.playerState?.track) await this.#press(`transfer to ${to.name}`, () => phone.transfer(to.id, { paused: chance.pick(['restore', 'resume', 'resume']) }));
      else await this.#play(phone, to);
      return;
    }
    const other = this.speakers.find((one) => one !== speaker) ?? speaker;
    const duration = speaker.state.track?.duration ?? 0;
    const isPaused = speaker.state.status === 'paused';
    switch (chance.weighed({ play: 6, next: 10, previous: 5, seek: 7, pause: isPaused ? 14 : 5, volume: 8, here: 9, shuffle: 4, repeat: 4, queue: 5, row: 3, clear: 1, both: 4, own: 2, take: 2, other: 3, nearEnd: 4 })) {
      case 'play':
        return this.#play(phone, speaker);
      case 'next':
        return this.#press('next', () => phone.next());
      case 'previous':
        return this.#press('previous', () => phone.previous());
      case 'seek': {
        const to = Math.floor(chance.between(0, duration));
        return this.#press(`seek ${to}`, () => phone.seek(to));
      }
      case 'nearEnd': {
        const to = Math.max(0, duration - chance.below(6000));
        return this.#press(`seek ${to} near the end`, () => phone.seek(to));
      }
      case 'pause':
        return isPaused ? this.#press('resume', () => phone.resume()) : this.#press('pause', () => phone.pause());
      case 'volume': {
        const to = chance.below(65_536);
        return this.#press(`volume ${to}`, () => phone.setVolume(to, chance.pick(this.speakers).id));
      }
      case 'here':
        return this.#pressHere(speaker, isPaused, duration);
      case 'shuffle': {
        const on = chance.happens(0.5);
        return this.#press(`shuffle ${String(on)}`, () => phone.shuffle(on));
      }
      case 'repeat': {
        const mode = chance.pick(['off', 'context', 'context', 'track'] as const);
        return this.#press(`repeat ${mode}`, () => phone.repeat(mode));
      }
      case 'queue': {
        const uri = room.uri(`${chance.pick(['Long', 'Brief'])} ${chance.below(12)}`);
        return this.#press('queue', () => phone.addToQueue(uri));
      }
      case 'row': {
        const rows = phone.cluster.playerState?.nextTracks.filter(({ uri }) => uri.startsWith('spotify:track:')) ?? [];
        if (rows.length === 0) return;
        const row = chance.pick(rows);
        return this.#press('row', () => phone.skipTo(row));
      }
      case 'clear':
        return this.#press('clear', () => phone.setQueue(phone.cluster.playerState?.nextTracks.filter(({ provider }) => provider !== 'queue') ?? []));
      case 'both':
        return this.#press('both', () => Promise.all([room.phone.next(), isPaused ? this.second.resume() : this.second.pause()]));
      case 'own': {
        const track = chance.below(12);
        return this.#press('own', () => phone.playHere(room.albumOf('Long 0'), { track }));
      }
      case 'take':
        return this.#press('take', () => phone.takeOver());
      case 'other':
        return this.#press(`move to ${other.name}`, () => phone.transfer(other.id));
    }
  }

  #play(phone: Phone, speaker: Speaker): Promise<void> {
    const { chance, room } = this;
    const first = chance.pick(firsts);
    const options = { on: speaker.id, track: chance.below(first === 'Podcast 0' ? 3 : 12), ...(chance.happens(0.3) && { shuffle: chance.happens(0.5) }), ...(chance.happens(0.6) && { repeat: 'context' as const }), ...(chance.happens(0.2) && { position: chance.below(20_000) }), ...(chance.happens(0.1) && { paused: true }) };
    return this.#press(`play ${first} ${JSON.stringify(options)}`, () => phone.play(room.albumOf(first), options));
  }

  /** Somebody in the house: MQTT, a button. */
  #pressHere(speaker: Speaker, isPaused: boolean, duration: number): Promise<void> {
    const { chance } = this;
    const level = Math.round(chance.next() * 100) / 100;
    const to = chance.below(duration + 1);
    const command = chance.pick([
      { kind: 'next' },
      { kind: 'previous' },
      { kind: isPaused ? 'play' : 'pause' },
      { kind: 'volume', level },
      { kind: 'mute', muted: chance.happens(0.3) },
      { kind: 'seek', to },
      { kind: 'shuffle', on: chance.happens(0.5) },
      { kind: 'repeat', mode: chance.pick(['off', 'track', 'queue'] as const) },
    ] as const);
    return this.#press(`here ${JSON.stringify(command)}`, () => speaker.dispatch(command));
  }

  async #press(what: string, run: () => Promise<unknown>): Promise<void> {
    this.#note(what);
    try {
      await this.room.do(run(), 3 * minute);
    } catch (thrown) {
      const { code, message } = toTonearmError(thrown);
      this.#note(`refused(${what}): ${code}`);
      // What a speaker cannot do at this moment it may refuse; that nobody answers is wrong unless the network is.
      if (!this.#isTroubled && !/conflict|command-failed|connect\//.test(code)) this.disagreements.push({ when: clockOf(this.room.clock.monotonic()), what: [`${what}: ${code} ${message}`, ...this.diary.slice(-12)] });
    }
  }

  #trouble(): void {
    const { chance, room, speakers } = this;
    const { cloud } = room;
    const time = Math.round(chance.pick([() => chance.between(500, 5000), () => chance.between(5000, 30_000), () => chance.between(30_000, 120_000)])());
    const cut = (roads: readonly Road[], isKnowable = false) => {
      this.#note(`cut ${roads.join('+')} for ${time} ms`);
      room.cut(time, roads);
      if (!isKnowable) this.#troubled(time);
    };
    switch (chance.weighed({ dealer: 4, accessPoint: 4, web: 3, cdn: 4, all: 4, redeploy: 3, deaf: 2, tokens: 3, clientTokens: 2, limit: 2, refused: 3, slow: 2, wrongClock: 2, account: 2, playlist: 2 })) {
      case 'dealer':
        cut(['dealer']);
        return;
      case 'accessPoint':
        // New tracks have to wait for their key; everybody knows that they do.
        cut(['access-point'], true);
        return;
      case 'web':
        cut(['web']);
        return;
      case 'cdn':
        cut(['cdn'], true);
        return;
      case 'all':
        cut(['access-point', 'dealer', 'web', 'cdn']);
        return;
      case 'redeploy':
        this.#note('redeploy');
        for (const { id } of speakers) cloud.pushes.close(id);
        this.#troubled(0);
        return;
      case 'deaf':
        // Half open: what is sent arrives nowhere, and no pong comes.
        this.#note(`deaf for ${time} ms`);
        this.#during(time, cloud.faults.set('dealer/mute'));
        this.#troubled(time + 40_000);
        return;
      case 'tokens':
        this.#note('tokens expire');
        cloud.accounts.expireAccessTokens();
        return;
      case 'clientTokens':
        this.#note('client-tokens expire');
        cloud.accounts.expireClientTokens();
        return;
      case 'limit':
        this.#note('limit');
        cloud.faults.set('connect-state/rate-limit', { count: chance.below(3) + 1, retryAfter: 5 });
        this.#troubled(20_000);
        return;
      case 'refused': {
        const route = chance.pick(['connect-state', 'metadata', 'storage', 'context', 'login5']);
        const status = chance.pick([500, 502, 503]);
        this.#note(`refused ${route} ${status} for ${time} ms`);
        this.#during(time, cloud.faults.fail(route, status));
        this.#troubled(time);
        return;
      }
      case 'slow':
        this.#note(`slow for ${time} ms`);
        cloud.network.latency.http = 2500;
        cloud.network.latency.dealer = 800;
        room.clock.timer(time, () => Object.assign(cloud.network.latency, { http: 20, dealer: 20 }));
        this.#troubled(time);
        return;
      case 'wrongClock': {
        // Only this machine's clock is set; the cloud's stays.
        const by = Math.round(chance.between(-90_000, 90_000));
        this.#note(`wrong-clock ${by}`);
        room.clock.jump(by);
        cloud.time.shift -= by;
        return;
      }
      case 'account':
        this.#note('account');
        cloud.pushes.attributes(cloud.accounts.get('listener'), { 'loudness-levels': '1:-9.0,0.0,3.0:-2.0' });
        return;
      case 'playlist':
        this.#note('playlist');
        cloud.pushes.playlistChanged(cloud.accounts.get('listener'), room.albumOf('Long 0'));
        return;
    }
  }

  #during(time: number, fault: Disposable): void {
    this.room.clock.timer(time, () => fault[Symbol.dispose]());
  }

  #troubled(time: number): void {
    this.#troubleUntil = Math.max(this.#troubleUntil, this.room.clock.monotonic() + time + recovery);
  }
}

function clockOf(at: number): string {
  const seconds = Math.floor(at / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(Math.floor(at % 1000)).padStart(3, '0')}`;
}
