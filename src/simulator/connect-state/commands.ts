import { randomBytes } from 'node:crypto';
import { encodeSetVolume } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { Dealer } from '../dealer/dealer.ts';
import type { Outcome } from '../dealer/requests.ts';
import type { Parts } from '../parts.ts';
import type { ConnectStateHub } from './hub.ts';

/** The endpoint of player commands (connect-control §1.5). */
const playerCommand = 'hm://connect-state/v1/player/command';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Turns what controllers ask into requests to devices, and remembers what came of it (connect-control §3.20). */
export class Commands {
  readonly #parts: Parts;
  readonly #dealer: Dealer;
  readonly #hub: ConnectStateHub;
  readonly #outcomes = new Map<string, Promise<Outcome>>();
  readonly #replied = new Map<string, { readonly messageId: number; readonly sentBy: string }>();
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

  /** The newest command a device has replied to. */
  newestReplied(device: string): { readonly messageId: number; readonly sentBy: string } | null {
    return this.#replied.get(device) ?? null;
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
    const outcome = this.#dealer.requests.send(connection, playerCommand, body, resend).then((end) => {
      if (end === 'succeeded') this.#hub.acknowledge(account, ackId);
      const messageId = typeof body === 'object' && body !== null && 'message_id' in body ? Number(body.message_id) : NaN;
      if (end === 'succeeded' && Number.isFinite(messageId)) this.#replied.set(to, { messageId, sentBy: from });
      this.#parts.journal.record('dealer', `command ${endpoint} ${end}`, { from, to, ackId });
      return end;
    });
    this.#outcomes.set(ackId, outcome);
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
    this.#outcomes.set(ackId, Promise.resolve('succeeded'));
    this.#hub.acknowledge(account, ackId);
    return ackId;
  }
}

function endpointOf(body: unknown): string {
  const command = typeof body === 'object' && body !== null && 'command' in body ? body.command : null;
  return typeof command === 'object' && command !== null && 'endpoint' in command ? String(command.endpoint) : '?';
}
