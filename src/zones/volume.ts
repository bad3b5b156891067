/** How a volume that people set becomes a factor for samples. */
export type VolumeCurve = 'log' | 'cubic' | 'linear';

const range = 60; // dB between the quietest step and full volume
const ratio = 10 ** (range / 20);

/**
 * Linear factor for a level of 0 to 1. 0 is silence and 1 leaves samples untouched, exactly, on every curve.
 * Formulas: connect-session.md §12.13.
 */
export function gainOf(level: number, curve: VolumeCurve): number {
  if (level <= 0) return 0;
  if (level >= 1) return 1;
  switch (curve) {
    case 'linear':
      return level;
    case 'log':
      return Math.exp(Math.log(ratio) * level) / ratio;
    case 'cubic': {
      const floor = 10 ** (-range / 60);
      return (level * (1 - floor) + floor) ** 3;
    }
  }
}

/** The level whose factor this is: the inverse of `gainOf`. */
export function levelOf(gain: number, curve: VolumeCurve): number {
  if (gain >= 1) return 1;
  switch (curve) {
    case 'linear':
      return Math.max(gain, 0);
    case 'log':
      return Math.max(0, Math.log(gain * ratio) / Math.log(ratio));
    case 'cubic': {
      const floor = 10 ** (-range / 60);
      return Math.max(0, (Math.cbrt(gain) - floor) / (1 - floor));
    }
  }
}
