/** DNS messages as multicast DNS uses them (RFC 1035 §4, RFC 6762 §18): the few record types a service needs, others kept as bytes. */
import { bytesOfIPv6, textOfIPv6 } from '../ipv6.ts';

interface RecordHead {
  /** Labels joined by dots, without the last dot; a dot or backslash within a label is preceded by a backslash. */
  readonly name: string;
  /** Seconds; 0 takes the record back. */
  readonly ttl: number;
  /** Cache-flush: these are all records of this name and type. */
  readonly flush: boolean;
}
export type AddressRecord = RecordHead & { readonly type: 'A' | 'AAAA'; readonly data: string };
export type PointerRecord = RecordHead & { readonly type: 'PTR'; readonly data: string };
export type ServiceRecord = RecordHead & { readonly type: 'SRV'; readonly data: { readonly port: number; readonly target: string } };
export type TextRecord = RecordHead & { readonly type: 'TXT'; readonly data: readonly string[] };
/** Says which types a name has, and so which it has not. */
export type DenialRecord = RecordHead & { readonly type: 'NSEC'; readonly data: readonly string[] };
export type DnsRecord = AddressRecord | PointerRecord | ServiceRecord | TextRecord | DenialRecord;

export interface Question {
  readonly name: string;
  /** `ANY`, one of the record types, or a number for those not known here. */
  readonly type: string;
  /** The asker would like the answer for itself (QU). */
  readonly isUnicast: boolean;
}

export interface DnsMessage {
  readonly id: number;
  readonly isResponse: boolean;
  readonly questions: readonly Question[];
  readonly answers: readonly DnsRecord[];
  /** In a query: what the asker is about to claim. */
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

const typeNumbers: Readonly<Record<string, number>> = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, NSEC: 47, ANY: 255 };
const typeNames = new Map(Object.entries(typeNumbers).map(([name, number]) => [number, name]));
const highBit = 0x8000;
const internet = 1;
/** More records than any honest packet holds. */
const mostRecords = 1024;

/** Names of DNS are equal without regard to the case of ASCII letters. */
export function sameName(one: string, other: string): boolean {
  return one === other || lower(one) === lower(other);
}

function lower(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** One label as it stands in a name. */
export function escapeLabel(label: string): string {
  return label.replace(/[.\\]/g, '\\$&');
}

function labelsOf(name: string): Buffer[] {
  const labels = [...name.matchAll(/(?:\\.|[^.\\])+/gs)].map(([label]) => Buffer.from(label.replace(/\\(.)/gs, '$1')));
  for (const label of labels) if (label.length > 63) throw new RangeError(`The label "${label.toString()}" is longer than 63 bytes.`);
  return labels;
}

class Writer {
  #bytes = Buffer.alloc(512);
  #length = 0;
  readonly #names = new Map<string, number>();

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  put(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length + bytes.length)]);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  number16(value: number): void {
    this.put(Buffer.of(value >>> 8, value & 0xff));
  }

  number32(value: number): void {
    this.number16(value >>> 16);
    this.number16(value & 0xffff);
  }

  name(name: string): void {
    const labels = labelsOf(name);
    for (let index = 0; index < labels.length; index++) {
      const rest = labels.slice(index).map((label) => label.toString('latin1')).join('\0');
      const seen = this.#names.get(rest);
      if (seen !== undefined) {
        this.number16(0xc000 | seen);
        return;
      }
      if (this.#length < 0x3fff) this.#names.set(rest, this.#length);
      const label = labels[index] ?? Buffer.alloc(0);
      this.put(Buffer.of(label.length));
      this.put(label);
    }
    this.put(Buffer.of(0));
  }

  record(record: DnsRecord): void {
    this.name(record.name);
    this.number16(typeNumbers[record.type] ?? 0);
    this.number16(internet | (record.flush ? highBit : 0));
    this.number32(record.ttl);
    const place = this.#length;
    this.number16(0);
    this.#data(record);
    this.#bytes.writeUInt16BE(this.#length - place - 2, place);
  }

  #data(record: DnsRecord): void {
    switch (record.type) {
      case 'A':
        this.put(Buffer.from(record.data.split('.').map(Number)));
        break;
      case 'AAAA':
        this.put(bytesOfIPv6(record.data));
        break;
      case 'PTR':
        this.name(record.data);
        break;
      case 'SRV':
        this.number32(0); // priority and weight
        this.number16(record.data.port);
        this.name(record.data.target);
        break;
      case 'TXT':
        for (const text of record.data.length > 0 ? record.data : ['']) {
          const bytes = Buffer.from(text).subarray(0, 255);
          this.put(Buffer.of(bytes.length));
          this.put(bytes);
        }
        break;
      case 'NSEC': {
        this.name(record.name);
        const numbers = record.data.map((type) => typeNumbers[type] ?? 0);
        const bits = Buffer.alloc((Math.max(...numbers) >> 3) + 1);
        for (const number of numbers) bits[number >> 3] = (bits[number >> 3] ?? 0) | (0x80 >> (number & 7));
        this.put(Buffer.of(0, bits.length));
        this.put(bits);
      }
    }
  }
}

