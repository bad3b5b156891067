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

/** What was buffered may be heard for so long after a pause: the volume comes back behind it. */
const silentAfter: Millis = 1000;

const sounds = (status: PlayStatus): boolean => status === 'playing' || status === 'loading' || status === 'stalled';

/**
 * Silence after a while: fades out, pauses, puts the volume back. Whoever touches the volume in the fade-out ends the fade and keeps
 * theirs, also afterwards: but the timer goes on, because somebody asked for silence at that time and has not taken it back.
 * Who pauses or stops in the fade-out has the silence already: the volume comes back and the timer is over. Survives no restart.
 */
export class SleepTimer implements Disposable {
  readonly #ports: SleepTimerPorts;
  #running: { readonly ends: Millis; readonly by: Origin; readonly timers: Disposable[]; dip: Dip | null } | null = null;
  readonly #restoring = new Set<Disposable>();

  constructor(ports: SleepTimerPorts) {
    this.#ports = ports;
  }

  /** Unix time of the pause; null when none is planned. */
  get ends(): Millis | null {
    return this.#running?.ends ?? null;
  }

  /** Null takes it back, also in the middle of its fade. The newest one counts. */
  set(after: Millis | null, fade: Millis, by: Origin): void {
    this.#end()?.restore();
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
    const { status, changed } = this.#ports;
    const running = this.#running;
    if (!running?.dip || sounds(status())) return;
    this.#restoreSoon(this.#end());
    changed(running.by);
  }

  [Symbol.dispose](): void {
    this.#end();
    for (const timer of this.#restoring) timer[Symbol.dispose]();
    this.#restoring.clear();
  }

  #fadeOut(length: Millis, by: Origin): void {
    const { status, dip } = this.#ports;
    if (this.#running && sounds(status())) this.#running.dip = dip(length, by);
  }

  async #over(by: Origin): Promise<void> {
    const { status, pause, changed } = this.#ports;
    const dip = this.#end();
    changed(by);
    if (sounds(status())) await pause(by);
    this.#restoreSoon(dip);
  }

  /** No timer from now on; gives what is to be put back. */
  #end(): Dip | null {
    const running = this.#running;
    this.#running = null;
    for (const timer of running?.timers ?? []) timer[Symbol.dispose]();
    return running?.dip ?? null;
  }

  #restoreSoon(dip: Dip | null): void {
    if (!dip) return;
    const timer = this.#ports.clock.timer(silentAfter, () => {
      this.#restoring.delete(timer);
      dip.restore();
    });
    this.#restoring.add(timer);
  }
}
