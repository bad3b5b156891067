/** What a loop does; nothing of it happens at the same time as anything else. */
export interface LoopWork {
  /** The next thing to do by itself. Aborting the turn ends it, and is no failure. */
  step(turn: AbortController): Promise<void>;
  failed(thrown: unknown): Promise<void>;
  /** After every step and every command. */
  settle(): void;
}

/** One thing at a time: a command ends the step that is under way, is carried out between steps, and the next step follows from the new state. */
export class Loop {
  readonly #work: LoopWork;
  readonly #inbox: (() => Promise<void> | void)[] = [];
  #turn = new AbortController();
  #isClosed = false;
  readonly #running: Promise<void>;

  constructor(work: LoopWork) {
    this.#work = work;
    this.#running = this.#run();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  command(run: () => Promise<void> | void): void {
    this.#inbox.push(run);
    this.interrupt('A command came.');
  }

  /** The step that is under way begins anew. */
  interrupt(reason: string): void {
    this.#turn.abort(new DOMException(reason, 'AbortError'));
  }

  /** The last command. Resolves when everything is done. */
  async close(end: () => Promise<void>): Promise<void> {
    if (!this.#isClosed) {
      this.command(async () => {
        this.#isClosed = true;
        await end();
      });
    }
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const command = this.#inbox.shift();
      if (this.#turn.signal.aborted) this.#turn = new AbortController();
      const { signal } = this.#turn;
      try {
        await (command ? command() : this.#work.step(this.#turn));
      } catch (error) {
        if (command || !signal.aborted) await this.#work.failed(error);
      }
      this.#work.settle();
    }
  }
}
