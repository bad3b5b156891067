/** What the child is started with, as JSON in its one argument. */
export interface SpeakerTask {
  readonly task: 'probe' | 'play';
  readonly rate: number;
  readonly channels: number;
  readonly device: string | null;
  /** Whether the device stays open, playing silence, when there is nothing to play. */
  readonly staysOpen: boolean;
}

/** Values of a wrong type would abort the native code (CVE-2024-21526), so nothing but these passes. */
export function parseSpeakerTask(text: string): SpeakerTask | null {
  const value = parseRecord(text);
  if (!value) return null;
  const { task, rate, channels, device, staysOpen } = value;
  if (task !== 'probe' && task !== 'play') return null;
  if (!isCount(rate, 8000, 192_000) || !isCount(channels, 1, 2) || typeof staysOpen !== 'boolean') return null;
  return device === null || typeof device === 'string' ? { task, rate, channels, device, staysOpen } : null;
}

/** Messages to the child: a type, a length, that many bytes. `drop` forgets everything that was sent before it. */
export const ToSpeaker = { pcm: 1, drain: 2, drop: 3 } as const;
export type ToSpeaker = (typeof ToSpeaker)[keyof typeof ToSpeaker];

const headLength = 5;

export function encodeHead(type: ToSpeaker, length: number): Buffer {
  const head = Buffer.alloc(headLength);
  head[0] = type;
  head.writeUInt32LE(length, 1);
  return head;
}

/** Cuts the byte stream back into messages. */
export class SpeakerMessages {
  #rest = Buffer.alloc(0);

  push(bytes: Buffer): { readonly type: number; readonly body: Buffer }[] {
    let left = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages: { type: number; body: Buffer }[] = [];
    for (;;) {
      if (left.length < headLength) break;
      const end = headLength + left.readUInt32LE(1);
      if (left.length < end) break;
      messages.push({ type: left[0] ?? 0, body: left.subarray(headLength, end) });
      left = left.subarray(end);
    }
    this.#rest = Buffer.from(left);
    return messages;
  }
}

/** The child's news, a JSON line each. `round` counts the drops that came before: older news are about sound that is forgotten. */
export type FromSpeaker =
  /** The device is open. `canDrop`: it can forget what it holds and stay open. */
  | { readonly kind: 'ready'; readonly canDrop: boolean }
  /** Everything was taken; heard as well, unless the device stays open. */
  | { readonly kind: 'drained'; readonly round: number }
  /** So many bytes in all were taken by the device since the start, the last drop or the last drain; resident memory in bytes. */
  | { readonly kind: 'taken'; readonly bytes: number; readonly memory: number; readonly round: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** Null for what is no news: a library may write to standard output, too. */
export function parseFromSpeaker(line: string): FromSpeaker | null {
  const value = parseRecord(line);
  if (!value) return null;
  const { kind, bytes, memory, reason, round, canDrop } = value;
  if (kind === 'ready') return { kind, canDrop: canDrop === true };
  if (kind === 'drained' && isCount(round)) return { kind, round };
  if (kind === 'taken' && isCount(bytes) && isCount(memory) && isCount(round)) return { kind, bytes, memory, round };
  if (kind === 'failed' && typeof reason === 'string') return { kind, reason };
  return null;
}

function parseRecord(text: string): Readonly<Partial<Record<string, unknown>>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isCount(value: unknown, least = 0, most = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}
