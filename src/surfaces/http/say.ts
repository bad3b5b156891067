import type { PlayerState, ZoneView } from '#core';
import { maskUser, toTonearmError } from '#foundation';
import type { ApiError, Zone, ZoneState } from './wire/index.ts';

/** Rows of the queue that are told. */
const longestQueue = 50;

/** A zone as it is said. */
export function zoneOf({ id, name, player }: ZoneView): Zone {
  return { id, name, state: stateOf(player.state) };
}

export function stateOf(state: PlayerState): ZoneState {
  const { account, queue } = state;
  return {
    ...state,
    queue: { context: queue.context, next: queue.next.slice(0, longestQueue) },
    // Keys are handed out; user names are the owner's to see.
    account: { ...account, name: account.name === null ? null : maskUser(account.name) },
    accepts: [...state.accepts].sort(),
  };
}

/** What went wrong, without what is nobody's business. */
export function errorOf(thrown: unknown): ApiError {
  const { kind, code, message, retryAfter } = toTonearmError(thrown);
  if (kind === 'internal') return { kind, code: 'internal/unexpected', message: 'Something went wrong inside Tonearm; its log says what.' };
  return { kind, code, message, ...(retryAfter !== undefined && { retryAfter }) };
}

/** HTTP's word for a kind of error. Only our own key is a matter of 401: a login at Spotify is not what HTTP asks for. */
export function statusOf({ kind, code }: Pick<ApiError, 'kind' | 'code'>): number {
  const own = Object.hasOwn(statuses, code) ? statuses[code] : undefined;
  if (own !== undefined) return own;
  switch (kind) {
    case 'invalid':
      return 400;
    case 'unauthorized':
      return code.startsWith('http/') ? 401 : 409;
    case 'forbidden':
      return 403;
    case 'not-found':
      return 404;
    case 'conflict':
      return 409;
    case 'unavailable':
    case 'cancelled':
      return 503;
    case 'timeout':
      return 504;
    case 'corrupt':
      return 502;
    case 'internal':
      return 500;
  }
}

const statuses: Readonly<Record<string, number>> = { 'http/method': 405, 'http/too-large': 413, 'http/not-json': 415, 'http/too-many-requests': 429 };
