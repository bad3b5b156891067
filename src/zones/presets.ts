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
const Kept = z.array(Added.extend({ id: z.string() }));

/** The presets of the configuration, and those that were added since. Never rejects: what cannot be read is left out, and that is logged. */
export async function openPresets({ settings, host, slug }: PresetsOptions): Promise<Presets> {
  const log = host.log.child('zones/presets');
  const fixed = settings.map(({ volume, ...preset }): Preset => ({ ...preset, id: preset.id ?? slug(preset.name), level: volume === undefined ? undefined : volume / 100 }));
  const kept = Kept.safeParse((await host.store.read(storeName)) ?? []);
  if (!kept.success) log.warn('The presets that were added could not be read and are gone', { problem: z.prettifyError(kept.error) });
  return new KeptPresets(unique(fixed), kept.data ?? [], { store: host.store, slug, onError: (error) => log.error('A listener failed', { error }) });
}

class KeptPresets implements Presets {
  readonly #fixed: readonly Preset[];
  readonly #ports: Pick<PresetsOptions, 'slug'> & Pick<Host, 'store'>;
  readonly #emitter: Emitter<{ changed: readonly Preset[] }>;
  #added: readonly Preset[];
  #writing: Promise<unknown> = Promise.resolve();

  constructor(fixed: readonly Preset[], added: readonly Preset[], ports: Pick<PresetsOptions, 'slug'> & Pick<Host, 'store'> & { readonly onError: (error: unknown) => void }) {
    this.#fixed = fixed;
    this.#added = unique(added).filter(({ id }) => !this.#isFixed(id));
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
    const preset: Preset = { ...parsed.data, id: parsed.data.id ?? this.#ports.slug(parsed.data.name) };
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
    const written = this.#writing.then(() => this.#ports.store.write(storeName, added));
    this.#writing = written.catch(() => undefined);
    await written;
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
