import { afterEach, expect } from 'vitest';
import type { CatalogueEntry } from '#simulator';
import { PutStateReason, type ConnectPlayerState, type PutStateRequest } from '#spotify/wire';
import { bytes, ListeningRoom, usualSongs, type ListeningRoomOptions } from '../kit/listening-room.ts';

export const speakerId = 'b2'.repeat(20);
export const { NEW_DEVICE, PLAYER_STATE_CHANGED, VOLUME_CHANGED } = PutStateReason;

/** A track of an album of its own, played nowhere. */
export const restricted = (title: string, album: string, number: number): CatalogueEntry => ({
  title, album, number, artists: ['Somebody'], duration: 200_000, restrictions: [{ allowed: [] }], files: [{ format: 2, content: { bytes: bytes(number + 3) } }],
});

export const good = (title: string, album: string, number: number, more: Partial<CatalogueEntry> = {}): CatalogueEntry => ({
  title, album, number, artists: ['Somebody'], duration: 200_000, files: [{ format: 2, content: { bytes: bytes(number + 101) } }], ...more,
});

export const episode = (title: string, show: string, number: number, duration = 600_000): CatalogueEntry => ({
  kind: 'episode', title, album: show, number, artists: ['Publisher'], duration, files: [{ format: 2, content: { bytes: bytes(number + 55) } }],
});

/** A listening room whose cloud is as the scenarios want it: the speaker hears of its own states, too (connect-control §2.9). */
export async function openLife(options: ListeningRoomOptions = {}): Promise<ListeningRoom> {
  const isPaired = options.isPaired ?? true;
  const room = await ListeningRoom.open({ ...options, catalogue: options.catalogue ?? usualSongs, isPaired: false });
  room.cloud.faults.set('connect-state/push-to-sender', {});
  if (isPaired) await room.pair();
  return room;
}

/** After each test its room is closed and has left nothing behind; and what is asked of a room in many of them. */
export function lookAfter(current: () => ListeningRoom) {
  afterEach(async () => {
    const room = current();
    await room[Symbol.asyncDispose]();
    expect(room.left).toEqual({ timers: 0, connections: 0 });
  });
  return {
    last: () => newest(current()),
    isOnline: () => current().state.account.connected,
    /** One uninterrupted stretch of sound. */
    noGap: () => {
      const { deck } = current();
      expect(deck.plays).toHaveLength(1);
      expect(deck.heard).toHaveLength(1);
      expect(deck.isSounding).toBe(true);
    },
  };
}

/** Plays a track of its album and lets it be heard for a moment. */
export async function playing(room: ListeningRoom, title = 'Song 0', options: Parameters<ListeningRoom['phone']['play']>[1] = {}): Promise<void> {
  await room.do(room.phone.play(room.albumOf(title), { track: title, on: speakerId, ...options }));
  await room.plays(title);
  await room.run(1000);
}

/** Any command as JSON; the reply of the speaker. */
export async function command(room: ListeningRoom, json: Readonly<Record<string, unknown>>): Promise<boolean> {
  return (await room.do(room.phone.command(json, speakerId))).outcome === 'succeeded';
}

/** Any body at all as a player command. */
export async function raw(room: ListeningRoom, body: unknown): Promise<string> {
  const ack = room.cloud.commands.sendRaw(room.cloud.accounts.get('listener'), room.phone.deviceId, speakerId, body);
  return room.do(room.cloud.commands.outcome(ack ?? '') ?? Promise.resolve('gone' as const));
}

/** State PUTs with when they came, ms of the room's clock; `from` leaves out what came before. */
export function told(room: ListeningRoom, from = 0): { readonly at: number; readonly put: PutStateRequest }[] {
  return room.cloud.journal
    .find('state', 'connect-state')
    .filter(({ what, detail, at }) => what === 'state' && detail['device'] === speakerId && at >= from)
    .map(({ at, detail }) => ({ at, put: detail['request'] as PutStateRequest }));
}

/** Attempts at a route, also those that faults answered; when they came. */
export function asked(room: ListeningRoom, path: RegExp, from = 0): number[] {
  return room.cloud.journal.entries.filter(({ what, at, phone }) => phone === null && at >= from && path.test(what)).map(({ at }) => at);
}

export const statePut = /^PUT \/connect-state\/v1\/devices\/(b2){20}$/;
export const playerState = ({ put }: { readonly put: PutStateRequest }) => put.device?.playerState ?? expect.fail('a PUT without a state');

/** What the speaker told the cloud last. */
export const newest = (room: ListeningRoom): ConnectPlayerState => playerState(told(room).at(-1) ?? expect.fail('nothing was told'));

/** The cloud has found nothing to complain of, and phone and speaker agree. */
export function allIsWell(room: ListeningRoom): void {
  expect(room.disagreements()).toEqual([]);
  expect(room.cloud.refusals.filter(({ phone }) => phone === null)).toEqual([]);
}
