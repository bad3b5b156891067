import type { FadeCurve, Millis, Origin, Volume } from '#core';
import type { Clock } from '#foundation';
import { fadeAt, type Fade } from './fade.ts';
import { gainOf, type VolumeCurve } from './volume.ts';

/** What is kept across restarts. */
export interface KeptVolume {
  readonly level: number;
  readonly muted: boolean;
  /** The owner's own; those lent by automations are not kept. */
  readonly limit: number;
}

export interface ZoneVolumePorts {
  readonly clock: Clock;
  readonly curve: VolumeCurve;
  readonly setGain: (gain: number) => void;
  /** Something a viewer could see is different, or a wish was not followed to the letter and whoever had it must be told. */
  readonly changed: (by: Origin) => void;
}

/** The volume is lowered for a moment: what is kept meanwhile is the level from before. */
export interface Dip {
  /** Puts the level back, unless somebody has touched the volume since. */
  restore(): void;
}

const isAutomation = (by: Origin): boolean => by.startsWith('automation:');

/** How loud a zone is: what people set, what nobody may pass, and the way from here to there. */
export class ZoneVolume {
  readonly #ports: ZoneVolumePorts;
  #level: number;
  #muted: boolean;
  #own: number;
  /** Limits for as long as an automation wants them. */
  readonly #lent = new Map<Origin, number>();
  #fade: { readonly way: Fade; readonly ends: Millis; readonly by: Origin; readonly timer: Disposable } | null = null;
  #dip: { readonly before: number } | null = null;
  #shown: Volume;

  constructor(ports: ZoneVolumePorts, { level, muted, limit }: KeptVolume) {
    this.#ports = ports;
    this.#own = limit;
    this.#level = Math.min(level, limit);
    this.#muted = muted;
    this.#shown = this.#picture();
    this.#apply();
  }

  get shown(): Volume {
    return this.#shown;
  }

  /** What is to be kept. */
  get kept(): KeptVolume {
    return { level: this.#dip?.before ?? this.#level, muted: this.#muted, limit: this.#own };
  }

  /** Factor for sound that is not music: at its own level if it has one, else as loud as the zone is set. The limit holds for it, too. */
  gainFor(level: number | undefined): number {
    const wanted = level ?? (this.#muted ? 0 : this.#level);
    return gainOf(Math.min(wanted, this.#limit()), this.#ports.curve);
  }

  /** Somebody's wish. Touching the volume is the way people unmute, and the way they end a fade. */
  set(level: number, by: Origin): void {
    this.#touched();
    this.#change(level, level === 0 && this.#muted, by);
  }

  mute(muted: boolean, by: Origin): void {
    this.#touched();
    this.#change(this.#level, muted, by);
  }

  /** A source shows a muted zone as volume 0; hearing that back is no wish, and must not forget the level. */
  heardBack(level: number, by: Origin): void {
    if (level === 0 && this.#muted) return;
    this.#touched();
    this.#change(level, false, by);
  }

  /** Goes there in `over` ms; the newest fade counts. What is muted begins at silence. */
  fade(to: number, over: Millis, curve: FadeCurve, by: Origin): void {
    this.#touched();
    this.#begin(to, over, curve, by);
  }

  /** Fades to silence, for a moment only. */
  dip(over: Millis, by: Origin): Dip {
    this.#touched();
    const dip = { before: this.#level };
    if (!this.#muted) {
      this.#dip = dip;
      this.#begin(0, over, 'perceptual', by);
    }
    return {
      restore: () => {
        if (this.#dip !== dip) return;
        this.#touched();
        this.#change(dip.before, this.#muted, by);
      },
    };
  }

  /** Nothing is louder from now on. Each automation has a limit of its own beside the owner's; the lowest counts. */
  limit(level: number, by: Origin): void {
    if (!isAutomation(by)) this.#own = level;
    else if (level < 1) this.#lent.set(by, level);
    else this.#lent.delete(by);
    this.#change(this.#level, this.#muted, by);
  }

  [Symbol.dispose](): void {
    this.#endFade();
  }

  #limit(): number {
    return Math.min(this.#own, ...this.#lent.values());
  }

  #begin(to: number, over: Millis, curve: FadeCurve, by: Origin): void {
    const { clock } = this.#ports;
    const way: Fade = { from: this.#muted ? 0 : this.#level, to, start: clock.monotonic(), over, curve, volume: this.#ports.curve };
    this.#step(way, clock.now() + over, by);
  }

  #step(way: Fade, ends: Millis, by: Origin): void {
    const { clock } = this.#ports;
    const { level, next } = fadeAt(way, clock.monotonic());
    this.#fade = next === null ? null : { way, ends, by, timer: clock.timer(next, () => this.#step(way, ends, by)) };
    // A limit on the way is nobody's wish that was not followed.
    this.#change(Math.min(level, this.#limit()), false, by);
  }

  /** Somebody has an opinion: nothing moves by itself any more, and nothing is put back. */
  #touched(): void {
    this.#endFade();
    this.#dip = null;
  }

  #endFade(): void {
    this.#fade?.timer[Symbol.dispose]();
    this.#fade = null;
  }

  #change(wanted: number, muted: boolean, by: Origin): void {
    this.#level = Math.min(wanted, this.#limit());
    this.#muted = muted;
    const before = this.#shown;
    this.#shown = this.#picture();
    // Shown first: waking the thread that plays takes as long as showing it, and that is where people wait for an answer.
    if (this.#level !== wanted || JSON.stringify(before) !== JSON.stringify(this.#shown)) this.#ports.changed(by);
    this.#apply();
  }

  #apply(): void {
    this.#ports.setGain(this.#muted ? 0 : gainOf(this.#level, this.#ports.curve));
  }

  #picture(): Volume {
    const limit = this.#limit();
    const fading = this.#fade && { to: Math.min(this.#fade.way.to, limit), ends: this.#fade.ends };
    return { level: this.#level, muted: this.#muted, limit, fading };
  }
}
