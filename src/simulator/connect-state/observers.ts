import type { Dealer } from '../dealer/dealer.ts';
import { jsonBody } from '../http/body.ts';
import type { Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { accountOf, connectionOf } from './callers.ts';
import type { ConnectStateHub } from './hub.ts';

/** Hidden observers, as web controllers register (connect-control §2.1): they watch and are not listed. */
export function observerRoutes(parts: Parts, hub: ConnectStateHub, dealer: Dealer): Route[] {
  const common = { service: 'connect-state', authorisation: 'client', clause: 'connect-control §2.1' } as const;
  return [
    {
      ...common,
      name: 'connect-state/observe',
      method: 'PUT',
      path: '/connect-state/v1/devices/hobs_{device}',
      handle(exchange) {
        const account = accountOf(exchange);
        const connection = connectionOf(parts, dealer, exchange, account);
        jsonBody(exchange, 'connect-control §2.1');
        connection.device = `hobs_${exchange.parameters['device'] ?? ''}`;
        return { status: 200, json: clusterJson(hub.view(account)) };
      },
    },
    {
      ...common,
      name: 'connect-state/unobserve',
      method: 'DELETE',
      path: '/connect-state/v1/devices/hobs_{device}',
      handle(exchange) {
        const device = `hobs_${exchange.parameters['device'] ?? ''}`;
        for (const connection of dealer.connections) if (connection.device === device) connection.device = null;
        return { status: 200 };
      },
    },
  ];
}

/** JSON clusters spell some names another way (connect-control §2.2). */
export function clusterJson(cluster: ReturnType<ConnectStateHub['view']>): unknown {
  const { device, changedTimestampMs, ...rest } = cluster;
  return snake({ ...rest, timestamp: changedTimestampMs, devices: device });
}

/** Names in the way JSON spells protobuf; keys of maps stay as they are, bytes become base64. */
function snake(value: unknown, isMap = false): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((item) => snake(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(entries.map(([key, member]) => [isMap ? key : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snake(member, maps.has(key))]));
}

const maps: ReadonlySet<string> = new Set(['devices', 'metadata', 'metadataMap', 'contextMetadata', 'pageMetadata', 'modes', 'deviceAliases']);
