import { randomBytes } from 'node:crypto';
import { TonearmError } from '#foundation';
import type { Outcome } from '../dealer/requests.ts';
import type { PhoneSession } from './session.ts';

type Json = Readonly<Record<string, unknown>>;

export interface CommandAnswer {
  readonly ackId: string;
  /** How the speaker took it. */
  readonly outcome: Outcome;
}

/** Sends commands through the controller endpoints (connect-control §2.1) and waits for what becomes of them. */
export class Remote {
  readonly #session: PhoneSession;
  readonly #deviceId: string;
  readonly #outcomeOf: (ackId: string) => Promise<Outcome> | null;

  constructor(session: PhoneSession, deviceId: string, outcomeOf: (ackId: string) => Promise<Outcome> | null) {
    this.#session = session;
    this.#deviceId = deviceId;
    this.#outcomeOf = outcomeOf;
  }

  /** Any player command as JSON. Resolves with the speaker's reply, whatever it is. */
  command(to: string, command: Json): Promise<CommandAnswer> {
    const logging = { command_id: randomBytes(16).toString('hex'), interaction_ids: [], page_instance_ids: [], device_identifier: this.#deviceId };
    return this.#post('POST', `/connect-state/v1/player/command/from/${this.#deviceId}/to/${to}`, { command: { logging_params: logging, ...command } });
  }

  volume(to: string, volume: number): Promise<CommandAnswer> {
    return this.#post('PUT', `/connect-state/v1/connect/volume/from/${this.#deviceId}/to/${to}`, { volume });
  }

  transfer(to: string, options: Json): Promise<CommandAnswer> {
    return this.#post('POST', `/connect-state/v1/connect/transfer/from/${this.#deviceId}/to/${to}`, { transfer_options: options, command_id: randomBytes(16).toString('hex') });
  }

  async #post(method: string, path: string, json: Json): Promise<CommandAnswer> {
    const answer = await this.#session.ask(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(json) });
    if (answer.status !== 200) {
      const kind = answer.status === 404 ? 'not-found' : 'unavailable';
      throw new TonearmError({ kind, code: 'simulator/phone-command', message: `The cloud answered ${answer.status} to a command of the simulated phone: ${answer.body.toString('utf8').slice(0, 200)}` });
    }
    const { ack_id: ackId } = JSON.parse(answer.body.toString('utf8')) as { ack_id: string };
    return { ackId, outcome: (await this.#outcomeOf(ackId)) ?? 'gone' };
  }
}

/** Throws unless the speaker said yes. */
export function assertSucceeded(what: string, { outcome }: CommandAnswer): void {
  if (outcome === 'succeeded') return;
  const why = { failed: 'the speaker refused it', silent: 'the speaker did not reply within 10 s', gone: 'the speaker is not connected any more' }[outcome];
  throw new TonearmError({ kind: outcome === 'failed' ? 'conflict' : 'unavailable', code: `simulator/command-${outcome}`, message: `"${what}" did not work: ${why}.` });
}
