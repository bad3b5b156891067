import { randomBytes } from 'node:crypto';
import { encodeSetVolume } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { Dealer } from '../dealer/dealer.ts';
import type { Outcome } from '../dealer/requests.ts';
import type { Parts } from '../parts.ts';
import type { ConnectStateHub } from './hub.ts';
import type { KnownCommand } from './put-checks.ts';

/** The endpoint of player commands (connect-control §1.5). */
const playerCommand = 'hm://connect-state/v1/player/command';

export type JsonObject = Readonly<Record<string, unknown>>;

/** How long, in ms, a state may still name the command before the newest. */
const grace = 1000;
const remembered = 50;
const mostOutcomes = 1000;

/** A command that was sent to a device. */
export interface SentCommand extends KnownCommand {
  /** Monotonic ms; null until the device said yes. */
  repliedAt: number | null;
}

/** Turns what controllers ask into requests to devices, and remembers what came of it (connect-control §3.20). */
export class Commands {
  readonly #parts: Parts;
  readonly #dealer: Dealer;
  readonly #hub: ConnectStateHub;
  readonly #outcomes = new Map<string, Promise<Outcome>>();
  readonly #sent = new Map<string, SentCommand[]>();
  /** Near 2^31 and soon past it, as live values are (§0.2). */
  #messageId = 2 ** 31 - 3;

  constructor(parts: Parts, dealer: Dealer, hub: ConnectStateHub) {
    this.#parts = parts;
    this.#dealer = dealer;
    this.#hub = hub;
  }

  /** What became of a command, by its acknowledgement id. */
  outcome(ackId: string): Promise<Outcome> | null {
    return this.#outcomes.get(ackId) ?? null;
  }

  /**
   * Commands a device may name as its last in a state that it sent `age` ms ago: the newest it had replied to then and any
   * after it; for a moment after a reply also the one before. Empty before the first reply.
   */
  known(device: string, age: number): readonly SentCommand[] {
    const sent = this.#sent.get(device) ?? [];
    const then = this.#parts.clock.monotonic() - age;
    const newest = sent.findLastIndex(({ repliedAt }) => repliedAt !== null && repliedAt <= then);
    if (newest < 0) return [];
    const repliedAt = sent[newest]?.repliedAt ?? 0;
    if (then - repliedAt > grace) return sent.slice(newest);
    return newest === 0 ? [] : sent.slice(newest - 1);
  }

  /** A device that started afresh knows nothing of what it replied to before. */
  forget(device: string): void {
    this.#sent.delete(device);
  }

  /** Sends a command to a device. Null when it is not connected, else the acknowledgement id. */
  send(account: Account, from: string, to: string, command: JsonObject): string | null {
    this.#messageId = (this.#messageId + 1) >>> 0;
    return this.sendRaw(account, from, to, { message_id: this.#messageId, target_alias_id: null, sent_by_device_id: from, command });
  }

  /** Sends any JSON at all as a player command; for tests of leniency. */
  sendRaw(account: Account, from: string, to: string, body: unknown): string | null {
    const connection = this.#dealer.ofDevice(to);
    if (connection?.account !== account) return null;
    const ackId = randomBytes(16).toString('hex');
    const endpoint = endpointOf(body);
    this.#parts.journal.record('dealer', `command ${endpoint}`, { from, to, body }, this.#dealer.ofDevice(from)?.phone ?? null);
    const always = endpoint === 'transfer' && this.#parts.faults.take('connect-state/resend', { device: to }) !== null;
    const resend = always ? 'always' : endpoint === 'transfer' ? 'unanswered' : 'never';
    const entry: SentCommand = { messageId: messageIdOf(body), sentBy: from, repliedAt: null };
    this.#sent.set(to, [...(this.#sent.get(to) ?? []).slice(-remembered), entry]);
    const outcome = this.#dealer.requests.send(connection, playerCommand, body, resend).then((end) => {
      if (end === 'succeeded') this.#hub.acknowledge(account, ackId);
      if (end === 'succeeded') entry.repliedAt = this.#parts.clock.monotonic();
      this.#parts.journal.record('dealer', `command ${endpoint} ${end}`, { from, to, ackId });
      return end;
    });
    this.#keep(ackId, outcome);
    return ackId;
  }

  /** Sends a volume, which is a message and gets no reply (connect-control §8.2). Null when the device is not connected. */
  sendVolume(account: Account, from: string, to: string, volume: number): string | null {
    const connection = this.#dealer.ofDevice(to);
    if (connection?.account !== account) return null;
    const ackId = randomBytes(16).toString('hex');
    this.#messageId = (this.#messageId + 1) >>> 0;
    const payload = encodeSetVolume({ volume, commandOptions: { messageId: this.#messageId | 0 }, loggingParams: {}, connectionType: 'wlan', sentByDeviceId: from });
    this.#parts.journal.record('dealer', 'volume', { from, to, volume }, this.#dealer.ofDevice(from)?.phone ?? null);
    this.#dealer.push(to, { uri: 'hm://connect-state/v1/connect/volume', headers: { 'Content-Type': 'application/octet-stream' }, payload });
    this.#keep(ackId, Promise.resolve('succeeded'));
    this.#hub.acknowledge(account, ackId);
    return ackId;
  }

  #keep(ackId: string, outcome: Promise<Outcome>): void {
    this.#outcomes.set(ackId, outcome);
    const [oldest] = this.#outcomes.keys();
    if (this.#outcomes.size > mostOutcomes && oldest !== undefined) this.#outcomes.delete(oldest);
  }
}

function messageIdOf(body: unknown): number {
  return typeof body === 'object' && body !== null && 'message_id' in body ? Number(body.message_id) : 0;
}

function endpointOf(body: unknown): string {
  const command = typeof body === 'object' && body !== null && 'command' in body ? body.command : null;
  return typeof command === 'object' && command !== null && 'endpoint' in command ? String(command.endpoint) : '?';
}
