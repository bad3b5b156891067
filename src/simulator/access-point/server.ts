import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Packet } from '#spotify/wire';
import { listen } from '../http/server.ts';
import { wrongKey, type ServerKey } from '../keys.ts';
import type { Parts } from '../parts.ts';
import { MercuryScripts, mercuryEvent } from './mercury.ts';
import { AccessPointSession } from './session.ts';

export interface AccessPointOptions {
  readonly ports: readonly number[];
  readonly addresses: readonly string[];
  readonly key: ServerKey;
  readonly pingPeriod: number;
}

/** The access point: raw TCP on every port given. */
export interface AccessPoint extends AsyncDisposable {
  readonly ports: readonly number[];
  readonly mercury: MercuryScripts;
  /** Everyone connected right now. */
  readonly sessions: readonly AccessPointSession[];
  /** Resets the connections of a device, or all. */
  cut(device?: string): void;
  /** While false, connections are reset as soon as they come. */
  reachable: boolean;
  /** Pushes an event of the old request layer to everyone. */
  pushEvent(uri: string, parts: readonly Uint8Array[]): void;
}

export async function openAccessPoint(parts: Parts, { ports, addresses, key, pingPeriod }: AccessPointOptions): Promise<AccessPoint> {
  const sessions = new Set<AccessPointSession>();
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  const open: number[] = [];
  const mercury = new MercuryScripts();
  let events = 0;
  const point = {
    ports: open,
    mercury,
    reachable: true,
    get sessions() {
      return [...sessions];
    },
    cut(device?: string) {
      for (const session of sessions) if (device === undefined || session.device === device) session.cut();
    },
    pushEvent(uri: string, parts: readonly Uint8Array[]) {
      events += 1;
      for (const session of sessions) {
        if (session.account) for (const payload of mercuryEvent(uri, parts, events)) session.send(Packet.mercuryEvent, payload);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
  const accept = (socket: Socket) => {
    socket.on('error', () => undefined);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (!point.reachable) {
      socket.resetAndDestroy();
      return;
    }
    socket.setNoDelay(true);
    const session = new AccessPointSession(socket, { parts, keys: { own: key.privateKey, wrong: wrongKey }, mercury, pingPeriod });
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
  };
  try {
    for (const wanted of ports) {
      let port = wanted;
      for (const address of addresses) {
        const server = createServer(accept);
        servers.push(server);
        await listen(server, port, address);
        port = (server.address() as AddressInfo).port;
      }
      open.push(port);
    }
  } catch (error) {
    await point[Symbol.asyncDispose]();
    throw error;
  }
  return point;
}
