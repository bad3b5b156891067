import type { Output } from '#core';

/** Opens an output for stereo frames of this rate; its own rate may be another. */
export type OpenOutput = (rate: number, signal: AbortSignal) => Promise<Output>;

/** The deck's output: opened when sound is due, closed after a silence. */
export class OutputSlot implements AsyncDisposable {
  #open: OpenOutput;
  #fixed: number | null;
  #output: Output | null = null;
  /** The rate it was asked for; the output's own may differ. */
  #asked = 0;

  /** `fixed` is the only rate the output can take, if that is so. */
  constructor(open: OpenOutput, fixed: number | null = null) {
    this.#open = open;
    this.#fixed = fixed;
  }

  /** The open output, if there is one. */
  get output(): Output | null {
    return this.#output;
  }

  /** How many frames were written and are not heard yet. */
  get unheard(): number {
    return this.#output ? Math.round((this.#output.delay * this.#output.format.rate) / 1000) : 0;
  }

  /** Whether sound of this rate can be written as things are. */
  fits(rate: number): boolean {
    return this.#output !== null && (this.#fixed !== null || this.#asked === rate || this.#output.format.rate === rate);
  }

  /** Whether what was made for this rate can go to whatever is opened next. */
  suits(rate: number): boolean {
    return this.#fixed === null ? this.#asked === rate : this.#fixed === rate;
  }

  /** Closes the output; the next one is another. */
  async change(open: OpenOutput, fixed: number | null): Promise<void> {
    this.#open = open;
    this.#fixed = fixed;
    await this.close().catch(() => undefined);
  }

  /** An output for sound of this rate; one for another rate is played out and closed first. */
  async open(rate: number, signal: AbortSignal): Promise<Output> {
    if (this.#output && this.fits(rate)) return this.#output;
    if (this.#output) {
      await this.#output.drain(signal);
      await this.close();
    }
    const output = await this.#open(rate, signal);
    this.#output = output;
    this.#asked = rate;
    return output;
  }

  /** Takes back what is not heard; returns how many frames. */
  drop(): number {
    return this.#output?.drop() ?? 0;
  }

  async close(): Promise<void> {
    const output = this.#output;
    this.#output = null;
    await output?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

