/** Stereo sound in the making: two channels of float samples at 44.1 kHz. */
export interface Stereo {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

export const RATE = 44_100;

export const silence = (seconds: number): Stereo => ({
  left: new Float32Array(Math.round(seconds * RATE)),
  right: new Float32Array(Math.round(seconds * RATE)),
});

/** Equal temperament, A4 = 440 Hz; notes as MIDI numbers. */
export const frequency = (note: number): number => 440 * 2 ** ((note - 69) / 12);

/** Repeatable noise between -1 and 1. */
export function noise(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
}

export interface Note {
  /** Seconds from the start of the piece. */
  readonly at: number;
  /** Seconds until it is let go. */
  readonly length: number;
  readonly note: number;
  /** 0 to 1. */
  readonly strength: number;
  /** -1 left to 1 right. */
  readonly pan: number;
}

export type Instrument = (into: Stereo, note: Note) => void;

function mix(into: Stereo, start: number, pan: number, count: number, sample: (n: number) => number): void {
  const angle = ((pan + 1) * Math.PI) / 4;
  const toLeft = Math.cos(angle);
  const toRight = Math.sin(angle);
  const end = Math.min(start + count, into.left.length);
  for (let at = Math.max(start, 0), n = at - start; at < end; at++, n++) {
    const value = sample(n);
    into.left[at] = (into.left[at] ?? 0) + value * toLeft;
    into.right[at] = (into.right[at] ?? 0) + value * toRight;
  }
}

/** A plucked string (Karplus and Strong): noise going round in a damped loop. */
export const pluck: Instrument = (into, { at, note, strength, pan }) => {
  const period = RATE / frequency(note);
  const size = Math.floor(period);
  const loop = new Float32Array(size);
  const random = noise(Math.round(at * 997) + note * 31);
  let smooth = 0;
  for (let n = 0; n < size; n++) {
    smooth += (random() - smooth) * 0.55;
    loop[n] = smooth;
  }
  const damping = 0.9965 - Math.max(0, note - 60) * 0.00008;
  let index = 0;
  mix(into, Math.round(at * RATE), pan, Math.round(2.6 * RATE), () => {
    const next = (index + 1) % size;
    const value = loop[index] ?? 0;
    loop[index] = damping * 0.5 * (value + (loop[next] ?? 0));
    index = next;
    return value * strength * 0.9;
  });
};

/** A soft bell: one sine bends another. */
export const bell: Instrument = (into, { at, note, strength, pan }) => {
  const base = (2 * Math.PI * frequency(note)) / RATE;
  mix(into, Math.round(at * RATE), pan, Math.round(3.2 * RATE), (n) => {
    const t = n / RATE;
    const bend = 1.6 * Math.exp(-t * 4) * Math.sin(base * 3.01 * n);
    return strength * 0.4 * Math.exp(-t * 1.7) * Math.min(1, n / 60) * Math.sin(base * n + bend);
  });
};

/** A slow chord sound: five detuned saws behind a gentle filter. */
export const pad: Instrument = (into, { at, length, note, strength, pan }) => {
  const steps = [-0.006, -0.0025, 0, 0.003, 0.0055].map((detune) => (frequency(note) * (1 + detune)) / RATE);
  const phases = steps.map((_, n) => (n * 0.37) % 1);
  const release = 1.2;
  let low = 0;
  let lower = 0;
  mix(into, Math.round(at * RATE), pan, Math.round((length + release) * RATE), (n) => {
    const t = n / RATE;
    const envelope = Math.min(1, t / 0.9) * (t < length ? 1 : Math.max(0, 1 - (t - length) / release));
    let saw = 0;
    for (let voice = 0; voice < steps.length; voice++) {
      const phase = ((phases[voice] ?? 0) + (steps[voice] ?? 0)) % 1;
      phases[voice] = phase;
      saw += 2 * phase - 1;
    }
    const open = 0.035 + 0.025 * Math.sin(t * 0.7);
    low += (saw * 0.2 - low) * open;
    lower += (low - lower) * open;
    return lower * envelope * strength * 0.9;
  });
};

/** Round bass: a sine with a little of its octave. */
export const bass: Instrument = (into, { at, length, note, strength, pan }) => {
  const base = (2 * Math.PI * frequency(note)) / RATE;
  mix(into, Math.round(at * RATE), pan, Math.round((length + 0.08) * RATE), (n) => {
    const t = n / RATE;
    const envelope = Math.min(1, t / 0.008) * (t < length ? Math.exp(-t * 1.2) : Math.max(0, 1 - (t - length) / 0.08) * Math.exp(-length * 1.2));
    return strength * 0.5 * envelope * (Math.sin(base * n) + 0.25 * Math.sin(2 * base * n));
  });
};

/** Short chord stab, for dancing in the kitchen. */
export const stab: Instrument = (into, { at, note, strength, pan }) => {
  const step = frequency(note) / RATE;
  let phase = 0;
  let low = 0;
  mix(into, Math.round(at * RATE), pan, Math.round(0.45 * RATE), (n) => {
    const t = n / RATE;
    phase = (phase + step) % 1;
    const square = (phase < 0.42 ? 1 : -1) * 0.6 + Math.sin(2 * Math.PI * phase) * 0.5;
    low += (square - low) * (0.08 + 0.25 * Math.exp(-t * 14));
    return low * strength * 0.35 * Math.exp(-t * 8) * Math.min(1, n / 40);
  });
};

export const kick: Instrument = (into, { at, strength, pan }) => {
  let phase = 0;
  mix(into, Math.round(at * RATE), pan, Math.round(0.3 * RATE), (n) => {
    const t = n / RATE;
    phase += (2 * Math.PI * (48 + 110 * Math.exp(-t * 32))) / RATE;
    return strength * 0.85 * Math.exp(-t * 11) * Math.sin(phase);
  });
};

/** A brush on a cymbal; `note` only seeds the noise. */
export const hat: Instrument = (into, { at, length, note, strength, pan }) => {
  const random = noise(Math.round(at * 4001) + note);
  let before = 0;
  mix(into, Math.round(at * RATE), pan, Math.round(length * RATE), (n) => {
    const value = random();
    const high = value - before;
    before = value;
    return high * strength * 0.12 * Math.exp((-n / RATE) * (4 / length));
  });
};
