import protobuf from 'protobufjs/minimal.js';
import { WireError } from '../wire-error.ts';

/** The table of one message, made by scripts/proto.mjs. `T` is the plain object it decodes to. */
export interface Message<T> {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Never present; carries the type. */
  readonly shape?: T;
}

type Scalar = 'string' | 'bytes' | 'bool' | 'int32' | 'uint32' | 'sint32' | 'int64' | 'uint64' | 'float' | 'double';

interface Field {
  readonly id: number;
  readonly name: string;
  /**
   * `implicit`: zero means absent and is not written. `optional`: `null` when absent, zero is written. `required`: as it says.
   * `packed` and `repeated` are arrays, `map` is a plain object; these three are never null.
   */
  readonly rule: 'implicit' | 'optional' | 'required' | 'repeated' | 'packed' | 'map';
  readonly type?: Scalar;
  readonly of?: () => Message<unknown>;
  readonly key?: 'string' | 'uint32';
  /** Of the fields that share this name at most one is set: the last one read. */
  readonly oneof?: string;
}

/** What `encode` accepts for `T`: every field may be missing or null, and any bytes will do. Required fields are checked when encoding. */
export type Input<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends Uint8Array
    ? Uint8Array
    : T extends readonly (infer Item)[]
      ? readonly Input<Item>[]
      : { readonly [Key in keyof T]?: Input<T[Key]> | null | undefined };

type Plain = Record<string, unknown>;

/** Larger messages are refused unread. */
const byteLimit = 8 * 1024 * 1024;
/** An empty message of two bytes becomes an object of some hundred: this bounds what a small input can grow into. */
const messageLimit = 50_000;
const depthLimit = 32;

const nothing: readonly never[] = Object.freeze([]);
const noEntries: Plain = Object.freeze({});

interface Plan {
  readonly message: Message<unknown>;
  readonly byId: ReadonlyMap<number, Field>;
  readonly blank: Plain;
  readonly required: readonly Field[];
}

const plans = new WeakMap<Message<unknown>, Plan>();

function planOf(message: Message<unknown>): Plan {
  let plan = plans.get(message);
  if (!plan) {
    plan = {
      message,
      byId: new Map(message.fields.map((field) => [field.id, field])),
      blank: Object.fromEntries(message.fields.map((field) => [field.name, blankOf(field)])),
      required: message.fields.filter((field) => field.rule === 'required'),
    };
    plans.set(message, plan);
  }
  return plan;
}

function blankOf(field: Field): unknown {
  switch (field.rule) {
    case 'repeated':
    case 'packed':
      return nothing;
    case 'map':
      return noEntries;
    case 'implicit':
      return field.type ? zeroOf(field.type) : null;
    default:
      return null;
  }
}

function zeroOf(type: Scalar): unknown {
  if (type === 'string') return '';
  if (type === 'bytes') return Buffer.alloc(0);
  return type === 'bool' ? false : 0;
}

const wireTypes: Readonly<Record<Scalar, number>> = { string: 2, bytes: 2, bool: 0, int32: 0, uint32: 0, sint32: 0, int64: 0, uint64: 0, float: 5, double: 1 };

/** A plain object with every field set, from protobuf bytes. Unknown fields and fields of another wire type are skipped. */
export function decodeMessage(message: Message<unknown>, bytes: Uint8Array): unknown {
  if (bytes.length > byteLimit) throw tooLarge(message);
  const reader = protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    return read(planOf(message), reader, bytes.length, 0, { messages: messageLimit });
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError('wire/bad-message', `The far side sent a damaged ${message.name} message; it was ignored.`, error);
  }
}

interface Budget {
  messages: number;
}

function read(plan: Plan, reader: protobuf.Reader, end: number, depth: number, budget: Budget, into?: Plain): Plain {
  if (depth > depthLimit || budget.messages-- <= 0) throw tooLarge(plan.message);
  const out = into ?? { ...plan.blank };
  while (reader.pos < end) {
    const tag = reader.tag();
    const wireType = tag & 7;
    const field = plan.byId.get(tag >>> 3);
    if (!field || !readField(field, wireType, out, plan, reader, end, depth, budget)) reader.skipType(wireType, depth, tag >>> 3);
  }
  if (reader.pos !== end) throw new RangeError('a field reaches beyond its message');
  for (const field of plan.required) {
    if (out[field.name] === null) throw new WireError('wire/missing-field', `The far side sent a ${plan.message.name} message without ${field.name}; it was ignored.`);
  }
  return out;
}

/** False when the wire type is not the field's: then it is skipped like an unknown one. */
function readField(field: Field, wireType: number, out: Plain, plan: Plan, reader: protobuf.Reader, end: number, depth: number, budget: Budget): boolean {
  const { name } = field;
  if (field.rule === 'map') {
    if (wireType !== 2) return false;
    if (out[name] === noEntries) out[name] = {};
    readEntry(field, out[name] as Plain, reader, depth, budget, limitOf(reader, end));
    return true;
  }
  const isList = field.rule === 'repeated' || field.rule === 'packed';
  if (field.of) {
    if (wireType !== 2) return false;
    const before = isList ? null : (out[name] as Plain | null);
    const value = read(planOf(field.of()), reader, limitOf(reader, end), depth + 1, budget, before ?? undefined);
    if (isList) append(out, name, value);
    else set(field, out, plan, value);
    return true;
  }
  const type = field.type ?? 'bytes';
  if (isList && wireType === 2 && wireTypes[type] !== 2) {
    const stop = limitOf(reader, end);
    while (reader.pos < stop) append(out, name, scalar(type, reader));
    if (reader.pos !== stop) throw new RangeError('a number reaches beyond its list');
    return true;
  }
  if (wireType !== wireTypes[type]) return false;
  const value = scalar(type, reader);
  if (isList) append(out, name, value);
  else set(field, out, plan, value);
  return true;
}

