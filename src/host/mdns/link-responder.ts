import { every, Scope, TonearmError, type Clock, type Log } from '#foundation';
import { neighbourTest, type Link, type Networks } from '../links.ts';
import { decodeDnsMessage, encodeDnsMessage, type DnsMessage, type DnsRecord } from './dns-message.ts';
import { LinkSocket, mdnsPort, type Sender } from './link-socket.ts';
import { addressRecords, type Answer, answerTo, forLegacy, fullName, serviceRecord, serviceRecords, type Service } from './service-records.ts';

export interface LinkResponderOptions {
  readonly link: Link;
  /** All interfaces of the machine, to tell neighbours on this one from others. */
  readonly all: readonly Networks[];
  /** Our own host name in small letters, never the machine's: that one belongs to its own responder. */
  readonly host: string;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 up to 1. */
  readonly random: () => number;
  /** Hears everything first. `false`: the query is not to be answered. */
  readonly onMessage: (message: DnsMessage) => boolean;
  /** It cannot speak any more and should be opened anew. */
  readonly onBroken: (error: Error) => void;
}

/** When an announcement is repeated, in milliseconds after the first (RFC 6762 §8.3: a second one after one second). */
const repeats = [1000, 3000];
/** And from then on: whoever lost us, or was never told, hears of us again within this time. */
const periodic = 60_000;
/** When the name is said once more after somebody else has used it. */
const defence = 1500;
/** The same record is not multicast again so soon (RFC 6762 §6). */
const pause = 1000;
/** Larger packets are split by the network; what is not asked for is left out then. */
const packetLimit = 1400;

/** Answers for our services on one link, over IPv4 and IPv6. */
export class LinkResponder implements AsyncDisposable {
  readonly link: Link;
  readonly #options: LinkResponderOptions;
  readonly #scope = new Scope();
  readonly #services = new Map<string, Service>();
  readonly #timers = new Set<Disposable>();
  /** When a record was last multicast, in monotonic milliseconds. */
  readonly #said = new Map<string, number>();
  #sockets: readonly LinkSocket[] = [];
  /** Answers that are to be repeated when their second is over. */
  readonly #waiting = new Set<string>();
  #isBroken = false;
  #isDefending = false;

  private constructor(options: LinkResponderOptions) {
    this.link = options.link;
    this.#options = options;
  }

  /** Rejects with `host/mdns-socket` when neither IPv4 nor IPv6 can be spoken on the link. */
  static async open(options: LinkResponderOptions): Promise<LinkResponder> {
    const responder = new LinkResponder(options);
    await responder.#open();
    return responder;
  }

  async #open(): Promise<void> {
    const { link, all, log, clock } = this.#options;
    const isNeighbour = neighbourTest(link, all);
    const families: (4 | 6)[] = [...(link.entry === null ? [] : [4 as const]), ...(link.hasIPv6 ? [6 as const] : [])];
    const failures: unknown[] = [];
    const opened = await Promise.all(
      families.map(async (family) => {
        try {
          return await LinkSocket.open({
            link,
            family,
            port: mdnsPort,
            onMessage: (bytes, sender) => {
              if (isNeighbour(sender.address)) this.#hear(bytes, sender, family);
            },
            onError: (error) => this.#broken(error),
          });
        } catch (error) {
          failures.push(error);
          log.debug(`mDNS over IPv${family} is not possible on ${link.name}`, { error });
          return null;
        }
      }),
    );
    this.#sockets = opened.filter((socket) => socket !== null);
    for (const socket of this.#sockets) this.#scope.use(socket);
    if (this.#sockets.length === 0) {
      const [cause] = failures;
      throw new TonearmError({
        kind: 'unavailable',
        code: 'host/mdns-socket',
        message: `Phones on ${link.name} cannot find the speaker: UDP port ${mdnsPort} cannot be used there (${(cause as NodeJS.ErrnoException | undefined)?.code ?? 'no address'}). It is tried again by itself; if it stays so, another program holds the port alone.`,
        cause,
      });
    }
    this.#scope.use(every(clock, periodic, () => this.#repeat()));
  }

