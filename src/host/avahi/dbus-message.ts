/** D-Bus messages in bytes (D-Bus specification, "Message Protocol"): what talking to Avahi takes. */
import { TonearmError } from '#foundation';

export const messageKinds = { call: 1, reply: 2, error: 3, signal: 4 } as const;
export type MessageKind = (typeof messageKinds)[keyof typeof messageKinds];

export interface DbusMessage {
  readonly kind: MessageKind;
  readonly serial: number;
  readonly path?: string | undefined;
  readonly interface?: string | undefined;
  readonly member?: string | undefined;
  readonly errorName?: string | undefined;
  readonly replyTo?: number | undefined;
  readonly destination?: string | undefined;
  readonly sender?: string | undefined;
  readonly signature?: string | undefined;
  readonly body: readonly unknown[];
}

const noAutoStart = 2;
/** The specification's own limit is 128 MiB; nothing said to us is this long. */
const longest = 1 << 20;
const fieldCodes = { path: 1, interface: 2, member: 3, errorName: 4, replyTo: 5, destination: 6, sender: 7, signature: 8 } as const;
const fieldTypes: Readonly<Record<number, string>> = { 1: 'o', 2: 's', 3: 's', 4: 's', 5: 'u', 6: 's', 7: 's', 8: 'g' };
const alignments: Readonly<Record<string, number>> = { y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, x: 8, t: 8, d: 8, '(': 8, '{': 8 };

function broken(what: string): TonearmError {
  return new TonearmError({ kind: 'corrupt', code: 'host/dbus-message', message: `The system bus said something that cannot be read (${what}), so its connection is given up. Tonearm answers mDNS by itself meanwhile.` });
}

/** Splits `a(ii)s` into `a(ii)` and `s`. */
function typesOf(signature: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at);
    found.push(signature.slice(at, end));
    at = end;
  }
  return found;
}

function endOfType(signature: string, at: number): number {
  const code = signature[at] ?? '';
  if (!(code in alignments)) throw broken(`type "${signature}"`);
  if (code === 'a') return endOfType(signature, at + 1);
  const close = code === '(' ? ')' : code === '{' ? '}' : null;
  if (close === null) return at + 1;
  let next = at + 1;
  while (signature[next] !== close) next = endOfType(signature, next);
  return next + 1;
}

class Writer {
  #bytes = Buffer.alloc(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  align(to: number): void {
    const gap = (to - (this.#length % to)) % to;
    this.raw(Buffer.alloc(gap));
  }

  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length + bytes.length)]);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  number32(value: number): void {
    this.align(4);
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value | 0);
    this.raw(bytes);
  }

  put(type: string, value: unknown): void {
    this.align(alignments[type[0] ?? ''] ?? 1);
    switch (type[0]) {
      case 'y':
        this.raw(Buffer.of(value as number));
        return;
      case 'q':
        this.raw(Buffer.of((value as number) & 0xff, (value as number) >> 8));
        return;
      case 'b':
      case 'i':
      case 'u':
        this.number32(Number(value));
        return;
      case 's':
      case 'o': {
        const text = Buffer.from(value as string);
        this.number32(text.length);
        this.raw(text);
        this.raw(Buffer.of(0));
        return;
      }
      case 'g':
        this.raw(Buffer.of((value as string).length));
        this.raw(Buffer.from(`${value as string}\0`));
        return;
      case 'a': {
        const place = this.#length;
        this.number32(0);
        const inner = type.slice(1);
        this.align(alignments[inner[0] ?? ''] ?? 1);
        const from = this.#length;
        for (const one of value as Iterable<unknown>) this.put(inner, one);
        this.#bytes.writeUInt32LE(this.#length - from, place);
        return;
      }
      default:
        throw new RangeError(`Values of the D-Bus type "${type}" are not sent.`);
    }
  }
}

/** A call, or what a test's bus says, in bytes. Little-endian. */
export function encodeDbusMessage(message: DbusMessage): Buffer {
  const body = new Writer();
  const { signature = '' } = message;
  for (const [index, type] of typesOf(signature).entries()) body.put(type, message.body[index]);
  const head = new Writer();
  head.raw(Buffer.of('l'.charCodeAt(0), message.kind, noAutoStart, 1));
  head.number32(body.length);
  head.number32(message.serial);
  const place = head.length;
  head.number32(0);
  const from = head.length;
  for (const [name, code] of Object.entries(fieldCodes)) {
    const value = message[name as keyof typeof fieldCodes];
    if (value === undefined || value === '') continue;
    const type = fieldTypes[code] ?? '';
    head.align(8);
    head.put('y', code);
    head.put('g', type);
    head.put(type, value);
  }
  head.bytes.writeUInt32LE(head.length - from, place);
  head.align(8);
  return Buffer.concat([head.bytes, body.bytes]);
}

