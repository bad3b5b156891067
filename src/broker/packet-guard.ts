/**
 * Watches the lengths that packets announce in their fixed header (MQTT 3.1.1 §2.2), so that a client cannot make
 * the broker collect hundreds of megabytes before anything is known about it.
 */
export class PacketGuard {
  readonly #largest: number;
  /** Bytes of the current packet still to come; -1 while its header is being read. */
  #left = -1;
  #length = 0;
  #shift = -1;

  /** `largest`: bytes a packet may have after its fixed header. */
  constructor(largest: number) {
    this.#largest = largest;
  }

  /** False as soon as a packet announces more than allowed, or a length that is none. */
  accepts(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
        if (this.#left > 0) return true;
        this.#left = -1;
        continue;
      }
      if (!this.#header(chunk[at] ?? 0)) return false;
      at += 1;
    }
    return true;
  }

  /** Takes one byte of a fixed header. */
  #header(byte: number): boolean {
    if (this.#shift < 0) {
      this.#shift = 0;
      this.#length = 0;
      return true;
    }
    this.#length += (byte & 0x7f) * 2 ** this.#shift;
    this.#shift += 7;
    if (this.#length > this.#largest) return false;
    if ((byte & 0x80) !== 0) return this.#shift < 28;
    this.#shift = -1;
    this.#left = this.#length === 0 ? -1 : this.#length;
    return true;
  }
}
