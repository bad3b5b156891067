/** Input frames that go into each output frame. */
const taps = 48;
const half = taps / 2;
/** Stop-band of about 90 dB. */
const beta = 9;

/**
 * Changes the rate of stereo sound by a polyphase windowed-sinc filter. What comes out lies where the input lies in time:
 * the first frame out is the first frame in, and n seconds in are n seconds out.
 */
export class RateConverter {
  readonly #up: number;
  readonly #down: number;
  readonly #filter: Float32Array;
  #input = new Float32Array(2 * 16_384);
  /** Frames in `#input`. The first of all is preceded by silence, so that the filter has something to stand on. */
  #held = half - 1;
  /** Where the next output frame lies: this many frames into `#input`, and `#phase / up` of one. */
  #at = half - 1;
  #phase = 0;
  #output: Float32Array = new Float32Array(0);
  #in = 0;
  #out = 0;

  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.#up = to / divisor;
    this.#down = from / divisor;
    this.#filter = design(this.#up, Math.min(1, to / from));
  }

  /** Takes frames; gives as many as can be told already, in memory that is good until the next call. */
  convert(frames: Float32Array): Float32Array {
    this.#append(frames);
    this.#in += frames.length / 2;
    return this.#produce(Infinity);
  }

  /** What is left at the end of the sound. */
  finish(): Float32Array {
    const total = Math.round((this.#in * this.#up) / this.#down);
    this.#append(new Float32Array(2 * taps));
    return this.#produce(total - this.#out);
  }

  #append(frames: Float32Array): void {
    const length = 2 * this.#held + frames.length;
    if (length > this.#input.length) {
      const larger = new Float32Array(2 * length);
      larger.set(this.#input.subarray(0, 2 * this.#held));
      this.#input = larger;
    }
    this.#input.set(frames, 2 * this.#held);
    this.#held += frames.length / 2;
  }

  #produce(most: number): Float32Array {
    const input = this.#input;
    const filter = this.#filter;
    const room = 2 * (Math.ceil(((this.#held - this.#at) * this.#up) / this.#down) + 2);
    if (this.#output.length < room) this.#output = new Float32Array(room);
    let count = 0;
    /* eslint-disable @typescript-eslint/no-non-null-assertion -- inside the filter and what is held */
    while (this.#at + half < this.#held && count < most) {
      let left = 0;
      let right = 0;
      let place = 2 * (this.#at - half + 1);
      for (let tap = this.#phase * taps, end = tap + taps; tap < end; tap++) {
        left += input[place++]! * filter[tap]!;
        right += input[place++]! * filter[tap]!;
      }
      this.#output[2 * count] = left;
      this.#output[2 * count + 1] = right;
      count += 1;
      this.#phase += this.#down;
      this.#at += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    /* eslint-enable @typescript-eslint/no-non-null-assertion */
    const spent = Math.max(0, Math.min(this.#at - half + 1, this.#held));
    input.copyWithin(0, 2 * spent, 2 * this.#held);
    this.#held -= spent;
    this.#at -= spent;
    this.#out += count;
    return this.#output.subarray(0, 2 * count);
  }
}

/** For each of `phases` places between two input frames the weights of the frames around it. */
function design(phases: number, cutoff: number): Float32Array {
  const filter = new Float32Array(phases * taps);
  // A little below the limit, so that the transition ends there.
  const band = cutoff * (cutoff < 1 ? 0.92 : 0.95);
  for (let phase = 0; phase < phases; phase++) {
    const weights = Array.from({ length: taps }, (_, tap) => {
      const distance = tap - half + 1 - phase / phases;
      return sinc(band * distance) * window(distance / half);
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    weights.forEach((weight, tap) => (filter[phase * taps + tap] = weight / sum));
  }
  return filter;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Kaiser's, from -1 to 1. */
function window(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(beta * Math.sqrt(1 - x * x)) / bessel(beta);
}

function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 50; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