class Reader {
  readonly #bytes: Buffer;
  readonly #isLittle: boolean;
  at: number;

  constructor(bytes: Buffer, isLittle: boolean, at = 0) {
    this.#bytes = bytes;
    this.#isLittle = isLittle;
    this.at = at;
  }

  align(to: number): void {
    this.at += (to - (this.at % to)) % to;
  }

  number32(): number {
    this.align(4);
    this.at += 4;
    return this.#isLittle ? this.#bytes.readUInt32LE(this.at - 4) : this.#bytes.readUInt32BE(this.at - 4);
  }

  take(type: string, depth = 0): unknown {
    if (depth > 16) throw broken('nested too deeply');
    this.align(alignments[type[0] ?? ''] ?? 1);
    switch (type[0]) {
      case 'y':
        this.at += 1;
        return this.#bytes.readUInt8(this.at - 1);
      case 'n':
      case 'q': {
        this.at += 2;
        const value = this.#isLittle ? this.#bytes.readUInt16LE(this.at - 2) : this.#bytes.readUInt16BE(this.at - 2);
        return type === 'n' ? (value << 16) >> 16 : value;
      }
      case 'b':
        return this.number32() !== 0;
      case 'i':
        return this.number32() | 0;
      case 'u':
        return this.number32();
      case 'x':
      case 't':
      case 'd': // eight bytes nobody here needs
        this.at += 8;
        return null;
      case 's':
      case 'o':
        return this.#text(this.number32());
      case 'g':
        this.at += 1;
        return this.#text(this.#bytes.readUInt8(this.at - 1));
      case 'v': {
        const signature = this.take('g') as string;
        return this.take(signature, depth + 1);
      }
      case '(':
      case '{':
        return typesOf(type.slice(1, -1)).map((inner) => this.take(inner, depth + 1));
      case 'a': {
        const length = this.number32();
        const inner = type.slice(1);
        this.align(alignments[inner[0] ?? ''] ?? 1);
        const end = this.at + length;
        if (end > this.#bytes.length) throw broken('array cut off');
        const found: unknown[] = [];
        while (this.at < end) {
          const before = this.at;
          found.push(this.take(inner, depth + 1));
          if (this.at === before) throw broken('an array of nothing');
        }
        return found;
      }
      default:
        throw broken(`type "${type}"`);
    }
  }

  #text(length: number): string {
    const from = this.at;
    this.at += length + 1;
    if (this.at > this.#bytes.length) throw broken('text cut off');
    return this.#bytes.toString('utf8', from, from + length);
  }
}

/** Cuts a stream into messages. Throws `host/dbus-message` when it is none; it cannot be used after that. */
export class DbusMessages {
  #rest = Buffer.alloc(0);

  push(chunk: Buffer): DbusMessage[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const found: DbusMessage[] = [];
    while (this.#rest.length >= 16) {
      const mark = this.#rest[0];
      if (mark !== 0x6c && mark !== 0x42) throw broken('neither byte order');
      const sizes = new Reader(this.#rest, mark === 0x6c, 4);
      const bodyLength = sizes.number32();
      sizes.number32();
      const head = Math.ceil((16 + sizes.number32()) / 8) * 8;
      if (head + bodyLength > longest) throw broken('too long');
      if (this.#rest.length < head + bodyLength) break;
      found.push(decode(this.#rest.subarray(0, head + bodyLength), head));
      this.#rest = this.#rest.subarray(head + bodyLength);
    }
    return found;
  }
}

function decode(bytes: Buffer, bodyAt: number): DbusMessage {
  try {
    const isLittle = bytes[0] === 0x6c;
    const reader = new Reader(bytes.subarray(0, bodyAt), isLittle, 8);
    const serial = reader.number32();
    const fields = new Map((reader.take('a(yv)') as [number, unknown][]).map(([code, value]) => [code, value]));
    const text = (code: number) => (typeof fields.get(code) === 'string' ? (fields.get(code) as string) : undefined);
    const replyTo = fields.get(fieldCodes.replyTo);
    const body = new Reader(bytes.subarray(bodyAt), isLittle);
    const signature = text(fieldCodes.signature) ?? '';
    return {
      kind: bytes.readUInt8(1) as MessageKind,
      serial,
      path: text(fieldCodes.path),
      interface: text(fieldCodes.interface),
      member: text(fieldCodes.member),
      errorName: text(fieldCodes.errorName),
      replyTo: typeof replyTo === 'number' ? replyTo : undefined,
      destination: text(fieldCodes.destination),
      sender: text(fieldCodes.sender),
      signature,
      body: typesOf(signature).map((type) => body.take(type)),
    };
  } catch (error) {
    if (error instanceof RangeError) throw broken('cut off');
    throw error;
  }
}
