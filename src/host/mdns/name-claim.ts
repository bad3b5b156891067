import { sameName, type DnsMessage, type DnsRecord } from './dns-message.ts';
import { fullName } from './service-records.ts';

/** What a message means for our name: `answer` it as usual, be `quiet`, `defend` the name, or `yield` it. */
export type Judgement = 'answer' | 'quiet' | 'defend' | 'yield';

export interface ClaimOptions {
  readonly name: string;
  readonly type: string;
  /** Makes names unique: 8 hex digits. */
  readonly instance: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Who was here first keeps the name: answers that come this soon after our first packet make us take another (milliseconds). */
const newcomer = 1500;
/** One that has been using our name for this long will not give way by itself. Then the lower host name does, and at last we do. */
const stubborn = 5000;
const hopeless = 30_000;
/** A rival not heard for this long is forgotten. */
const memory = 120_000;
const longest = 63;

/**
 * The service name we use on the network and whether we may keep it. It is not probed for before it is announced, because
 * that costs 750 ms and our names are rarely taken (`docs/decisions/0003`).
 */
export class NameClaim {
  readonly #options: ClaimOptions;
  #label: string;
  #tries = 0;
  #since: number;
  #rival: { readonly first: number; last: number } | null = null;

  constructor(options: ClaimOptions) {
    this.#options = options;
    this.#label = fitting(options.name);
    this.#since = options.now();
  }

  get label(): string {
    return this.#label;
  }

  /** From now on answers come from those who had the name before us. */
  begin(): void {
    this.#since = this.#options.now();
  }

  /** Takes the next longer name: `Kitchen (a1b2)`, `Kitchen (a1b2c3d4)`, `Kitchen (a1b2c3d4 2)`. */
  next(): void {
    const { name, instance } = this.#options;
    this.#tries += 1;
    const ending = this.#tries === 1 ? instance.slice(0, 4) : this.#tries === 2 ? instance : `${instance} ${this.#tries - 1}`;
    this.#label = fitting(name, ` (${ending})`);
    this.#rival = null;
    this.begin();
  }

  /** `host` and `port` are ours: what says the same is our own voice. */
  judge(message: DnsMessage, { host, port }: { readonly host: string; readonly port: number }): Judgement {
    const claimed = this.#holderIn(message.isResponse ? [...message.answers, ...message.additionals] : [...message.authorities, ...message.answers]);
    if (claimed === null) return 'answer';
    if (sameName(claimed.target, host) && claimed.port === port) return 'quiet';
    const isLower = order(host, port) < order(claimed.target, claimed.port);
    const isNewcomer = this.#options.now() - this.#since <= newcomer;
    if (!message.isResponse) return isNewcomer && isLower ? 'yield' : 'answer';
    if (!isNewcomer) return this.#meet(isLower);
    // An answer to our question comes from somebody who stays. An announcement may come from another newcomer.
    const isAnswer = !message.answers.some(({ type }) => type === 'PTR');
    return isAnswer || isLower ? 'yield' : 'quiet';
  }

  #meet(isLower: boolean): Judgement {
    const now = this.#options.now();
    if (this.#rival === null || now - this.#rival.last > memory) this.#rival = { first: now, last: now };
    this.#rival.last = now;
    const since = now - this.#rival.first;
    return since >= hopeless || (since >= stubborn && isLower) ? 'yield' : 'defend';
  }

  #holderIn(records: readonly DnsRecord[]): { readonly port: number; readonly target: string } | null {
    const name = fullName({ label: this.#label, type: this.#options.type });
    for (const record of records) if (record.type === 'SRV' && record.ttl !== 0 && sameName(record.name, name)) return record.data;
    return null;
  }
}

function order(host: string, port: number): string {
  return `${host.toLowerCase()} ${String(port).padStart(5, '0')}`;
}

/** At most 63 bytes of UTF-8 with the ending, cut between characters. A dot is allowed in a label, but many programs stumble over it. */
function fitting(name: string, ending = ''): string {
  const room = longest - Buffer.byteLength(ending);
  let kept = '';
  for (const character of name.replaceAll('.', '-')) {
    if (Buffer.byteLength(kept + character) > room) break;
    kept += character;
  }
  return kept.trimEnd() + ending;
}
