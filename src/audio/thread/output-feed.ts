import { toTonearmError, type TonearmError } from '#foundation';
import type { Millis } from '#core';
import { Gain } from '../gain/gain.ts';
import { Limiter } from '../gain/limiter.ts';
import type { Announcer } from './announcer.ts';
import type { Hearing } from './hearing.ts';
import type { Load } from './load.ts';
import type { OutputSlot } from './output-slot.ts';
import { SoundQueue, type Chunk } from './sound-queue.ts';

/** Waiting for the output so long is a stall too, because outputs hold at most about a second. */
const blockedAfter: Millis = 2000;

/** Thrown within the engine: the trouble, its cause, is the output's, and the load is as good as before. */
export class OutputTrouble extends Error {
  get error(): TonearmError {
    return toTonearmError(this.cause, 'output/failed');
  }
}

/** The last stretch: gain, and the output, opened when it is needed. */
export class OutputFeed {
  readonly #slot: OutputSlot;
  readonly #hearing: Hearing;
  readonly #gain = new Gain();
  readonly #limiter = new Limiter();
  #silence = new Float32Array(0);
  /** Puts announcements over it, while there are any. */
  announcer: Announcer | null = null;
  /** A chunk waits for the output. */
  isWriting = false;

  constructor(slot: OutputSlot, hearing: Hearing) {
    this.#slot = slot;
    this.#hearing = hearing;
  }

  /** Linear volume; at once when nothing is heard. */
  setGain(gain: number): void {
    if (this.#hearing.isListening) this.#gain.aim(gain, this.#hearing.queue.rate);
    else this.#gain.reset(gain);
  }

  /** Something else is heard next, or nothing: a change of volume that is under way is done. */
  settleGain(): void {
    this.#gain.settle();
  }

  /** Makes sure of an output for sound of this rate, and of a queue at the output's. `before` is called when the old queue is given up. */
  async open(rate: number, signal: AbortSignal, before: () => void): Promise<void> {
    const output = await this.#slot.open(rate, signal).catch(asTrouble(signal));
    this.announcer?.setRate(output.format.rate);
    if (output.format.rate === this.#hearing.queue.rate) return;
    before();
    this.#hearing.queue = new SoundQueue(output.format.rate);
  }

  /** Writes the chunk; aborted, it was not written. */
  async write({ load, samples }: Chunk<Load>, signal: AbortSignal): Promise<void> {
    const output = this.#slot.output;
    if (!output) return;
    const marks = { gain: this.#gain.mark, limiter: this.#limiter.mark };
    const levelled = this.#gain.apply(samples, load.factor);
    const limited = load.factor > 1 ? this.#limiter.apply(levelled, this.#hearing.queue.rate) : levelled;
    const { announcer } = this;
    this.isWriting = true;
    try {
      const written = output.write(announcer ? announcer.mix(limited, true) : limited, signal);
      await this.#hearing.watch({ patience: blockedAfter, isOutput: true }, written.catch(asTrouble(signal)));
      announcer?.wrote(samples.length / 2);
    } catch (error) {
      this.#gain.rewind(marks.gain);
      this.#limiter.rewind(marks.limiter);
      throw error;
    } finally {
      this.isWriting = false;
    }
  }

  /** Writes what is said, where there is no music. */
  async speak(frames: number, signal: AbortSignal): Promise<void> {
    const { announcer } = this;
    const output = this.#slot.output;
    if (!output || !announcer) return;
    if (this.#silence.length < 2 * frames) this.#silence = new Float32Array(2 * frames);
    await output.write(announcer.mix(this.#silence.subarray(0, 2 * frames), false), signal).catch(asTrouble(signal));
    announcer.wrote(frames);
    this.#hearing.queue.filled(frames);
  }

  /** Takes back from the output what is not heard; returns how many frames. */
  takeBack(): number {
    const frames = this.#slot.drop();
    this.announcer?.takenBack(frames);
    return frames;
  }

  /** Rejects when the open output has failed meanwhile. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#slot.output?.write(new Float32Array(0), signal).catch(asTrouble(signal));
  }

  /** Resolves when all that was written was heard. */
  async drain(signal: AbortSignal): Promise<void> {
    await this.#slot.output?.drain(signal).catch(asTrouble(signal));
  }
}

/** Marks an output's errors as such; our own interruption stays what it is. */
function asTrouble(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    throw signal.aborted ? error : new OutputTrouble('The output failed.', { cause: error });
  };
}
