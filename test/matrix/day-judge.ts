import type { PlayerState } from '#core';
import type { PutStateRequest } from '#spotify/wire';
import type { Phone } from '#simulator';
import type { ListeningRoom } from '../kit/listening-room.ts';
import type { Speaker } from '../kit/speaker.ts';

/** A push that is on its way is no disagreement. */
const push = 1500;
/** So often it is looked whether all agree again after a trouble. */
const look = 250;
/** A report shows the speaker as it was when it was sent, to this many ms. */
const instant = 20;

/** Something that keeps news from passing. */
interface Trouble {
  readonly what: string;
  readonly until: number;
  /** All must agree again by then, unless another one is not over. */
  readonly deadline: number;
}

/** What a speaker showed from a moment on. */
interface Shown {
  readonly at: number;
  readonly state: PlayerState;
  readonly position: number;
}

export interface Verdict {
  /** `outright`: phones, speakers and sound agree. `as told`: in trouble, and the phones show what they were last told. */
  readonly kind: 'outright' | 'as told' | 'wrong';
  readonly found: readonly string[];
}

/**
 * Says whether phones and speakers agree, at any moment of the day.
 *
 * **Without trouble** every phone's picture, every speaker's snapshot and every sound are the same, 1.5 s after the last
 * change at the latest.
 *
 * **In a trouble that keeps news from passing** (dealer, web services, connect-state) that cannot be, whoever is built how.
 * Then the pictures must be right about the past: each phone shows each speaker as it was when it sent the last report that
 * the cloud took, its place extrapolated from there; a speaker is missing only when it has no connection; another device is
 * shown as the one that plays only if the cloud gave it playback. And each speaker sounds as its own snapshot says.
 *
 * **After it** everybody must be reachable and agree again within the time the trouble was announced with, measured from its
 * end. From that moment on, and not from the end of some grace, the strict rule holds.
 */
export class Judge {
  readonly #room: ListeningRoom;
  readonly #phones: readonly Phone[];
  readonly #speakers: readonly Speaker[];
  readonly #shown = new Map<Speaker, Shown[]>();
  /** When each device sent the last report that the cloud took. */
  readonly #told = new Map<string, number>();
  readonly #failed: (what: readonly string[]) => void;
  /** Those since all agreed last; what one of them did may show until the deadline of that one only. */
  #troubles: Trouble[] = [];
  /** Until when what somebody wants may fail. */
  #disturbedUntil = -Infinity;
  /** How long it took after the troubles until all agreed, by what they were, the longest, in ms. */
  readonly recoveries: Record<string, number> = {};

  constructor(room: ListeningRoom, phones: readonly Phone[], speakers: readonly Speaker[], failed: (what: readonly string[]) => void) {
    this.#room = room;
    this.#phones = phones;
    this.#speakers = speakers;
    this.#failed = failed;
    for (const speaker of speakers) {
      const note = () => this.#note(speaker);
      // Both have been reported by now; what was reported before counts as of this moment.
      this.#told.set(speaker.id, room.clock.monotonic());
      note();
      speaker.zone.player.events.on('changed', note);
    }
    room.cloud.journal.events.on('entry', ({ what, service, detail }) => {
      if (service !== 'connect-state' || what !== 'state') return;
      const { clientSideTimestamp } = detail['request'] as PutStateRequest;
      const age = Math.max(0, room.cloud.time.now() - clientSideTimestamp);
      this.#told.set(String(detail['device']), room.clock.monotonic() - age);
    });
  }

  /** News cannot pass for `lasting` ms, and perhaps until all agreed for the first time afterwards, at most `within` ms later. */
  trouble(what: string, lasting: number, within: number): void {
    const until = this.#room.clock.monotonic() + lasting;
    this.disturbance(lasting, within);
    this.#troubles.push({ what, until, deadline: until + within });
    if (this.#troubles.length === 1) this.#room.clock.timer(look, () => this.#look());
  }

  /** News passes as ever, but for `lasting` ms, and up to `within` ms after that, music or answers may not come. */
  disturbance(lasting: number, within: number): void {
    this.#disturbedUntil = Math.max(this.#disturbedUntil, this.#room.clock.monotonic() + lasting + within);
  }

  /** News cannot pass, or has not caught up yet. */
  get isTroubled(): boolean {
    return this.#troubles.length > 0;
  }

  /** What somebody wants is not sure to come true at the moment. */
  mayFail(): boolean {
    return this.isTroubled || this.#room.clock.monotonic() < this.#disturbedUntil;
  }

  /** The verdict on this moment; what is on its way may arrive first. */
  async judge(): Promise<Verdict> {
    await this.#room.until(() => this.#disagreements().length === 0, push).catch(() => undefined);
    const found = this.#disagreements();
    if (found.length === 0) return { kind: 'outright', found };
    if (!this.isTroubled) return { kind: 'wrong', found };
    const old = this.#contradictions();
    return old.length === 0 ? { kind: 'as told', found } : { kind: 'wrong', found: [...old, ...found] };
  }

  #each(differences: (phone: Phone, speaker: Speaker) => readonly string[]): string[] {
    return this.#phones.flatMap((phone) => this.#speakers.flatMap((speaker) => differences(phone, speaker).map((what) => `${phone.name} and ${speaker.name}: ${what}`)));
  }

