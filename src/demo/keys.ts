import type { DemoStage } from './stage.ts';

export type Key = 'space' | 'next' | 'previous' | 'forward' | 'back' | 'louder' | 'softer' | 'shuffle' | 'repeat' | 'quit';

const keys: Readonly<Record<string, Key>> = {
  ' ': 'space', n: 'next', p: 'previous', '\x1b[C': 'forward', '\x1bOC': 'forward', '\x1b[D': 'back', '\x1bOD': 'back',
  '+': 'louder', '=': 'louder', '-': 'softer', _: 'softer', s: 'shuffle', r: 'repeat', q: 'quit', '\x03': 'quit', '\x04': 'quit',
};

/** What a terminal sent, as keys: fast fingers and key repeat put several into one piece. Others are left out. */
export function parseKeys(text: string): Key[] {
   
  return (text.match(/\x1b[[O][A-Za-z]|[^]/g) ?? []).flatMap((piece) => keys[piece] ?? keys[piece.toLowerCase()] ?? []);
}

export type RepeatMode = 'off' | 'context' | 'track';

export function repeatOf(options: { readonly repeatingContext: boolean; readonly repeatingTrack: boolean } | null | undefined): RepeatMode {
  return options?.repeatingTrack === true ? 'track' : options?.repeatingContext === true ? 'context' : 'off';
}

const jump = 10_000;
const loudest = 65_535;
const volumeStep = loudest / 20;

/** The hand on the phone. One thing after the other, so that each starts from what the one before has brought about. */
export class Hand {
  readonly #stage: DemoStage;
  #last: Promise<unknown> = Promise.resolve();

  constructor(stage: DemoStage) {
    this.#stage = stage;
  }

  /** Resolves when the phone shows what came of it. A command the speaker declines changes nothing; the screen shows how things are. */
  press(key: Key): Promise<unknown> {
    this.#last = this.#last.then(() => this.#press(key)).catch(() => undefined);
    return this.#last;
  }

  async #press(key: Key): Promise<void> {
    const { phone, playlist } = this.#stage;
    const state = phone.cluster.playerState;
    switch (key) {
      case 'space':
        if (!state?.isPlaying) await phone.play(playlist);
        else if (state.isPaused) await phone.resume();
        else await phone.pause();
        return;
      case 'next':
        return phone.next();
      case 'previous':
        return phone.previous();
      case 'forward':
        return phone.seek(Math.max(0, Math.min(phone.position + jump, (state?.duration ?? 0) - 1000)));
      case 'back':
        return phone.seek(Math.max(0, phone.position - jump));
      case 'louder':
        return this.#turn(volumeStep);
      case 'softer':
        return this.#turn(-volumeStep);
      case 'shuffle':
        return phone.shuffle(!(state?.options?.shufflingContext ?? false));
      case 'repeat': {
        const mode = repeatOf(state?.options);
        return phone.repeat(mode === 'off' ? 'context' : mode === 'context' ? 'track' : 'off');
      }
      case 'quit':
        return;
    }
  }

  async #turn(by: number): Promise<void> {
    const { phone } = this.#stage;
    const level = Math.round(Math.max(0, Math.min(loudest, (phone.active?.volume ?? 0) + by)));
    await phone.setVolume(level);
    await phone.until(() => Math.abs((phone.active?.volume ?? 0) - level) < 2, AbortSignal.timeout(2000));
  }
}
