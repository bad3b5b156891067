import type { DeviceEffect } from './device-state.ts';

export type Answer = (success: boolean, why: Extract<DeviceEffect, { type: 'answer' }>['why']) => void;

/** Who asked for something and still waits for a word: each gets exactly one. */
export class Answers implements Disposable {
  readonly #open = new Map<number, Answer>();
  #tickets = 0;

  /** The machine knows whoever asked by this number. */
  ticket(answer: Answer): number {
    const ticket = ++this.#tickets;
    this.#open.set(ticket, answer);
    return ticket;
  }

  give({ ticket, success, why }: Extract<DeviceEffect, { type: 'answer' }>): void {
    this.#open.get(ticket)?.(success, why);
    this.#open.delete(ticket);
  }

  [Symbol.dispose](): void {
    for (const answer of this.#open.values()) answer(false, { kind: 'cancelled', code: 'connect/closing', message: 'Tonearm is closing.' });
    this.#open.clear();
  }
}
