import { decodeSetVolume } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import { jsonBody } from '../http/body.ts';
import { answerJson, type Answer, type Exchange, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused, decodeOr400 } from '../refused.ts';
import type { Commands, JsonObject } from './commands.ts';
import { accountOf } from './callers.ts';
import type { ConnectStateHub } from './hub.ts';

const clause = 'connect-control §3.20';

/** Names under which controllers post what devices know under another (connect-control §3.2). */
const translated: Readonly<Record<string, string>> = { next_track: 'skip_next', prev_track: 'skip_prev', previous_track: 'skip_prev' };

/** What controllers ask of connect-state: commands, volume, transfer (connect-control §2.1, §3.20). */
export function controllerRoutes(parts: Parts, hub: ConnectStateHub, commands: Commands): Route[] {
  const common = { service: 'connect-state', authorisation: 'client', clause } as const;
  const accepted = (ackId: string | null, to: string): Answer => {
    if (ackId !== null) return answerJson({ ack_id: ackId });
    return answerJson({ error_type: 'DEVICE_NOT_FOUND', message: `device ${to} is not connected` }, 404);
  };
  return [
    {
      ...common,
      name: 'connect-state/command',
      method: 'POST',
      path: '/connect-state/v1/player/command/from/{from}/to/{to}',
      handle(exchange) {
        const { command } = jsonBody(exchange, clause);
        if (!isObject(command) || typeof command['endpoint'] !== 'string') throw new Refused(400, clause, 'no command.endpoint');
        const { from = '', to = '' } = exchange.parameters;
        return accepted(commands.send(accountOf(exchange), from, to, translate(command)), to);
      },
    },
    {
      ...common,
      name: 'connect-state/volume',
      method: 'PUT',
      path: '/connect-state/v1/connect/volume/from/{from}/to/{to}',
      handle(exchange) {
        const { from = '', to = '' } = exchange.parameters;
        return accepted(commands.sendVolume(accountOf(exchange), from, to, volumeOf(exchange)), to);
      },
    },
    {
      ...common,
      name: 'connect-state/transfer',
      method: 'POST',
      path: '/connect-state/v1/connect/transfer/from/{from}/to/{to}',
      handle(exchange) {
        const { from = '', to = '' } = exchange.parameters;
        const body = jsonBody(exchange, clause);
        const account = accountOf(exchange);
        return accepted(commands.send(account, from, to, transferCommand(parts, hub, account, from, to, body)), to);
      },
    },
    { ...common, name: 'connect-state/wake', method: 'POST', path: '/connect-state/v1/cluster/wake-devices', handle: () => ({ status: 200 }) },
  ];
}

/** The command a device gets for a transfer: with everything it needs to go on (connect-control §3.4). */
export function transferCommand({ faults, time }: Parts, hub: ConnectStateHub, account: Account, from: string, to: string, body: JsonObject): JsonObject {
  const given = [body['transfer_options'], body['options']].find(isObject) ?? {};
  const data = faults.take('connect-state/transfer-empty', { device: to }) ? '' : hub.of(account).transferData(time.now()).toString('base64');
  return {
    endpoint: 'transfer',
    data,
    from_device_identifier: from,
    options: {
      restore_paused: 'restore',
      restore_position: 'last_known',
      restore_track: 'always_play_something',
      retain_session: 'do_not_retain',
      license: 'premium',
      ...given,
    },
    logging_params: { command_id: typeof body['command_id'] === 'string' ? body['command_id'] : '', interaction_ids: [] },
  };
}

function translate(command: JsonObject): JsonObject {
  const endpoint = String(command['endpoint']);
  const out: Record<string, unknown> = { ...command, endpoint: translated[endpoint] ?? endpoint };
  if (typeof out['queue_revision'] === 'number') out['queue_revision'] = String(out['queue_revision']);
  if (endpoint === 'play' && isObject(out['prepare_play_options'])) {
    // Controllers prepare, devices get options.
    out['options'] = { ...out['prepare_play_options'], ...(isObject(out['options']) ? out['options'] : {}) };
    delete out['prepare_play_options'];
  }
  return out;
}

function volumeOf(exchange: Exchange): number {
  if ((exchange.headers.get('content-type') ?? '').includes('protobuf')) {
    return decodeOr400(clause, 'SetVolumeCommand', () => decodeSetVolume(exchange.body)).volume;
  }
  const { volume } = jsonBody(exchange, clause);
  if (typeof volume !== 'number' || !Number.isInteger(volume)) throw new Refused(400, clause, 'no whole number "volume"');
  return volume;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
