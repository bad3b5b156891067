import { every, TonearmError } from '#foundation';
import type { Millis, OutputView } from '#core';
import { chooseOutput, deviceSigns, outputChoices, probeOutput, type ConcreteOutput, type OutputSettings, type OutputWorld } from '#outputs';

/** How often it is looked whether a sound device has come, while sound is due and there is none. */
const lookEvery: Millis = 1000;
/** A real try, without any sign of one, so often. */
const tryEvery: Millis = 10_000;
/** A device that has not answered by then counts as not working. */
const patience: Millis = 5000;

/** Which output it is: chosen at the beginning, changed by name, and chosen again when there was none and one may have come. */
export class OutputDesk implements Disposable {
  readonly #configured: OutputSettings;
  readonly #world: OutputWorld;
  readonly #onChange: () => void;
  #choices: ReadonlyMap<string, OutputSettings>;
  #current: ConcreteOutput | null = null;
  /** `auto` found nothing, so that it is silence for now. */
  #isMissing = false;
  #asked: string;
  #search: Disposable | null = null;
  #searching: { signs: string; tried: Millis } | null = null;
  #changes = 0;
  #closed = false;

  /** `onChange`: `current` or `view` is another. */
  constructor(configured: OutputSettings, world: OutputWorld, onChange: () => void) {
    this.#configured = configured;
    this.#world = world;
    this.#onChange = onChange;
    this.#asked = configured.kind;
    this.#choices = new Map([['auto', { kind: 'auto', release: 'release' in configured ? configured.release : 10 }], [configured.kind, configured]]);
  }

  /** Null until one was chosen. */
  get current(): ConcreteOutput | null {
    return this.#current;
  }

  get view(): OutputView {
    return { name: this.#current?.kind ?? null, choices: [...this.#choices.keys()] };
  }

  async open(): Promise<{ readonly output: string; readonly why: string }> {
    const { settings, why } = await this.#choose(this.#configured);
    this.#take(settings);
    void this.#findChoices();
    return { output: settings.kind, why };
  }

  /** Changes to the output of that name; rejects when there is none of that name, or it does not work now. */
  async use(name: string): Promise<void> {
    const settings = this.#choices.get(name);
    if (!settings) {
      const names = [...this.#choices.keys()].join(', ');
      throw new TonearmError({ kind: 'invalid', code: 'audio/no-such-output', message: `There is no output “${name}” here. There are: ${names}.` });
    }
    const change = ++this.#changes;
    const chosen = settings.kind === 'auto' ? (await this.#choose(settings)).settings : settings;
    if (settings.kind !== 'auto') await this.#demand(settings);
    // Somebody has asked for another one meanwhile.
    if (change !== this.#changes || this.#closed) return;
    this.#asked = name;
    this.#isMissing = settings.kind === 'auto' && chosen.kind === 'null';
    this.#take(chosen);
  }

  /** Sound is due, or not any more: when no device was found, looks for one as long as it is. */
  expect(isSoundDue: boolean): void {
    if (isSoundDue && this.#isMissing && !this.#closed) {
      this.#search ??= every(this.#world.clock, lookEvery, () => void this.#look());
      return;
    }
    this.#search?.[Symbol.dispose]();
    this.#search = null;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.expect(false);
  }

  async #choose(settings: OutputSettings): Promise<{ readonly settings: ConcreteOutput; readonly why: string }> {
    const choice = await chooseOutput(settings, this.#world);
    if (settings === this.#configured) this.#isMissing = settings.kind === 'auto' && choice.settings.kind === 'null';
    return choice;
  }

  #take(settings: ConcreteOutput): void {
    this.#current = settings;
    this.#onChange();
  }

  async #findChoices(): Promise<void> {
    this.#choices = await outputChoices(this.#configured);
    if (!this.#closed) this.#onChange();
  }

  /** An occupied device is taken: perhaps it is we who have it. */
  async #demand(settings: ConcreteOutput): Promise<void> {
    const limit = new AbortController();
    const timer = this.#world.clock.timer(patience, () => limit.abort());
    const reason = await probeOutput(settings, this.#world, limit.signal).finally(() => timer[Symbol.dispose]());
    if (reason === null || /busy/i.test(reason)) return;
    throw new TonearmError({ kind: 'unavailable', code: 'audio/output-not-working', message: `The output “${settings.kind}” does not work now (${reason}), so the sound stays where it is.` });
  }

  async #look(): Promise<void> {
    const now = this.#world.clock.monotonic();
    const signs = await deviceSigns();
    const last = this.#searching;
    if (!this.#search || (last && last.signs === signs && now - last.tried < tryEvery)) return;
    this.#searching = { signs, tried: now };
    const change = this.#changes;
    const asked = this.#choices.get(this.#asked);
    if (asked?.kind !== 'auto') return;
    const { settings, why } = await chooseOutput(asked, this.#world);
    if (settings.kind === 'null' || change !== this.#changes || this.#closed) return;
    this.#world.log.info(`A sound device has come: ${settings.kind}. ${why}`);
    this.#isMissing = false;
    this.expect(false);
    this.#take(settings);
  }
}
