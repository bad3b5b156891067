import { Command, type CommandInput, type Millis, type Preset, type TagOutcome, type TagRead, type Tags, type TagsPicture, type TagWish, type ZoneView } from '#core';
import { anySignal, Emitter, isAbort, Scope, TonearmError, toTonearmError, withTimeout, type Clock, type Log } from '#foundation';
import { isPlaying } from '../facts.ts';
import type { AutomationsContext } from '../ports.ts';
import { isAddress } from '../words.ts';
import { isTag, readingOf, tagOf, type Reading } from './reading.ts';
import type { TagReader, TagsSettings } from './settings.ts';
import { TagList, whyFixed, type LearntTag } from './tag-list.ts';

export interface TagsParts extends Pick<AutomationsContext, 'zones' | 'presets' | 'messages' | 'host'> {
  /** Runs an automation or alarm by hand. */
  readonly run: (id: string) => Promise<void>;
  readonly automations: readonly { readonly id: string; readonly name: string }[];
}

export interface OpenTags extends Tags, AsyncDisposable {}

/** Who causes what tags do. */
const origin = 'tag';
const learnsFor = 60_000;
/** What a reader says so soon after a start, or after the broker was away, lay there before. */
const settling = 5000;
/** A command that takes longer has failed. */
const patience = 30_000;

/** Opens the readers. Never rejects. */
export async function openTags(settings: TagsSettings, parts: TagsParts): Promise<OpenTags> {
  const log = parts.host.log.child('tags');
  return new TagDesk(settings.readers, await TagList.open(settings, { store: parts.host.store, log }), { ...parts, clock: parts.host.clock, log });
}

type Desk = Omit<TagsParts, 'host'> & { readonly clock: Clock; readonly log: Log };

type Lesson = Omit<LearntTag, 'tag'>;

type Result = Pick<TagRead, 'outcome' | 'name'> & { readonly why?: string };

/** What a tag has on in a zone. */
interface On {
  readonly tag: string;
  readonly play: string;
  /** It was taken off: paused, or about to be. */
  readonly isOff: boolean;
}

class TagDesk implements OpenTags {
  readonly #desk: Desk;
  readonly #list: TagList;
  readonly #scope = new Scope();
  readonly #readers: TagsPicture['readers'];
  readonly #emitter: Emitter<{ changed: TagsPicture; read: TagRead }>;
  readonly events: Tags['events'];
  /** By reader and topic: which tag lies there, and when it was last said. */
  readonly #lying = new Map<string, { readonly tag: string; readonly at: number }>();
  /** By zone. */
  readonly #on = new Map<string, On>();
  /** By zone: what is on its way. */
  readonly #attempts = new Map<string, AbortController>();
  #lesson: { readonly wanted: Lesson | null; readonly until: Millis; readonly ends: Disposable } | null = null;
  #last: TagRead | null = null;
  #settled: number;

