import { escapeLabel, sameName, type AddressRecord, type DenialRecord, type DnsMessage, type DnsRecord, type Question, type ServiceRecord } from './dns-message.ts';

/** One service as DNS-SD (RFC 6763) shows it. */
export interface Service {
  /** What people may see: one label, at most 63 bytes. */
  readonly label: string;
  /** Without underscore and protocol: `spotify-connect`. */
  readonly type: string;
  readonly port: number;
  readonly txt: Readonly<Record<string, string>>;
}

/** Who offers the services on one link. */
export interface Place {
  /** Host name, ours alone. */
  readonly host: string;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** Seconds, as RFC 6762 §10 recommends: what has a host's name or address in it, and the rest. */
const hostTtl = 120;
const otherTtl = 4500;
const legacyTtl = 10;
const everyType = '_services._dns-sd._udp.local';

export function typeName(type: string): string {
  return `_${type}._tcp.local`;
}

/** The full name of an instance: `Kitchen._spotify-connect._tcp.local`. */
export function fullName({ label, type }: Pick<Service, 'label' | 'type'>): string {
  return `${escapeLabel(label)}.${typeName(type)}`;
}

export function serviceRecord(service: Service, host: string): ServiceRecord {
  return { name: fullName(service), type: 'SRV', ttl: hostTtl, flush: true, data: { port: service.port, target: host } };
}

/** What is said of a service when it comes; with `ttl` 0 when it goes. */
export function serviceRecords(service: Service, host: string): readonly DnsRecord[] {
  const name = fullName(service);
  return [
    { name: typeName(service.type), type: 'PTR', ttl: otherTtl, flush: false, data: name },
    serviceRecord(service, host),
    { name, type: 'TXT', ttl: otherTtl, flush: true, data: Object.entries(service.txt).map(([key, value]) => `${key}=${value}`) },
  ];
}

export function addressRecords({ host, ipv4, ipv6 }: Place): readonly AddressRecord[] {
  const record = (type: AddressRecord['type']) => (data: string): AddressRecord => ({ name: host, type, ttl: hostTtl, flush: true, data });
  return [...ipv4.map(record('A')), ...ipv6.map(record('AAAA'))];
}

export interface Answer {
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** What we say to a query; null: nothing. What the asker already knows is left out (RFC 6762 §7.1). */
export function answerTo(query: Pick<DnsMessage, 'questions' | 'answers'>, services: readonly Service[], place: Place): Answer | null {
  const addresses = addressRecords(place);
  const found = query.questions.flatMap((question) => answersTo(question, services, place, addresses)).filter((record) => !isKnown(record, query.answers));
  const answers = unique(found);
  if (answers.length === 0) return null;
  const additionals = answers.flatMap((record) => companions(record, services, place, addresses));
  return { answers, additionals: unique(additionals).filter((one) => !answers.some((other) => isSame(one, other))) };
}

/** For those who do not speak mDNS themselves: short-lived, without the cache-flush bit (RFC 6762 §6.7). */
export function forLegacy(records: readonly DnsRecord[]): readonly DnsRecord[] {
  return records.map((record) => ({ ...record, ttl: Math.min(record.ttl, legacyTtl), flush: false }));
}

function answersTo({ name, type }: Question, services: readonly Service[], place: Place, addresses: readonly AddressRecord[]): readonly DnsRecord[] {
  const wants = (one: string) => type === one || type === 'ANY';
  const found: DnsRecord[] = [];
  for (const service of services) {
    if (wants('PTR') && sameName(name, everyType)) found.push({ name: everyType, type: 'PTR', ttl: otherTtl, flush: false, data: typeName(service.type) });
    const own = serviceRecords(service, place.host).filter((record) => sameName(record.name, name));
    found.push(...own.filter((record) => wants(record.type)));
    if (sameName(fullName(service), name) && !own.some((record) => wants(record.type))) found.push(denial(name, ['TXT', 'SRV']));
  }
  if (sameName(place.host, name)) {
    const held = addresses.filter((record) => wants(record.type));
    found.push(...(held.length > 0 ? held : [denial(place.host, [...new Set(addresses.map((record) => record.type))])]));
  }
  return found;
}

/** What the asker will want to know next (RFC 6763 §12). */
function companions(record: DnsRecord, services: readonly Service[], place: Place, addresses: readonly AddressRecord[]): readonly DnsRecord[] {
  switch (record.type) {
    case 'PTR': {
      const service = services.find((one) => fullName(one) === record.data);
      return service ? [...serviceRecords(service, place.host).slice(1), ...withDenial(place, addresses)] : [];
    }
    case 'SRV':
    case 'A':
    case 'AAAA':
      return withDenial(place, addresses);
    default:
      return [];
  }
}

/** Our addresses, and that there are no others: it spares the asker a second question. */
function withDenial({ host }: Place, addresses: readonly AddressRecord[]): readonly DnsRecord[] {
  const types = [...new Set(addresses.map(({ type }) => type))];
  return types.length === 1 ? [...addresses, denial(host, types)] : addresses;
}

function denial(name: string, types: readonly string[]): DenialRecord {
  return { name, type: 'NSEC', ttl: hostTtl, flush: true, data: types };
}

function isKnown(record: DnsRecord, known: readonly DnsRecord[]): boolean {
  return known.some((one) => isSame(one, record) && one.ttl * 2 >= record.ttl);
}

function isSame(one: DnsRecord, other: DnsRecord): boolean {
  return one.type === other.type && sameName(one.name, other.name) && JSON.stringify(one.data) === JSON.stringify(other.data);
}

function unique(records: readonly DnsRecord[]): readonly DnsRecord[] {
  return records.filter((record, index) => records.findIndex((other) => isSame(record, other)) === index);
}
