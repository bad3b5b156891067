import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeptAccessory, KeptChange, KeptInput } from './plan.ts';

const nothing: KeptAccessory = { inputs: {} };
/** The first identifier that is not taken by the input that is always there. */
const firstIdentifier = 2;
const identifiers = 0xfffe;

/**
 * What only Home knows and we must not forget: names and hidden inputs as people set them, and which number an input has.
 * One small file in Homebridge's storage, written aside and exchanged.
 */
export class Memory {
  readonly #path: string;
  readonly #warn: (sentence: string) => void;
  #accessories: Readonly<Record<string, KeptAccessory>>;
  #writing: Promise<void> = Promise.resolve();
  #isDirty = false;

  private constructor(path: string, warn: (sentence: string) => void, accessories: Readonly<Record<string, KeptAccessory>>) {
    this.#path = path;
    this.#warn = warn;
    this.#accessories = accessories;
  }

  static async open(path: string, warn: (sentence: string) => void): Promise<Memory> {
    try {
      return new Memory(path, warn, parseMemory(JSON.parse(await readFile(path, 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') warn(`What was kept in ${path} cannot be read (${(error as Error).message}). Names and hidden inputs are as Tonearm has them until they are changed in Home again.`);
      return new Memory(path, warn, {});
    }
  }

  accessory(key: string): KeptAccessory {
    return this.#accessories[key] ?? nothing;
  }

  /** Numbers for inputs: the same for ever, also when one was away for a while. */
  identify(key: string, ids: readonly string[]): ReadonlyMap<string, number> {
    const before = this.accessory(key);
    const inputs = identify(before.inputs, ids);
    if (inputs !== before.inputs) this.#put(key, { ...before, inputs });
    return new Map(ids.map((id) => [id, inputs[id]?.identifier ?? 0]));
  }

  keep(change: KeptChange): void {
    this.#put(change.accessory, applyChange(this.accessory(change.accessory), change));
  }

  /** Resolves once everything is in the file. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #put(key: string, accessory: KeptAccessory): void {
    this.#accessories = { ...this.#accessories, [key]: accessory };
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    this.#isDirty = false;
    try {
      const aside = `${this.#path}.new`;
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(aside, `${JSON.stringify({ version: 1, accessories: this.#accessories }, null, 2)}\n`);
      await rename(aside, this.#path);
    } catch (error) {
      this.#warn(`Names and inputs as set in Home could not be kept in ${this.#path} (${(error as Error).message}). They hold until Homebridge restarts.`);
    }
  }
}

/** Adds numbers for those that have none: made from the name, so that they are most likely the same even after the file was lost. */
export function identify(inputs: Readonly<Record<string, KeptInput>>, ids: readonly string[]): Readonly<Record<string, KeptInput>> {
  const fresh = ids.filter((id) => !Object.hasOwn(inputs, id));
  if (fresh.length === 0) return inputs;
  const taken = new Set(Object.values(inputs).map(({ identifier }) => identifier));
  const all: Record<string, KeptInput> = { ...inputs };
  for (const id of fresh) {
    let identifier = firstIdentifier + (hash(id) % identifiers);
    while (taken.has(identifier)) identifier = firstIdentifier + ((identifier - firstIdentifier + 1) % identifiers);
    taken.add(identifier);
    all[id] = { identifier };
  }
  return all;
}

export function applyChange(accessory: KeptAccessory, change: KeptChange): KeptAccessory {
  if (change.kind === 'name') return { ...accessory, name: change.name ?? undefined };
  const input = accessory.inputs[change.input] ?? { identifier: 1 };
  const next = change.kind === 'input-name' ? { ...input, name: change.name ?? undefined } : { ...input, isHidden: change.isHidden || undefined };
  return { ...accessory, inputs: { ...accessory.inputs, [change.input]: next } };
}

/** Takes what can be used; the file may have been edited by hand. */
export function parseMemory(value: unknown): Readonly<Record<string, KeptAccessory>> {
  const accessories = isRecord(value) && isRecord(value['accessories']) ? value['accessories'] : {};
  return Object.fromEntries(Object.entries(accessories).map(([key, entry]) => [key, parseAccessory(entry)]));
}

function parseAccessory(entry: unknown): KeptAccessory {
  if (!isRecord(entry)) return nothing;
  const inputs = isRecord(entry['inputs']) ? entry['inputs'] : {};
  const name = entry['name'];
  return {
    ...(typeof name === 'string' && { name }),
    inputs: Object.fromEntries(Object.entries(inputs).flatMap(([id, input]) => {
      if (!isRecord(input)) return [];
      const { identifier, name: own, isHidden } = input;
      if (typeof identifier !== 'number' || !Number.isInteger(identifier) || identifier < 1) return [];
      return [[id, { identifier, ...(typeof own === 'string' && { name: own }), ...(isHidden === true && { isHidden }) }]];
    })),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (const byte of Buffer.from(text)) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum;
}
