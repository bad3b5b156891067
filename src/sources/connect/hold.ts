import type { Deck, Lease, Origin, Zone } from '#core';
import type { DeviceInput } from './device-state.ts';

export interface HoldPorts {
  readonly zone: Zone;
  readonly hear: (input: DeviceInput) => void;
  /** The deck needs fresh addresses for this load. */
  readonly wanted: (id: string) => void;
}

/** The right to be heard in the zone, while this device has it; what the deck says becomes inputs. */
export class Hold {
  readonly #ports: HoldPorts;
  #held: { readonly lease: Lease; readonly listeners: readonly Disposable[] } | null = null;

  constructor(ports: HoldPorts) {
    this.#ports = ports;
  }

  /** Null while somebody else, or nobody, is heard. */
  get deck(): Deck | null {
    return this.#held?.lease.deck ?? null;
  }

  /** For something new: whoever has it already only says for whom it plays now. */
  claim(by: Origin): void {
    if (this.#held) {
      this.#held.lease.renew(by);
      return;
    }
    const { zone, hear, wanted } = this.#ports;
    const lease = zone.claim('connect', by);
    const { events } = lease.deck;
    const listeners = [
      ...(['playing', 'paused', 'stalled', 'moved'] as const).map((type) => events.on(type, ({ id, position }) => hear({ type, id, position }))),
      events.on('measured', ({ id, duration }) => hear({ type: 'measured', id, duration })),
      events.on('ended', ({ id }) => hear({ type: 'ended', id })),
      events.on('failed', ({ id, error }) => hear({ type: 'failed', id, error })),
      events.on('wanted', ({ id }) => wanted(id)),
    ];
    this.#held = { lease, listeners };
    lease.signal.addEventListener(
      'abort',
      () => {
        if (this.#held?.lease !== lease) return;
        this.release('tonearm');
        hear({ type: 'outplayed' });
      },
      { once: true },
    );
  }

  release(by: Origin): void {
    const held = this.#held;
    this.#held = null;
    for (const listener of held?.listeners ?? []) listener[Symbol.dispose]();
    held?.lease.release(by);
  }
}
