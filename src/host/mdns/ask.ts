import { sleep, withEither, type Clock } from '#foundation';
import { neighbourTest, type Link, type Networks } from '../links.ts';
import { decodeDnsMessage, encodeDnsMessage, sameName, type DnsRecord, type Question } from './dns-message.ts';
import { LinkSocket } from './link-socket.ts';
import { typeName } from './service-records.ts';

/** A service as somebody on the network sees it. */
export interface SeenService {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** Where its HTTP interface is (`CPath`). */
  readonly path: string;
}

export interface AskOptions {
  readonly link: Link;
  readonly all: readonly Networks[];
  readonly type: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What is known so far is enough. */
  readonly isEnough: (seen: readonly SeenService[]) => boolean;
}

/** Between questions; after the last one this long is waited for answers (milliseconds). */
const pauses = [700, 1000, 1500];
/** Others may be slow; nobody answers for long. */
const settling = 300;
const mostSeen = 64;

/**
 * Asks one link which services of a type there are, as a stranger would: from a socket and port of its own, so that what
 * our responder does with its own is not taken for an answer. Rejects when the socket cannot be had.
 */
export async function askForServices({ link, all, type, clock, signal, isEnough }: AskOptions): Promise<readonly SeenService[]> {
  const isNeighbour = neighbourTest(link, all);
  const records: DnsRecord[] = [];
  const family = link.entry === null ? 6 : 4;
  const enough = new AbortController();
  using socket = await LinkSocket.open({
    link,
    family,
    port: 0,
    onMessage(bytes, sender) {
      if (!isNeighbour(sender.address)) return;
      const message = decodeDnsMessage(bytes);
      if (!message?.isResponse || records.length > 16 * mostSeen) return;
      records.push(...message.answers, ...message.additionals);
      if (isEnough(servicesIn(records, type))) enough.abort();
    },
    onError: () => undefined, // then there is no answer, which is what is to be found out
  });
  const questions: Question[] = [{ name: typeName(type), type: 'PTR', isUnicast: true }];
  for (const pause of pauses) {
    socket.send(encodeDnsMessage({ id: 1, isResponse: false, questions }));
    await withEither(signal, enough.signal, (either) => sleep(clock, pause, either)).catch(() => undefined);
    signal.throwIfAborted();
    if (enough.signal.aborted) break;
  }
  if (enough.signal.aborted) await sleep(clock, settling, signal);
  return servicesIn(records, type);
}

export function servicesIn(records: readonly DnsRecord[], type: string): readonly SeenService[] {
  const names = new Set(records.flatMap((record) => (record.type === 'PTR' && record.ttl > 0 && sameName(record.name, typeName(type)) ? [record.data] : [])));
  const found: SeenService[] = [];
  for (const name of [...names].slice(0, mostSeen)) {
    const service = records.findLast((record) => record.type === 'SRV' && sameName(record.name, name));
    if (service?.type !== 'SRV') continue;
    const { port, target } = service.data;
    const addresses = records.flatMap((record) => ((record.type === 'A' || record.type === 'AAAA') && sameName(record.name, target) ? [record.data] : []));
    const text = records.findLast((record) => record.type === 'TXT' && sameName(record.name, name));
    const path = text?.type === 'TXT' ? text.data.find((entry) => /^cpath=/i.test(entry))?.slice(6) : undefined;
    found.push({ name, host: target, port, addresses: [...new Set(addresses)], path: path ?? '/' });
  }
  return found;
}
