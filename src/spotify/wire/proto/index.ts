import protobuf from 'protobufjs/minimal.js';
import { decodeMessage, encodeMessage, type Input, type Message } from './message.ts';

export * from './generated.js';
export type { Input, Message } from './message.ts';

// Without Long, 64-bit values are plain numbers: exact up to 2^53, and nothing here counts further than milliseconds.
protobuf.util.Long = null as never;
protobuf.configure();

/**
 * Protobuf bytes of a plain object; absent and null fields are left out.
 * @throws WireError `wire/missing-field` when a proto2 required field is absent.
 */
export function encode<T>(type: Message<T>, value: Input<NoInfer<T>>): Buffer {
  return encodeMessage(type, value);
}

/**
 * A plain object with every field set (`null`, zero, `[]` or `{}` when it was not there), from protobuf bytes.
 * Lists and maps may be shared and frozen: copy before changing.
 * @throws WireError `wire/bad-message`, `wire/missing-field`, `wire/too-large`
 */
export function decode<T>(type: Message<T>, bytes: Uint8Array): T {
  return decodeMessage(type, bytes) as T;
}
