import { MercuryAssembler, encodeMercury } from '#spotify/wire';

export interface MercuryScript {
  readonly status?: number;
  readonly parts: readonly Uint8Array[];
  /** Cuts the answer into packets of at most so many bytes. */
  readonly limit?: number;
}

/** What the old request layer answers: 404 but for what a test lays down (connect-session §5.10). */
export class MercuryScripts {
  readonly #scripts = new Map<string, MercuryScript>();

  set(uri: string, script: MercuryScript): void {
    this.#scripts.set(uri, script);
  }

  /** Payloads of the answer to one request packet; none while a request is incomplete. */
  answer(payload: Uint8Array): Buffer[] {
    const request = new MercuryAssembler().push(payload);
    if (!request) return [];
    const { sequence, uri } = request;
    if (request.method === 'SUB' || request.method === 'UNSUB') return encodeMercury({ sequence, uri, status: 200 });
    const script = this.#scripts.get(uri);
    if (!script) return encodeMercury({ sequence, uri, status: 404 });
    return encodeMercury({ sequence, uri, status: script.status ?? 200, parts: script.parts }, script.limit);
  }
}

/** Payloads of an event, which has a sequence of its own with four bytes. */
export function mercuryEvent(uri: string, parts: readonly Uint8Array[], counter: number): Buffer[] {
  const sequence = Buffer.alloc(4);
  sequence.writeUInt32BE(counter >>> 0);
  return encodeMercury({ sequence, uri, status: 200, parts });
}
