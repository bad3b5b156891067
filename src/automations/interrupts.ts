import type { Millis } from '#core';

interface Token {
  readonly reason: string;
  /** Which run holds it. */
  readonly run: string;
  readonly ends: Millis;
}

/**
 * Who keeps a zone silent, and whether it was playing before: music comes back when the last interruption ends, and only if nobody
 * acted meanwhile (`home-integrations.md §6.4`).
 */
export class Interrupts {
  readonly #tokens = new Map<string, Token[]>();

  /** `was`: what the zone did. True when there is something to pause now. */
  begin(zone: string, { was, reason, run, now, forget }: { readonly was: 'playing' | 'silent'; readonly reason: string; readonly run: string; readonly now: Millis; readonly forget: Millis }): boolean {
    const others = this.#held(zone, now);
    // Silence that is nobody's interruption is somebody's wish: it is not ours to end.
    if (was === 'silent' && others.length === 0) return false;
    const first = was === 'playing' ? [] : others;
    this.#tokens.set(zone, [...first.filter((token) => token.run !== run || token.reason !== reason), { reason, run, ends: now + forget }]);
    return was === 'playing';
  }

  /** `resume`: it was the last one. `others`: somebody else still interrupts. `none`: nothing of ours is to be taken back. `isLive`: runs that still go on. */
  end(zone: string, { reason, run, now, isLive }: { readonly reason: string; readonly run: string; readonly now: Millis; readonly isLive: (run: string) => boolean }): 'resume' | 'others' | 'none' {
    const held = this.#held(zone, now);
    // Its own, and those of runs of that reason that are over and will not come back for theirs.
    const rest = held.filter((token) => token.reason !== reason || (token.run !== run && isLive(token.run)));
    if (rest.length === held.length) return 'none';
    if (rest.length > 0) {
      this.#tokens.set(zone, rest);
      return 'others';
    }
    this.#tokens.delete(zone);
    return 'resume';
  }

  /** A person, or another automation's playing, made the silence or the sound its own. */
  forget(zone: string): void {
    this.#tokens.delete(zone);
  }

  #held(zone: string, now: Millis): Token[] {
    return (this.#tokens.get(zone) ?? []).filter(({ ends }) => ends > now);
  }
}
