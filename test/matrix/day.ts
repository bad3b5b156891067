import type { Phone } from '#simulator';
import { toTonearmError } from '#foundation';
import type { Chance } from '../kit/chance.ts';
import { album, ListeningRoom } from '../kit/listening-room.ts';
import type { Speaker } from '../kit/speaker.ts';
import { act } from './day-acts.ts';
import { Judge } from './day-judge.ts';
import { goWrong } from './day-troubles.ts';

export const minute = 60_000;
export const hour = 60 * minute;

/** Two speakers and two phones of one person; music for a day. */
const catalogue = [...album('Long', 30, (n) => 150_000 + 7000 * (n % 13)), ...album('Brief', 12, (n) => 25_000 + 3000 * n), ...album('Podcast', 3, 50 * minute)];

/** The real deck says each second where it is; this saves half of the time a day takes. */
const deck = { movedEvery: 4000 };
/** What was accepted has to come true within this time, in ms. */
const patience = 10_000;
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
  /** Minutes at which all agreed, and those in trouble at which the phones showed what they were last told. */
  agreed = 0;
  asTold = 0;
  /** What people did, and how much of it was refused: when nothing was wrong, and in all. */
  readonly presses = { all: 0, done: 0, refused: 0, refusedOutright: 0 };
  /** Music that was heard, in ms. */
  heard = 0;
  readonly #heardOf = new Map<Speaker, number>();
  readonly judge: Judge;

  private constructor(room: ListeningRoom, chance: Chance, second: Phone, bedroom: Speaker) {
    this.room = room;
    this.chance = chance;
    this.second = second;
    this.bedroom = bedroom;
    this.judge = new Judge(room, [room.phone, second], this.speakers, (what) => this.#disagree(what));
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
      const moments = this.#moments(activity).map((at) => ({ at, run: () => act(this) }));
      const troubles = this.#moments(trouble).map((at) => ({
        at,
        run: () => {
          goWrong(this);
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
      this.#heardOf.set(speaker, heardBy(speaker));
      speaker.lines.length = speaker.notices.length = speaker.failures.length = 0;
    }
  }

  get speakers(): readonly Speaker[] {
    return [this.room.speaker, this.bedroom];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.room[Symbol.asyncDispose]();
  }

  /** Within a minute; the last five seconds are for those who watch. */
  #moments(average: number): number[] {
    const count = Math.floor(average) + (this.chance.happens(average % 1) ? 1 : 0);
    return Array.from({ length: count }, () => this.chance.between(0, 50_000));
  }

  readonly note = (what: string): void => {
    this.diary.push(`${clockOf(this.room.clock.monotonic())} ${what}`);
    if (this.diary.length > 60) this.diary.shift();
    const name = what.replace(/[ (].*/, '');
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  };

  readonly press = async (what: string, run: () => Promise<unknown>, comesTrue?: () => boolean): Promise<void> => {
    this.note(what);
    this.presses.all += 1;
    const mayFail = this.judge.mayFail();
    try {
      await this.room.do(run(), 3 * minute);
    } catch (thrown) {
      const { code, message } = toTonearmError(thrown);
      this.note(`refused(${what}): ${code}`);
      this.presses.refused += 1;
      if (!mayFail) this.presses.refusedOutright += 1;
      // What a speaker cannot do at this moment it may refuse; that nobody answers is wrong unless the network is.
      if (!this.judge.isTroubled && !/conflict|command-failed|connect\//.test(code)) this.#disagree([`${what}: ${code} ${message}`]);
      return;
    }
    if (!comesTrue || mayFail) return;
    const isTrue = await this.room.until(comesTrue, patience).then(() => true, () => false);
    if (isTrue) this.presses.done += 1;
    else if (!this.judge.mayFail()) this.#disagree([`${what}: accepted, but ${patience / 1000} s later it has not come true`]);
  };

  async #check(): Promise<void> {
    for (const speaker of this.speakers) {
      const heard = heardBy(speaker);
      this.heard += heard - (this.#heardOf.get(speaker) ?? 0);
      this.#heardOf.set(speaker, heard);
    }
    const { kind, found } = await this.judge.judge();
    if (kind === 'outright') this.agreed += 1;
    else if (kind === 'as told') this.asTold += 1;
    else this.#disagree(found);
  }

  #disagree(what: readonly string[]): void {
    const speakers = this.speakers.map((speaker) => `${speaker.name}: ${speaker.state.status}, ${speaker.deck.isPaused ? 'paused' : 'not paused'}, ${speaker.deck.isSounding ? 'sounds' : 'silent'}, ${speaker.state.track?.title ?? ''} ${Math.round(speaker.deck.position)}`);
    this.disagreements.push({ when: clockOf(this.room.clock.monotonic()), what: [...what, ...speakers, ...this.diary.slice(-12)] });
  }
}

/** Since it forgot what it played, in ms. */
const heardBy = ({ deck }: Speaker): number => deck.heard.reduce((sum, { at, until }) => sum + until - at, 0);

function clockOf(at: number): string {
  const seconds = Math.floor(at / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(Math.floor(at % 1000)).padStart(3, '0')}`;
}