  /** Says it now, and twice again. Both names are asked for at the same moment, so that whoever has one of them can say so. */
  announce(service: Service): void {
    const { host } = this.#options;
    this.#services.set(fullName(service), service);
    const questions = [fullName(service), host].map((name) => ({ name, type: 'ANY', isUnicast: false }));
    this.#send({ questions, authorities: [serviceRecord(service, host), ...addressRecords(this.#place)], isResponse: false });
    this.#tell(service);
    for (const delay of repeats) {
      this.#later(delay, () => {
        if (this.#services.get(fullName(service)) === service) this.#tell(service);
      });
    }
  }

  /** Says that a name is taken, to somebody who uses it too. */
  defend(service: Service): void {
    const records = serviceRecords(service, this.#options.host).slice(1);
    const say = () => this.#send({ isResponse: true, answers: records, additionals: addressRecords(this.#place) });
    if (!records.some((record) => this.#isRecent(record))) say();
    if (this.#isDefending) return;
    // What came within the same second is kept beside ours by everybody (RFC 6762 §10.2); said later, ours replaces it.
    this.#isDefending = true;
    this.#later(defence, () => {
      this.#isDefending = false;
      if (this.#services.get(fullName(service)) === service) say();
    });
  }

  /** `farewell`: everybody is told that it is gone. Without, they may go on believing in it. */
  async withdraw(service: Service, { farewell }: { readonly farewell: boolean }): Promise<void> {
    if (this.#services.get(fullName(service)) !== service) return;
    this.#services.delete(fullName(service));
    if (!farewell) return;
    const bytes = encodeDnsMessage({ isResponse: true, answers: serviceRecords(service, this.#options.host).map((record) => ({ ...record, ttl: 0 })) });
    await Promise.all(this.#sockets.map((socket) => socket.sent(bytes)));
  }

  /** Without farewell. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#services.clear();
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#timers.clear();
    await this.#scope[Symbol.asyncDispose]();
  }

  get #place() {
    const { host, link } = this.#options;
    return { host, ipv4: link.ipv4, ipv6: link.ipv6 };
  }

  #tell(service: Service): void {
    this.#send({ isResponse: true, answers: [...serviceRecords(service, this.#options.host), ...addressRecords(this.#place)] });
  }

  #repeat(): void {
    for (const socket of this.#sockets) socket.rejoin();
    for (const service of this.#services.values()) this.#tell(service);
  }

  #hear(bytes: Buffer, sender: Sender, family: 4 | 6): void {
    const message = decodeDnsMessage(bytes);
    // Answers that do not come from the mDNS port are somebody's forgery (RFC 6762 §6).
    if (!message || (message.isResponse && sender.port !== mdnsPort)) return;
    const isOurs = this.#options.onMessage(message);
    if (message.isResponse || !isOurs) return;
    const answer = answerTo(message, [...this.#services.values()], this.#place);
    if (!answer) return;
    const socket = this.#sockets.find((one) => one.family === family);
    if (sender.port !== mdnsPort) {
      socket?.send(encodeDnsMessage({ id: message.id, isResponse: true, questions: message.questions, answers: forLegacy(answer.answers), additionals: forLegacy(answer.additionals) }), sender);
      return;
    }
    const isProbe = message.authorities.length > 0;
    // Privately only to those who ask for it, and not when everybody has not heard it for a while (RFC 6762 §5.4).
    if (!isProbe && message.questions.every(({ isUnicast }) => isUnicast) && answer.answers.every((record) => this.#isRecent(record, (record.ttl * 1000) / 4))) {
      socket?.send(encodeFitting(answer.answers, answer.additionals), sender);
      return;
    }
    if (isProbe) this.#send({ isResponse: true, ...answer });
    // Others may answer the same question: they should not all speak at once (RFC 6762 §6).
    else if (answer.answers.every(({ flush }) => flush)) this.#say(answer);
    else this.#later(20 + 100 * this.#options.random(), () => this.#say(answer));
  }

  /** What was said less than a second ago waits: the asker may have come since. */
  #say({ answers, additionals }: Answer): void {
    const fresh = answers.filter((record) => !this.#isRecent(record));
    if (fresh.length > 0) this.#send({ isResponse: true, answers: fresh, additionals });
    const waiting = answers.filter((record) => !fresh.includes(record) && !this.#waiting.has(keyOf(record)));
    if (waiting.length === 0) return;
    const now = this.#options.clock.monotonic();
    const last = Math.max(...waiting.map((record) => this.#said.get(keyOf(record)) ?? now));
    for (const record of waiting) this.#waiting.add(keyOf(record));
    this.#later(Math.max(0, last + pause - now), () => {
      for (const record of waiting) this.#waiting.delete(keyOf(record));
      // Not said in between, and not withdrawn.
      const still = waiting.filter((record) => (this.#said.get(keyOf(record)) ?? last) <= last && this.#isOurs(record));
      if (still.length > 0) this.#send({ isResponse: true, answers: still, additionals });
    });
  }

  /** A service may have been withdrawn while its answer waited. */
  #isOurs(record: DnsRecord): boolean {
    return answerTo({ questions: [{ name: record.name, type: record.type, isUnicast: false }], answers: [] }, [...this.#services.values()], this.#place)?.answers.some((one) => keyOf(one) === keyOf(record)) ?? false;
  }

  #isRecent(record: DnsRecord, within = pause): boolean {
    const said = this.#said.get(keyOf(record));
    return said !== undefined && this.#options.clock.monotonic() - said < within;
  }

  #send(message: Partial<DnsMessage> & { readonly isResponse: boolean }): void {
    if (message.isResponse) for (const record of message.answers ?? []) this.#said.set(keyOf(record), this.#options.clock.monotonic());
    const bytes = message.isResponse ? encodeFitting(message.answers ?? [], message.additionals ?? []) : encodeDnsMessage(message);
    for (const socket of this.#sockets) socket.send(bytes);
  }

  #later(delay: number, run: () => void): void {
    const timer = this.#options.clock.timer(delay, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }

  #broken(error: Error): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#options.onBroken(error);
  }
}

function encodeFitting(answers: readonly DnsRecord[], additionals: readonly DnsRecord[]): Buffer {
  const bytes = encodeDnsMessage({ isResponse: true, answers, additionals });
  return bytes.length <= packetLimit ? bytes : encodeDnsMessage({ isResponse: true, answers });
}

function keyOf({ name, type, data }: DnsRecord): string {
  return `${type} ${name.toLowerCase()} ${JSON.stringify(data)}`;
}
