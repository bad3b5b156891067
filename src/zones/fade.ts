import type { FadeCurve, Millis } from '#core';
import { gainOf, levelOf, type VolumeCurve } from './volume.ts';

/** A way from one level to another. Times of one clock that never jumps. */
export interface Fade {
  readonly from: number;
  readonly to: number;
  readonly start: Millis;
  readonly over: Millis;
  readonly curve: FadeCurve;
  /** How this zone makes samples louder: `perceptual` is even in decibels, whatever the slider does. */
  readonly volume: VolumeCurve;
}

/** No more than ten steps a second: phones are told each of them. */
const shortestStep: Millis = 100;
/** Quieter than this nobody hears a difference, dB. */
const silence = -60;

/** The level at `now`, in whole percent on the way and exact at both ends, and when to ask again; null when it is there. Pure. */
export function fadeAt(fade: Fade, now: Millis): { readonly level: number; readonly next: Millis | null } {
  const { from, to, start, over } = fade;
  const passed = now - start;
  if (passed >= over) return { level: to, next: null };
  const [begin, end] = [heard(from, fade), heard(to, fade)];
  const exact = unheard(begin + (end - begin) * Math.max(0, passed / over), fade);
  const percent = Math.round(exact * 100);
  const level = percent === Math.round(from * 100) ? from : between(percent / 100, from, to);
  // Where the percent becomes another one.
  const edge = between((percent + Math.sign(to - from) * 0.5) / 100, from, to);
  const share = begin === end ? 1 : (heard(edge, fade) - begin) / (end - begin);
  const due = edge === to ? over : Math.min(over, over * share);
  return { level, next: Math.max(shortestStep, Math.ceil(due - passed)) };
}

/** As loud as people hear it, or as the slider shows it. */
function heard(level: number, { curve, volume }: Fade): number {
  if (curve === 'linear') return level;
  return Math.max(silence, 20 * Math.log10(gainOf(level, volume)));
}

function unheard(heard: number, { curve, volume }: Fade): number {
  return curve === 'linear' ? heard : levelOf(10 ** (heard / 20), volume);
}

const between = (value: number, a: number, b: number): number => Math.min(Math.max(value, Math.min(a, b)), Math.max(a, b));
