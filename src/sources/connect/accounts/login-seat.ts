import type { Host } from '#core';
import { throwIfAborted } from '#foundation';
import { defaultClientId, openSession, type CloudEndpoints, type NetworkOptions } from '#spotify';
import type { Reception, Seat } from './reception.ts';

/**
 * Takes the place of a receiver while no daemon runs: logs in only as long as it takes to get credentials that can be kept.
 * Nobody is logged in afterwards, and the speaker is in no list; the daemon logs in with them when it starts.
 */
export function loginSeat({ deviceId, name, endpoints, network, host, reception }: {
  readonly deviceId: string;
  readonly name: string;
  readonly endpoints: CloudEndpoints;
  readonly network?: NetworkOptions | undefined;
  readonly host: Host;
  readonly reception: Pick<Reception, 'book' | 'verify'>;
}): Seat {
  const { book } = reception;
  const identity = { deviceId, name, brand: 'Tonearm', model: 'Tonearm', version: host.version, clientId: defaultClientId };
  return {
    user: null,
    isPlaying: false,
    async logIn(credentials, how, signal) {
      const session = await openSession({ identity, endpoints, network, credentials, host, signal });
      try {
        throwIfAborted(signal);
        // Only now is it certain who this is; the daemon would not let a denied account in either.
        reception.verify(session.username);
        await book.remember(session.username, session.credentials, how, host.clock.now());
        return session.username;
      } finally {
        await session[Symbol.asyncDispose]();
      }
    },
    async restore(username) {
      const credentials = await book.credentials(username);
      if (credentials) await book.remember(username, credentials, null, host.clock.now());
    },
    async logOut() {
      if (book.active) await book.forget(book.active.username);
      await host.store.sealed.remove(`session-${deviceId}`);
    },
  };
}