function set(field: Field, out: Plain, plan: Plan, value: unknown): void {
  if (field.oneof) {
    for (const other of plan.message.fields) if (other.oneof === field.oneof) out[other.name] = null;
  }
  out[field.name] = value;
}

function append(out: Plain, name: string, value: unknown): void {
  const list = out[name] as unknown[];
  if (list === (nothing as readonly unknown[])) out[name] = [value];
  else list.push(value);
}

function limitOf(reader: protobuf.Reader, end: number): number {
  const stop = reader.uint32() + reader.pos;
  if (stop > end) throw new RangeError('a length reaches beyond its message');
  return stop;
}

function readEntry(field: Field, entries: Plain, reader: protobuf.Reader, depth: number, budget: Budget, end: number): void {
  let key = field.key === 'uint32' ? '0' : '';
  let value: unknown = field.of ? null : zeroOf(field.type ?? 'bytes');
  const valueWire = field.of ? 2 : wireTypes[field.type ?? 'bytes'];
  while (reader.pos < end) {
    const tag = reader.tag();
    const wireType = tag & 7;
    if (tag >>> 3 === 1 && wireType === (field.key === 'uint32' ? 0 : 2)) key = String(scalar(field.key ?? 'string', reader));
    else if (tag >>> 3 === 2 && wireType === valueWire) {
      value = field.of ? read(planOf(field.of()), reader, limitOf(reader, end), depth + 1, budget) : scalar(field.type ?? 'bytes', reader);
    } else reader.skipType(wireType, depth, tag >>> 3);
  }
  if (reader.pos !== end) throw new RangeError('a map entry reaches beyond its end');
  if (field.of && value === null) value = read(planOf(field.of()), reader, reader.pos, depth + 1, budget);
  if (key !== '__proto__') entries[key] = value;
}

function scalar(type: Scalar, reader: protobuf.Reader): unknown {
  // Bytes are copied, so that keeping a 16-byte id does not keep the whole answer in memory.
  if (type === 'bytes') return Buffer.from(reader.bytes());
  return reader[type]();
}

function tooLarge(message: Message<unknown>): WireError {
  return new WireError('wire/too-large', `The far side sent a ${message.name} message that is too large or too deeply nested; it was ignored.`);
}

/** Protobuf bytes of a plain object. Fails only when a required field is missing or the nesting is absurd: our own mistakes. */
export function encodeMessage(message: Message<unknown>, value: unknown): Buffer {
  const writer = protobuf.Writer.create();
  write(message, value as Plain, writer, 0);
  return Buffer.from(writer.finish());
}

function write(message: Message<unknown>, value: Plain, writer: protobuf.Writer, depth: number): void {
  if (depth > depthLimit) throw tooLarge(message);
  for (const field of message.fields) {
    const given = value[field.name];
    if (given === undefined || given === null) {
      if (field.rule === 'required') throw new WireError('wire/missing-field', `A ${message.name} message cannot be sent without ${field.name}.`);
    } else if (field.rule === 'map') writeMap(field, given as Plain, writer, depth);
    else if (field.rule === 'packed') writePacked(field, given as readonly unknown[], writer);
    else if (field.rule === 'repeated') for (const item of given as readonly unknown[]) writeOne(field, field.id, item, writer, depth);
    else if (field.rule !== 'implicit' || !isZero(given)) writeOne(field, field.id, given, writer, depth);
  }
}

function writeOne(field: Pick<Field, 'type' | 'of'>, id: number, value: unknown, writer: protobuf.Writer, depth: number): void {
  if (field.of) {
    writer.uint32(((id << 3) | 2) >>> 0).fork();
    write(field.of(), value as Plain, writer, depth + 1);
    writer.ldelim();
  } else {
    const type = field.type ?? 'bytes';
    writer.uint32(((id << 3) | wireTypes[type]) >>> 0);
    writeScalar(type, value, writer);
  }
}

function writePacked(field: Field, list: readonly unknown[], writer: protobuf.Writer): void {
  if (list.length === 0) return;
  writer.uint32(((field.id << 3) | 2) >>> 0).fork();
  for (const item of list) writeScalar(field.type ?? 'bytes', item, writer);
  writer.ldelim();
}

function writeMap(field: Field, entries: Plain, writer: protobuf.Writer, depth: number): void {
  for (const [key, value] of Object.entries(entries)) {
    if (value === undefined || value === null) continue;
    writer.uint32(((field.id << 3) | 2) >>> 0).fork();
    writeOne({ type: field.key ?? 'string' }, 1, field.key === 'uint32' ? Number(key) : key, writer, depth);
    writeOne(field, 2, value, writer, depth);
    writer.ldelim();
  }
}

function writeScalar(type: Scalar, value: unknown, writer: protobuf.Writer): void {
  (writer[type] as (value: unknown) => unknown).call(writer, value);
}

function isZero(value: unknown): boolean {
  return value === '' || value === false || Object.is(value, 0) || (value instanceof Uint8Array && value.length === 0);
}
