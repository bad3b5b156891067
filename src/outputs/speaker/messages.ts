import { z } from 'zod';

/** What the child is started with, as JSON in its one argument. Wrong types would abort the native code, so both sides check. */
export const SpeakerTask = z.strictObject({
  task: z.enum(['probe', 'play']),
  rate: z.int().min(8000).max(192_000),
  channels: z.int().min(1).max(2),
  device: z.string().nullable(),
});
export type SpeakerTask = z.infer<typeof SpeakerTask>;

/** Messages to the child: a type, a length, that many bytes. */
export const ToSpeaker = { pcm: 1, drop: 2, drain: 3 } as const;
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

/** The child's news, a JSON line each. */
export const FromSpeaker = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  /** So many bytes in all were taken by the device since the start or the last drop. */
  z.strictObject({ kind: z.literal('taken'), bytes: z.int(), memory: z.int() }),
  z.strictObject({ kind: z.literal('dropped') }),
  z.strictObject({ kind: z.literal('drained') }),
  z.strictObject({ kind: z.literal('failed'), reason: z.string() }),
]);
export type FromSpeaker = z.infer<typeof FromSpeaker>;
