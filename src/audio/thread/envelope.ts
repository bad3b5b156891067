/** A change of level that begins at a frame and takes so many. */
interface Turn {
  readonly at: number;
  readonly from: number;
  readonly to: number;
  readonly frames: number;
}

/** How loud the music is at each frame of what is written, as a function of the place: written twice, a frame is as loud the second time. */
export class Envelope {
  #turns: Turn[] = [];

  /** From this frame on moves to that level. Turns planned for later are forgotten. */
  aim(to: number, at: number, frames: number): void {
    this.#turns = this.#turns.filter((turn) => turn.at < at);
    this.#turns.push({ at, from: this.level(at), to, frames });
  }

  level(frame: number): number {
    for (let index = this.#turns.length - 1; index >= 0; index--) {
      const turn = this.#turns[index];
      if (!turn || turn.at > frame) continue;
      const done = frame - turn.at;
      return done >= turn.frames ? turn.to : turn.from + ((turn.to - turn.from) * done) / turn.frames;
    }
    return 1;
  }

  /** The level at all of these frames is 1. */
  isFlat(from: number, to: number): boolean {
    return this.level(from) === 1 && this.#turns.every((turn) => turn.at + turn.frames <= from || turn.at >= to || (turn.from === 1 && turn.to === 1));
  }

  /** Nothing before this frame is asked for any more. */
  forget(before: number): void {
    const last = this.#turns.findLastIndex(({ at, frames }) => at + frames <= before);
    if (last < 0) return;
    const kept = this.#turns.slice(last);
    this.#turns = kept.length === 1 && kept[0]?.to === 1 ? [] : kept;
  }

  /** At places of another rate: `origin` becomes 0. */
  rescale(origin: number, factor: number): void {
    this.#turns = this.#turns.map(({ at, frames, ...turn }) => ({ ...turn, at: Math.round((at - origin) * factor), frames: Math.round(frames * factor) }));
  }
}
