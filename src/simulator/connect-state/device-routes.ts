import { PutStateReason, decodePutState, type PutStateRequest } from '#spotify/wire';
import type { Dealer } from '../dealer/dealer.ts';
import { assertProtobufBody } from '../http/body.ts';
import { answerBytes, type Answer, type Exchange, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused, decodeOr400 } from '../refused.ts';
import type { ConnectStateHub } from './hub.ts';
import { judgePut, mostSkew } from './put-checks.ts';
import type { Commands } from './commands.ts';
import { accountOf, connectionOf, jsonError } from './callers.ts';
import { observerRoutes } from './observers.ts';

const clause = 'connect-control §2.9';
const largestState = 1 << 20;
/** More PUTs than this in five seconds are too many. */
const rateLimit = { puts: 20, within: 5000 };

interface DeviceMemory {
  readonly puts: number[];
  lastStateAt: number | null;
}

/** What receivers ask of connect-state (connect-control §2.1, §2.9). */
export function deviceRoutes(parts: Parts, hub: ConnectStateHub, dealer: Dealer, commands: Commands, { limited }: { readonly limited: boolean }): Route[] {
  const memories = new Map<string, DeviceMemory>();
  const memoryOf = (device: string): DeviceMemory => {
    let memory = memories.get(device);
    if (!memory) memories.set(device, (memory = { puts: [], lastStateAt: null }));
    return memory;
  };

  const put = (exchange: Exchange): Answer => {
    const account = accountOf(exchange);
    const device = exchange.parameters['device'] ?? '';
    const connection = connectionOf(parts, dealer, exchange, account);
    assertProtobufBody(exchange, clause);
    if (exchange.body.length > largestState) throw new Refused(413, clause, `${exchange.body.length} bytes are more than 1 MB`, jsonError('too_large'));
    const request = decodeOr400(clause, 'PutStateRequest', () => decodePutState(exchange.body));
    checkRequest(request, device);
    const memory = memoryOf(device);
    const limit = limitOf(parts, device, memory, limited && exchange.phone === null);
    if (limit) return limit;
    const { clock, time, timers, journal, faults } = parts;
    const cluster = hub.of(account);
    const isFirst = connection.device !== device;
    const previousOwner = cluster.active;
    const isClaim = request.isActive && previousOwner !== device;
    if (isFirst && request.lastCommandMessageId === 0) commands.forget(device);
    if (exchange.phone === null) {
      const judged = judgePut(request, {
        now: time.now(),
        previous: cluster.devices.get(device)?.last ?? null,
        lastStateAt: memory.lastStateAt,
        monotonic: clock.monotonic(),
        isFirstOnConnection: isFirst,
        commands: commands.known(device, ageOf(request, time.now())),
        isClaim,
      });
      for (const what of judged) journal.refuse({ service: 'connect-state', clause, what: `PUT of ${device}: ${what}`, refused: false });
    }
    if (request.putStateReason === PutStateReason.PLAYER_STATE_CHANGED) memory.lastStateAt = clock.monotonic();
    connection.device = device;
    connection.gzip = request.device?.deviceInfo?.capabilities?.supportsGzipPushes ?? false;
    journal.record('connect-state', 'state', { device, reason: request.putStateReason, isActive: request.isActive, request }, exchange.phone);
    const change = cluster.put(device, request, connection.id, { isNew: isFirst, now: time.now() });
    hub.announce(account, change, request.isActive ? device : null);
    if (isClaim && faults.take('connect-state/stale-push', { device })) timers.after(50, () => hub.pushNow(account, change, { active: previousOwner }));
    return answerBytes(hub.answer(account));
  };

  const inactive = (exchange: Exchange): Answer => {
    const account = accountOf(exchange);
    const device = exchange.parameters['device'] ?? '';
    connectionOf(parts, dealer, exchange, account);
    if (exchange.body.length > 0) throw new Refused(400, 'connect-control §2.1', '…/inactive takes no body');
    if (!/^(true|false)$/.test(exchange.query.get('notify') ?? '')) {
      parts.journal.refuse({ service: 'connect-state', clause: 'connect-control §2.1', what: '…/inactive without notify=true|false', refused: false, phone: exchange.phone });
    }
    if (parts.faults.take('connect-state/inactive-422', { device })) return { status: 422, ...jsonError('already_inactive') };
    parts.journal.record('connect-state', 'inactive', { device }, exchange.phone);
    hub.announce(account, hub.of(account).inactive(device, parts.time.now()));
    return { status: 204 };
  };

  const remove = (exchange: Exchange): Answer => {
    const account = accountOf(exchange);
    const device = exchange.parameters['device'] ?? '';
    parts.journal.record('connect-state', 'removed', { device }, exchange.phone);
    const change = hub.of(account).remove(device, parts.time.now());
    for (const connection of dealer.connections) if (connection.device === device && connection.account === account) connection.device = null;
    if (change) hub.announce(account, change);
    return { status: 200 };
  };

  const common = { service: 'connect-state', authorisation: 'client', clause: 'connect-control §2.1' } as const;
  return [
    ...observerRoutes(parts, hub, dealer),
    { ...common, name: 'connect-state/put', method: 'PUT', path: '/connect-state/v1/devices/{device}', handle: put },
    { ...common, name: 'connect-state/inactive', method: 'PUT', path: '/connect-state/v1/devices/{device}/inactive', handle: inactive },
    { ...common, name: 'connect-state/delete', method: 'DELETE', path: '/connect-state/v1/devices/{device}', handle: remove },
  ];
}

/** How long a state was on its way, by its own word; what claims more than the allowed difference is judged for that. */
function ageOf({ clientSideTimestamp }: PutStateRequest, now: number): number {
  return Math.min(Math.max(now - clientSideTimestamp, 0), mostSkew);
}

function checkRequest(request: PutStateRequest, device: string): void {
  const info = request.device?.deviceInfo;
  if (!info) throw new Refused(400, 'connect-control §2.2', 'no device_info', jsonError('bad_request'));
  if (info.deviceId !== device) throw new Refused(400, 'connect-control §0.2', `device_id ${info.deviceId} in the body, ${device} in the path`, jsonError('bad_request'));
  if (!info.capabilities) throw new Refused(400, 'connect-control §2.2', 'no capabilities', jsonError('bad_request'));
  if (info.volume > 65_535) throw new Refused(400, 'connect-control §8.1', `volume ${info.volume} is above 65535`, jsonError('bad_request'));
  if (info.name === '') throw new Refused(400, 'connect-control §2.2', 'the device has no name', jsonError('bad_request'));
}

function limitOf({ clock, faults, journal }: Parts, device: string, memory: DeviceMemory, isLimited: boolean): Answer | null {
  const told = faults.take('connect-state/rate-limit', { device });
  const now = clock.monotonic();
  while (memory.puts[0] !== undefined && memory.puts[0] <= now - rateLimit.within) memory.puts.shift();
  memory.puts.push(now);
  const tooMany = isLimited && memory.puts.length > rateLimit.puts;
  if (tooMany) journal.refuse({ service: 'connect-state', clause, what: `more than ${rateLimit.puts} PUTs in ${rateLimit.within / 1000} s`, refused: true });
  if (!told && !tooMany) return null;
  const error = jsonError('rate_limited');
  return { status: 429, body: error.body, headers: { ...error.headers, 'Retry-After': String(told?.retryAfter ?? 5) } };
}