  /** Against the strict rule. */
  #disagreements(): string[] {
    return this.#each((phone, speaker) => this.#room.disagreements(phone, speaker));
  }

  /** Against the rule of a trouble. */
  #contradictions(): string[] {
    const sounds = this.#speakers.flatMap((speaker) => this.#room.sound(speaker).map((what) => `${speaker.name} itself: ${what}`));
    return [...sounds, ...this.#each((phone, speaker) => this.#past(phone, speaker))];
  }

  #past(phone: Phone, speaker: Speaker): readonly string[] {
    const { cluster } = phone;
    const { connectState, accounts, dealer } = this.#room.cloud;
    const known = connectState.of(accounts.get(phone.user));
    if (cluster.activeDeviceId !== known.active) return [`shows ${cluster.activeDeviceId} as the one that plays, in the cloud it is ${known.active}`];
    if (!cluster.device[speaker.id]) return dealer.ofDevice(speaker.id) === null ? [] : ['is not shown although it is connected'];
    // When it lost playback without knowing, the cloud's picture is of somebody else.
    const isOwner = known.active === speaker.id;
    if (!isOwner && speaker.deck.isSounding && dealer.ofDevice(speaker.id)?.isDead === false) return ['sounds although it is connected and the playback is not its'];
    const differences = this.#then(speaker).map((shown) => (isOwner ? this.#room.picture(phone, shown) : this.#room.volumes(phone, shown)));
    return differences.reduce<readonly string[]>((best, each) => (best.length <= each.length ? best : each), differences[0] ?? ['has never told anything']);
  }

  /** What a speaker may have shown when it sent its last report, as it would be now. */
  #then(speaker: Speaker): (Pick<Speaker, 'id' | 'name' | 'state' | 'position'>)[] {
    const told = this.#told.get(speaker.id);
    if (told === undefined) return [];
    const now = this.#room.clock.monotonic();
    const shown = this.#shown.get(speaker) ?? [];
    return shown
      .filter(({ at }, index) => at <= told + instant && (shown[index + 1]?.at ?? Infinity) >= told - instant)
      .map(({ at, state, position }) => ({ id: speaker.id, name: speaker.name, state, position: position + (state.status === 'playing' ? now - at : 0) }));
  }

  #note(speaker: Speaker): void {
    const at = this.#room.clock.monotonic();
    const { state, position } = speaker;
    const told = this.#told.get(speaker.id) ?? -Infinity;
    const before = this.#shown.get(speaker) ?? [];
    this.#shown.set(speaker, [...before.filter((_, index) => (before[index + 1]?.at ?? Infinity) >= told - instant), { at, state, position }]);
  }

  /** Whoever is shown, but would not hear a command. */
  #unreachable(): string[] {
    const { dealer } = this.#room.cloud;
    return this.#speakers.filter(({ id }) => dealer.ofDevice(id)?.isDead !== false).map(({ name }) => `${name} is not connected`);
  }

  /** After the end of a trouble: do all agree again? */
  #look(): void {
    const now = this.#room.clock.monotonic();
    const { what, until } = this.#troubles.reduce((last, one) => (one.until > last.until ? one : last));
    const after = now - until;
    const found = after < 0 ? null : [...this.#unreachable(), ...this.#disagreements()];
    if (found && (found.length === 0 || now > Math.max(...this.#troubles.map(({ deadline }) => deadline)))) {
      this.#troubles = [];
      this.recoveries[what] = Math.max(this.recoveries[what] ?? 0, Math.round(after));
      if (found.length > 0) this.#failed([`${Math.round(after)} ms after ${what}`, ...found]);
      return;
    }
    this.#room.clock.timer(look, () => this.#look());
  }
}