  constructor(readers: readonly TagReader[], list: TagList, desk: Desk) {
    this.#desk = desk;
    this.#list = this.#scope.use(list);
    this.#emitter = new Emitter((error) => desk.log.error('A listener failed', { error }));
    this.events = this.#emitter.events;
    this.#readers = readers.map(({ id, zone }) => ({ id, zone: zone ?? desk.zones[0]?.id ?? '' }));
    const settle = () => desk.clock.monotonic() + settling;
    this.#settled = settle();
    this.#scope.use(desk.messages.events.on('up', () => void (this.#settled = settle())));
    for (const reader of readers) {
      this.#scope.use(desk.messages.subscribe(reader.topic, ({ topic, payload, retained }) => {
        // What the broker has kept lay there once.
        const reading = retained ? null : readingOf(payload, reader.path);
        if (reading) void this.#said(reader, topic, reading);
      }));
    }
    this.#scope.defer(() => this.#lesson?.ends[Symbol.dispose]());
  }

  get picture(): TagsPicture {
    const presets = presetsByName(this.#desk.presets.list);
    const lesson = this.#lesson;
    return {
      readers: this.#readers,
      tags: this.#list.list.map(({ tag, wish, name, isFixed }) => ({ tag, wish, name: this.#nameOf(wish, name, presets), isFixed })),
      learning: lesson && { name: lesson.wanted?.name ?? null, until: lesson.until },
      last: this.#last,
    };
  }

  learn(wish: TagWish | null): { readonly until: Millis } {
    const { clock } = this.#desk;
    const wanted = wish && this.#understood(wish);
    this.#endLesson();
    const until = clock.now() + learnsFor;
    this.#lesson = { wanted, until, ends: clock.timer(learnsFor, () => this.#endLesson()) };
    this.#changed();
    return { until };
  }

  async forget(tag: string): Promise<void> {
    try {
      await this.#list.forget(tagOf(tag));
    } finally {
      this.#changed();
    }
  }

  async scan(text: string, zone?: string): Promise<TagRead> {
    const { zones } = this.#desk;
    if (!isTag(text)) throw new TonearmError({ kind: 'invalid', code: 'tags/no-tag', message: 'This is no tag: it has 1 to 100 letters and digits.' });
    const known = zones.map(({ id }) => `“${id}”`).join(', ');
    if (zone === undefined && zones.length > 1) throw new TonearmError({ kind: 'invalid', code: 'tags/no-zone', message: `Say in which zone: one of ${known}.` });
    const here = zones.find(({ id }) => zone === undefined || id === zone);
    if (!here) throw new TonearmError({ kind: 'not-found', code: 'tags/no-such-zone', message: `There is no zone “${zone ?? ''}”. There is ${known}.` });
    return this.#tell(await this.#held(tagOf(text), here), { tag: tagOf(text), reader: null, zone: here.id });
  }

  async #said({ id, zone: name, removed, again }: TagReader, topic: string, reading: Reading): Promise<void> {
    const { zones, clock } = this.#desk;
    const zone = zones.find((one) => name === undefined || one.id === name);
    if (!zone) return;
    const place = `${id} ${topic}`;
    const lay = this.#lying.get(place);
    if (reading.kind === 'removed') {
      if (!lay) return;
      this.#lying.delete(place);
      this.#tell(await this.#takenOff(lay.tag, zone, removed), { tag: lay.tag, reader: id, zone: zone.id });
      return;
    }
    const { tag } = reading;
    const now = clock.monotonic();
    this.#lying.set(place, { tag, at: now });
    const isSame = lay?.tag === tag && now - lay.at < again;
    // A lesson is for the tag that comes, or for one that is new: not for what lies on another reader and is something already.
    if (isSame && (this.#lesson === null || this.#list.find(tag))) return;
    if (now < this.#settled && this.#lesson === null) return;
    this.#tell(await this.#held(tag, zone), { tag, reader: id, zone: zone.id });
  }

  /** Never rejects. */
  async #held(tag: string, zone: ZoneView): Promise<Result> {
    if (this.#lesson) return this.#learn(tag, zone, this.#lesson.wanted);
    const known = this.#list.find(tag);
    if (!known) return { outcome: 'unknown', name: null, why: `The tag ${tag} stands for nothing yet. Have it learnt, or set it under "tags".` };
    const { wish } = known;
    const name = this.#nameOf(wish, known.name);
    if ('run' in wish) return this.#try(tag, 'ran', name, () => this.#desk.run(wish.run));
    const on: On = { tag, play: wish.play, isOff: false };
    const before = this.#onIn(zone);
    const isOurs = before?.tag === tag && before.play === wish.play;
    const { state } = zone.player;
    if (isOurs && !before.isOff && isPlaying(state)) return { outcome: 'kept', name };
    const goesOn = isOurs && (isPlaying(state) || state.status === 'paused');
    return this.#try(tag, goesOn ? 'resumed' : 'played', name, () => this.#send(zone, on, goesOn ? { kind: 'play' } : this.#commandFor(wish.play, zone)));
  }

  async #takenOff(tag: string, zone: ZoneView, then: TagReader['removed']): Promise<Result> {
    const known = this.#list.find(tag);
    const name = known ? this.#nameOf(known.wish, known.name) : null;
    const on = this.#onIn(zone);
    if (then === 'nothing' || on?.tag !== tag || !isPlaying(zone.player.state)) return { outcome: 'removed', name };
    return this.#try(tag, 'removed', name, () => this.#send(zone, { ...on, isOff: true }, { kind: 'pause' }));
  }

  /** What a tag has on in this zone; null once somebody else has taken it over. */
  #onIn({ id, player: { state } }: ZoneView): On | null {
    return state.by.started === origin ? (this.#on.get(id) ?? null) : null;
  }

  async #learn(tag: string, zone: ZoneView, wanted: Lesson | null): Promise<Result> {
    if (this.#list.isFixed(tag)) return { outcome: 'failed', name: null, why: whyFixed(tag) };
    const learnt = wanted ?? this.#playingIn(zone);
    // The lesson goes on: whoever holds the tag there can put music on meanwhile.
    if (!learnt) return { outcome: 'nothing-on', name: null, why: `Nothing plays in “${zone.name}” that the tag could stand for. Play it first, then hold the tag there again.` };
    this.#endLesson();
    return this.#try(tag, 'learned', learnt.name, async () => {
      await this.#list.learn({ tag, ...learnt });
      // Without what it stands for: an address may hold a login.
      this.#desk.log.info('A tag was learnt', { tag, zone: zone.id });
      zone.player.dispatch([Command.parse({ kind: 'announce', uri: 'sound:chime' })], origin, this.#scope.signal).catch((error: unknown) => {
        if (!isAbort(error)) this.#desk.log.debug('The chime for a learnt tag was not heard', { zone: zone.id, error });
      });
    });
  }

  /** What a tag could learn here now. */
  #playingIn({ player: { state } }: ZoneView): Lesson | null {
    const { preset, queue: { context }, track, status } = state;
    if (!track || !(isPlaying(state) || status === 'paused') || track.uri.startsWith('sound:')) return null;
    const known = this.#desk.presets.list.find(({ id }) => id === preset);
    if (known) return { wish: { play: known.id }, name: known.name };
    if (context && isLasting(context.uri)) return { wish: { play: context.uri }, name: context.title || track.album || context.uri };
    return { wish: { play: track.uri }, name: track.title || track.uri };
  }

  #commandFor(play: string, zone: ZoneView): CommandInput {
    const preset = this.#desk.presets.find(play, zone.id);
    if (preset) return { kind: 'preset', preset: preset.id };
    if (isAddress(play)) return { kind: 'play', uri: play };
    throw new TonearmError({ kind: 'not-found', code: 'tags/no-such-preset', message: `There is no preset “${play}” in “${zone.name}”.` });
  }

  /** The newest wish counts: what is still on its way is given up for it, and `on` holds once it is done. */
  async #send(zone: ZoneView, on: On, command: CommandInput): Promise<void> {
    this.#attempts.get(zone.id)?.abort(new DOMException('Something newer was wanted of the tags meanwhile.', 'AbortError'));
    const attempt = new AbortController();
    this.#attempts.set(zone.id, attempt);
    const late = { code: 'tags/timeout', message: `“${zone.name}” did not do it within ${patience / 1000} seconds.` };
    try {
      await withTimeout(this.#desk.clock, patience, late, anySignal(this.#scope.signal, attempt.signal), (signal) => zone.player.dispatch([Command.parse(command)], origin, signal));
      if (this.#attempts.get(zone.id) === attempt) this.#on.set(zone.id, on);
    } finally {
      if (this.#attempts.get(zone.id) === attempt) this.#attempts.delete(zone.id);
    }
  }

  async #try(tag: string, outcome: TagOutcome, name: string | null, deed: () => Promise<void>): Promise<Result> {
    try {
      await deed();
      return { outcome, name };
    } catch (error) {
      if (!isAbort(error)) this.#desk.log.warn('A tag could not do what it stands for', { tag, error });
      return { outcome: 'failed', name, why: toTonearmError(error).message };
    }
  }

  #tell({ why, ...result }: Result, where: Pick<TagRead, 'tag' | 'reader' | 'zone'>): TagRead {
    const read: TagRead = { ...where, ...result, why: why ?? null, at: this.#desk.clock.now() };
    if (this.#scope.signal.aborted) return read;
    this.#last = read;
    this.#emitter.emit('read', read);
    if (read.outcome === 'learned') this.#changed();
    return read;
  }

  #endLesson(): void {
    if (!this.#lesson) return;
    this.#lesson.ends[Symbol.dispose]();
    this.#lesson = null;
    this.#changed();
  }

  #changed(): void {
    if (!this.#scope.signal.aborted) this.#emitter.emit('changed', this.picture);
  }

  #nameOf(wish: TagWish, name?: string, presets = presetsByName(this.#desk.presets.list)): string {
    if ('run' in wish) return this.#desk.automations.find(({ id }) => id === wish.run)?.name ?? name ?? wish.run;
    return presets.get(wish.play.trim().toLowerCase())?.name ?? name ?? wish.play;
  }

  #understood(wish: TagWish): Lesson {
    const { presets, automations } = this.#desk;
    if ('run' in wish) {
      const found = automations.find(({ id }) => id === wish.run);
      if (found) return { wish, name: found.name };
      throw new TonearmError({ kind: 'not-found', code: 'tags/no-such-automation', message: `There is no automation “${wish.run}”. ${automations.length === 0 ? 'None is configured.' : `There is ${automations.map(({ id }) => `“${id}”`).join(', ')}.`}` });
    }
    const preset = presetsByName(presets.list).get(wish.play.trim().toLowerCase());
    if (preset) return { wish: { play: preset.id }, name: preset.name };
    if (isAddress(wish.play)) return { wish, name: wish.play };
    throw new TonearmError({ kind: 'not-found', code: 'tags/no-such-preset', message: `There is no preset “${wish.play}”, and it is no address of music either. ${presets.list.length === 0 ? 'There are no presets.' : `There is ${presets.list.map(({ name }) => `“${name}”`).join(', ')}.`}` });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

/** Whether it can be played again: a search and a list on one phone cannot (connect-control.md §4.4). */
const isLasting = (uri: string): boolean => !/^spotify:(?:user:[^:]*:)?(?:search|local)/.test(uri);

/** Ids go before names. */
function presetsByName(presets: readonly Preset[]): ReadonlyMap<string, Preset> {
  return new Map([...presets.map((preset): [string, Preset] => [preset.name.toLowerCase(), preset]), ...presets.map((preset): [string, Preset] => [preset.id, preset])]);
}
