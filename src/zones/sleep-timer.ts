import type { Millis, Origin, PlayStatus } from '#core';
import type { Clock } from '#foundation';
import type { Dip } from './zone-volume.ts';

export interface SleepTimerPorts {
  readonly clock: Clock;
  readonly status: () => PlayStatus;
  readonly dip: (over: Millis, by: Origin) => Dip;
  /** Never rejects. */
  readonly pause: (by: Origin) => Promise<void>;
  readonly changed: (by: Origin) => void;
}

/** What was buffered may be heard for so long after a pause; and whoever takes the zone over is not heard for a moment. */
const silentAfter: Millis = 1000;

const sounds = (status: PlayStatus): boolean => status === 'playing' || status === 'loading' || status === 'stalled';

/**
 * Silence after a while: fades out, pauses, puts the volume back behind it. Whoever touches the volume in the fade-out ends the fade
 * and keeps theirs, also afterwards; whoever begins something else is faded out, too: the timer goes on, because somebody asked for
 * silence at that time and has not taken it back. Who pauses or stops in the fade-out has the silence already: the volume comes back
 * and the timer is over. Music that cannot be paused stays faded out until it ends. Survives no restart.
 */
export class SleepTimer implements Disposable {
  readonly #ports: SleepTimerPorts;
  #running: { readonly ends: Millis; readonly by: Origin; readonly timers: Disposable[]; dip: Dip | null } | null = null;
  /** To be put back once nothing is heard any more. */
  #owed: Dip | null = null;
  /** It has become silent, perhaps for a moment only. */
  #silence: Disposable | null = null;

  constructor(ports: SleepTimerPorts) {
    this.#ports = ports;
  }

  /** Unix time of the pause; null when none is planned. */
  get ends(): Millis | null {
    return this.#running?.ends ?? null;
  }

  /** Null takes it back, also in the middle of its fade. The newest one counts. */
  set(after: Millis | null, fade: Millis, by: Origin): void {
    this.#end();
    this.#putBack();
    if (after !== null) {
      const { clock } = this.#ports;
      const length = Math.min(fade, after);
      const timers: Disposable[] = [];
      this.#running = { ends: clock.now() + after, by, timers, dip: null };
      timers.push(clock.timer(after, () => void this.#over(by)));
      if (length > 0) timers.push(clock.timer(after - length, () => this.#fadeOut(length, by)));
    }
    this.#ports.changed(by);
  }

  /** What plays has changed. */
  noticed(): void {
    if (!sounds(this.#ports.status())) {
      if (this.#running?.dip || this.#owed) this.#silence ??= this.#ports.clock.timer(silentAfter, () => this.#isSilent());
      return;
    }
    // What begins after the silence is wanted as loud as before.
    if (this.#silence && this.#owed) this.#putBack();
    this.#forgetSilence();
  }

  [Symbol.dispose](): void {
    this.#end();
    this.#owed = null;
    this.#forgetSilence();
  }

  #fadeOut(length: Millis, by: Origin): void {
    const { status, dip } = this.#ports;
    if (this.#running && sounds(status())) this.#running.dip = dip(length, by);
  }

  async #over(by: Origin): Promise<void> {
    const { status, pause, changed } = this.#ports;
    this.#end();
    changed(by);
    if (sounds(status())) await pause(by);
    this.noticed();
  }

  #isSilent(): void {
    const running = this.#running;
    if (running) this.#end();
    this.#putBack();
    if (running) this.#ports.changed(running.by);
  }

  /** No timer from now on. Its volume is still to be put back. */
  #end(): void {
    for (const timer of this.#running?.timers ?? []) timer[Symbol.dispose]();
    this.#owed = this.#running?.dip ?? this.#owed;
    this.#running = null;
  }

  #putBack(): void {
    const owed = this.#owed;
    this.#owed = null;
    this.#forgetSilence();
    owed?.restore();
  }

  #forgetSilence(): void {
    this.#silence?.[Symbol.dispose]();
    this.#silence = null;
  }
}