/** The message in bytes. Throws `RangeError` for a label that is too long. */
export function encodeDnsMessage({ id = 0, isResponse, questions = [], answers = [], authorities = [], additionals = [] }: Partial<DnsMessage> & { readonly isResponse: boolean }): Buffer {
  const writer = new Writer();
  writer.number16(id);
  writer.number16(isResponse ? 0x8400 : 0);
  for (const list of [questions, answers, authorities, additionals]) writer.number16(list.length);
  for (const { name, type, isUnicast } of questions) {
    writer.name(name);
    writer.number16(typeNumbers[type] ?? Number(type));
    writer.number16(internet | (isUnicast ? highBit : 0));
  }
  for (const record of [...answers, ...authorities, ...additionals]) writer.record(record);
  return Buffer.from(writer.bytes);
}

/** The message, or null when the bytes are none. Records of types and classes not known here are left out. */
export function decodeDnsMessage(bytes: Buffer): DnsMessage | null {
  try {
    return new Reader(bytes).message();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  message(): DnsMessage {
    const [id, flags, ...counts] = [0, 0, 0, 0, 0, 0].map(() => this.#number16()) as [number, number, number, number, number, number];
    // A query's operation and an answer's code have to be 0 (RFC 6762 §18.3, §18.11).
    if ((flags & 0x780f) !== 0 || counts.reduce((sum, count) => sum + count, 0) > mostRecords) throw new RangeError('This is no mDNS.');
    const [questions, answers, authorities, additionals] = counts;
    return {
      id,
      isResponse: (flags & highBit) !== 0,
      questions: this.#many(questions, () => this.#question()),
      answers: this.#many(answers, () => this.#record()),
      authorities: this.#many(authorities, () => this.#record()),
      additionals: this.#many(additionals, () => this.#record()),
    };
  }

  #many<T>(count: number, read: () => T | null): T[] {
    const found: T[] = [];
    for (let index = 0; index < count; index++) {
      const one = read();
      if (one !== null) found.push(one);
    }
    return found;
  }

  #number16(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }

  #name(): string {
    const labels: string[] = [];
    let at = this.#at;
    let end = -1;
    let length = 0;
    for (;;) {
      const size = this.#bytes.readUInt8(at);
      if ((size & 0xc0) === 0xc0) {
        const to = this.#bytes.readUInt16BE(at) & 0x3fff;
        if (end < 0) end = at + 2;
        // Only backwards, so that it ends.
        if (to >= at) throw new RangeError('A name points forwards.');
        at = to;
        continue;
      }
      if (size > 63) throw new RangeError('A label of a kind that does not exist.');
      at += 1;
      if (size === 0) break;
      length += size + 1;
      if (length > 255 || at + size > this.#bytes.length) throw new RangeError('A name is too long.');
      labels.push(escapeLabel(this.#bytes.toString('utf8', at, at + size)));
      at += size;
    }
    this.#at = end < 0 ? at : end;
    return labels.join('.');
  }

  #question(): Question | null {
    const name = this.#name();
    const number = this.#number16();
    const kind = this.#number16();
    const asked = kind & ~highBit;
    return asked === internet || asked === 255 ? { name, type: typeNames.get(number) ?? String(number), isUnicast: (kind & highBit) !== 0 } : null;
  }

  #record(): DnsRecord | null {
    const name = this.#name();
    const type = typeNames.get(this.#number16());
    const kind = this.#number16();
    const ttl = this.#number16() * 65_536 + this.#number16();
    const length = this.#number16();
    const from = this.#at;
    const end = from + length;
    if (end > this.#bytes.length) throw new RangeError('A record is cut off.');
    const head = { name, ttl, flush: (kind & highBit) !== 0 };
    const record = (kind & ~highBit) === internet ? this.#content(head, type, end) : null;
    this.#at = end;
    return record;
  }

  #content(head: RecordHead, type: string | undefined, end: number): DnsRecord | null {
    const size = end - this.#at;
    switch (type) {
      case 'A':
        return size === 4 ? { ...head, type, data: this.#bytes.subarray(this.#at, end).join('.') } : null;
      case 'AAAA':
        return size === 16 ? { ...head, type, data: textOfIPv6(this.#bytes.subarray(this.#at, end)) } : null;
      case 'PTR':
        return { ...head, type, data: this.#name() };
      case 'SRV': {
        this.#at += 4;
        const port = this.#number16();
        return { ...head, type, data: { port, target: this.#name() } };
      }
      case 'TXT': {
        const data: string[] = [];
        while (this.#at < end) {
          const length = this.#bytes.readUInt8(this.#at);
          data.push(this.#bytes.toString('utf8', this.#at + 1, Math.min(this.#at + 1 + length, end)));
          this.#at += 1 + length;
        }
        return { ...head, type, data };
      }
      default:
        return null;
    }
  }
}
