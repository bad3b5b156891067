import { z } from 'zod';
import type { Host, TagWish } from '#core';
import { TonearmError } from '#foundation';
import { Id } from '../words.ts';
import { isTag, tagOf } from './reading.ts';
import type { TagsSettings } from './settings.ts';

const storeName = 'tags';
const most = 1000;

/** Letters of a name that are kept. */
const longestName = 500;

const Kept = z.object({
  tag: z.string().refine(isTag).transform(tagOf),
  wish: z.union([z.strictObject({ play: z.string().min(1).max(2048) }), z.strictObject({ run: Id })]),
  name: z.string(),
});
export type LearntTag = z.output<typeof Kept>;

export interface KnownTag {
  readonly tag: string;
  readonly wish: TagWish;
  /** As it was called when it was learnt; absent for those of the configuration. */
  readonly name?: string;
}

/** What tags stand for: by the configuration, and learnt since. */
export class TagList implements AsyncDisposable {
  readonly #fixed: ReadonlyMap<string, KnownTag>;
  /** What cannot be read now is kept as it is: a later version may read it. */
  readonly #aside: readonly unknown[];
  readonly #store: Host['store'];
  #learnt: ReadonlyMap<string, LearntTag>;
  #written: Promise<unknown> = Promise.resolve();

  private constructor(fixed: readonly KnownTag[], learnt: readonly LearntTag[], aside: readonly unknown[], store: Host['store']) {
    this.#fixed = byTag(fixed);
    this.#learnt = byTag(learnt);
    this.#aside = aside;
    this.#store = store;
  }

  /** Never rejects for what was kept: what cannot be read is left out, and that is logged. */
  static async open({ known }: TagsSettings, { store, log }: Pick<Host, 'store' | 'log'>): Promise<TagList> {
    const kept = (await store.read(storeName)) ?? [];
    const learnt: LearntTag[] = [];
    const aside: unknown[] = [];
    for (const each of Array.isArray(kept) ? (kept as unknown[]) : [kept]) {
      const { data, error } = Kept.safeParse(each);
      if (data) learnt.push(data);
      else aside.push(each);
      if (error) log.warn('A tag that was learnt could not be read and is left out', { problem: z.prettifyError(error) });
    }
    const fixed = known.map(({ tag, play, run = '' }): KnownTag => ({ tag: tagOf(tag), wish: play === undefined ? { run } : { play } }));
    return new TagList(fixed, learnt, aside, store);
  }

  /** Those of the configuration first; they hide what was learnt of the same tag. */
  get list(): readonly (KnownTag & { readonly isFixed: boolean })[] {
    return [...[...this.#fixed.values()].map((one) => ({ ...one, isFixed: true })), ...[...this.#learnt.values()].filter(({ tag }) => !this.isFixed(tag)).map((one) => ({ ...one, isFixed: false }))];
  }

  find(tag: string): KnownTag | undefined {
    return this.#fixed.get(tag) ?? this.#learnt.get(tag);
  }

  isFixed(tag: string): boolean {
    return this.#fixed.has(tag);
  }

  /** Resolves once it is kept. */
  async learn(entry: LearntTag): Promise<void> {
    const others = [...this.#learnt.values()].filter(({ tag }) => tag !== entry.tag);
    if (others.length >= most) throw new TonearmError({ kind: 'conflict', code: 'tags/too-many', message: `There are ${most} tags already. Have one forgotten first.` });
    await this.#keep([...others, { ...entry, name: entry.name.slice(0, longestName) }]);
  }

  /** Rejects with `not-found`, or `conflict` for one of the configuration. */
  async forget(tag: string): Promise<void> {
    if (this.isFixed(tag)) throw new TonearmError({ kind: 'conflict', code: 'tags/fixed', message: whyFixed(tag) });
    if (!this.#learnt.has(tag)) throw new TonearmError({ kind: 'not-found', code: 'tags/unknown', message: `The tag ${tag} stands for nothing.` });
    await this.#keep([...this.#learnt.values()].filter((one) => one.tag !== tag));
  }

  /** In order, because the last list counts. What could not be kept is not so. */
  async #keep(list: readonly LearntTag[]): Promise<void> {
    const before = this.#learnt;
    const learnt = byTag(list);
    this.#learnt = learnt;
    const written = this.#written.then(() => this.#store.write(storeName, [...list, ...this.#aside]));
    this.#written = written.catch(() => undefined);
    try {
      await written;
    } catch (error) {
      if (this.#learnt === learnt) this.#learnt = before;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#written;
  }
}

export const whyFixed = (tag: string): string => `What the tag ${tag} stands for is part of the configuration: change it there.`;

const byTag = <T extends KnownTag>(list: readonly T[]): ReadonlyMap<string, T> => new Map(list.map((one) => [one.tag, one]));
