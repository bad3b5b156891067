import { z } from 'zod';
import type { Host, Preset, Presets } from '#core';
import { Emitter, TonearmError, type Events } from '#foundation';
import { PresetSettings } from './settings.ts';

export interface PresetsOptions {
  readonly settings: readonly PresetSettings[];
  readonly host: Pick<Host, 'log' | 'store'>;
  /** Makes an id from a name. */
  readonly slug: (name: string) => string;
}

const storeName = 'presets';
const most = 500;

/** As it is added and as it is kept: the same rules as in the configuration. */
const Added = PresetSettings.omit({ volume: true }).extend({ level: z.number().min(0).max(1).optional() });
const Kept = Added.extend({ id: z.string() });

/** The presets of the configuration, and those that were added since. Never rejects: what cannot be read is left out, and that is logged. */
export async function openPresets({ settings, host, slug }: PresetsOptions): Promise<Presets> {
  const log = host.log.child('zones/presets');
  const fixed = unique(settings.map(({ volume, ...preset }): Preset => ({ ...preset, id: preset.id ?? slug(preset.name), level: volume === undefined ? undefined : volume / 100 })));
  const kept = (await host.store.read(storeName)) ?? [];
  const added: Preset[] = [];
  const aside: unknown[] = [];
  for (const each of Array.isArray(kept) ? (kept as unknown[]) : [kept]) {
    const { data, error } = Kept.safeParse(each);
    const isHidden = [...fixed, ...added].some(({ id }) => id === data?.id);
    if (data && !isHidden) added.push(data);
    else aside.push(each);
    if (error) log.warn('A preset that was added could not be read and is left out', { problem: z.prettifyError(error) });
    if (data && isHidden) log.warn('A preset that was added is left out, because another has its id', { preset: data.id });
  }
  return new KeptPresets(fixed, added, aside, { store: host.store, slug, onError: (error) => log.error('A listener failed', { error }) });
}

type KeptPorts = Pick<PresetsOptions, 'slug'> & Pick<Host, 'store'> & { readonly onError: (error: unknown) => void };

class KeptPresets implements Presets {
  readonly #fixed: readonly Preset[];
  /** What cannot be used now is kept as it is: the configuration may change, and a later version may read it. */
  readonly #aside: readonly unknown[];
  readonly #ports: KeptPorts;
  readonly #emitter: Emitter<{ changed: readonly Preset[] }>;
  #added: readonly Preset[];
  #writing: Promise<unknown> = Promise.resolve();

  constructor(fixed: readonly Preset[], added: readonly Preset[], aside: readonly unknown[], ports: KeptPorts) {
    this.#fixed = fixed;
    this.#aside = aside;
    this.#added = added;
    this.#ports = ports;
    this.#emitter = new Emitter(ports.onError);
  }

  get list(): readonly Preset[] {
    return [...this.#fixed, ...this.#added];
  }

  get events(): Events<{ changed: readonly Preset[] }> {
    return this.#emitter.events;
  }

  find(idOrName: string, zone: string): Preset | null {
    const wanted = idOrName.trim().toLowerCase();
    const offered = this.list.filter(({ zones }) => zones?.includes(zone) !== false);
    return offered.find(({ id }) => id === idOrName) ?? offered.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted) ?? null;
  }

  async add(wish: Omit<Preset, 'id'> & { readonly id?: string | undefined }): Promise<Preset> {
    const parsed = Added.safeParse(wish);
    if (!parsed.success) throw new TonearmError({ kind: 'invalid', code: 'zones/bad-preset', message: `This is no preset: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ')} It takes a name and a uri, and may have id, from, shuffle, level and zones.` });
    const preset: Preset = { ...parsed.data, id: parsed.data.id ?? this.#idFor(parsed.data.name) };
    if (this.#isFixed(preset.id)) throw fixedError(preset.id);
    const others = this.#added.filter(({ id }) => id !== preset.id);
    if (this.#fixed.length + others.length >= most) throw new TonearmError({ kind: 'conflict', code: 'zones/too-many-presets', message: `There are ${most} presets already. Remove one first.` });
    await this.#keep([...others, preset]);
    return preset;
  }

  async remove(id: string): Promise<void> {
    if (this.#isFixed(id)) throw fixedError(id);
    const others = this.#added.filter((preset) => preset.id !== id);
    if (others.length === this.#added.length) throw new TonearmError({ kind: 'not-found', code: 'zones/no-such-preset', message: `There is no preset “${id}”.` });
    await this.#keep(others);
  }

  /** In order, because the last list counts. */
  async #keep(added: readonly Preset[]): Promise<void> {
    this.#added = added;
    this.#emitter.emit('changed', this.list);
    const written = this.#writing.then(() => this.#ports.store.write(storeName, [...added, ...this.#aside]));
    this.#writing = written.catch(() => undefined);
    await written;
  }

  /** Made from the name: that of the preset of this name, else one that is free. */
  #idFor(name: string): string {
    const slug = this.#ports.slug(name);
    for (let n = 1; ; n++) {
      const id = n === 1 ? slug : `${slug.slice(0, 36)}-${n}`;
      if (this.#aside.some((each) => (each as { readonly id?: unknown } | null)?.id === id)) continue;
      const there = this.list.find((preset) => preset.id === id);
      if (!there || there.name.toLowerCase() === name.toLowerCase()) return id;
    }
  }

  #isFixed(wanted: string): boolean {
    return this.#fixed.some(({ id }) => id === wanted);
  }
}

/** The first of each id. */
function unique(presets: readonly Preset[]): readonly Preset[] {
  return [...new Map([...presets].reverse().map((preset) => [preset.id, preset])).values()].reverse();
}

const fixedError = (id: string) => new TonearmError({ kind: 'conflict', code: 'zones/preset-fixed', message: `The preset “${id}” is part of the configuration: change it there.` });
