/** Loudness as AUDIO_FILES states it. */
export interface Loudness {
  /** LUFS. */
  readonly integrated: number;
  /** True peak, dBTP. */
  readonly peak: number;
}

/** Where loudness is brought to, in LUFS. */
const target = -14;

/**
 * The linear factor that brings a file to -14 LUFS plus `pregain` dB without letting its true peak clip (connect-session.md §12.12).
 * May exceed 1. Without loudness, or with nonsense, 1.
 */
export function loudnessFactor(loudness: Loudness | null, pregain = 0): number {
  if (!loudness) return 1;
  const factor = ratio(target - loudness.integrated + pregain);
  const peak = ratio(loudness.peak);
  return sane(factor * peak > 1 ? 1 / peak : factor);
}

/**
 * The linear factor of a file's own header: `gain` in dB, `peak` linear (connect-session.md §12.12, "basic"). At most 1.
 */
export function replayGainFactor({ gain, peak }: { readonly gain: number; readonly peak: number }, pregain = 0): number {
  return sane(Math.min(ratio(gain + pregain), peak > 0 ? 1 / peak : 1, 1));
}

/** dB to a linear factor. */
export function ratio(decibels: number): number {
  return 10 ** (decibels / 20);
}

function sane(factor: number): number {
  return Number.isFinite(factor) && factor > 0 ? factor : 1;
}
