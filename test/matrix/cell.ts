import { ListeningRoom, type ListeningRoomOptions } from '../kit/listening-room.ts';
import { EngineDeck } from './engine-deck.ts';
import { begin, type Fault, type Service } from './trouble.ts';

export const activities = ['idle', 'loading', 'playing', 'paused', 'seeking'] as const;
export type Activity = (typeof activities)[number];

/** For so long the fault lasts, in ms. */
export const lasting = 20_000;
/** After the end of the fault everything has to be well within this time, in ms. */
export const patience = 60_000;
/** Where music begins whose end is to fall behind the trouble, in ms; and the services the next track is got ready with. */
const nearEnd = 163_000;
const preparers: readonly Service[] = ['access point', 'metadata', 'storage'];
/** Where the seek goes, in ms. */
const target = 36_000;

export interface Outcome {
  /** Requests to the service with the fault, and to everything, from the beginning of the fault until all was well. */
  readonly requests: number;
  readonly all: number;
  /** From the end of the fault until phone, speaker and sound agreed and the activity was what it should be, in ms. */
  readonly recovery: number;
  /** Silence that was heard within the music, in ms. */
  readonly silence: number;
}

/** Names of questions that count for a service, and connections to it. */
const questions: Readonly<Record<Service, (name: string) => boolean>> = {
  'access point': (name) => name === 'access-point/handshake' || name === 'access-point/key',
  dealer: (name) => name === 'dealer/upgrade',
  'connect-state': (name) => name.startsWith('connect-state/'),
  metadata: (name) => name.startsWith('metadata/'),
  storage: (name) => name.startsWith('storage/'),
  CDN: (name) => name.startsWith('cdn/'),
};

/** One cell of the matrix: throws what is not as it should be. */
export async function runCell(service: Service, fault: Fault, activity: Activity, options: ListeningRoomOptions): Promise<Outcome> {
  const room = await ListeningRoom.open({ latency: { accessPoint: 40, http: 40, cdn: 40, dealer: 40 }, ...options });
  try {
    return await run(room, service, fault, activity);
  } catch (error) {
    const lines = room.speaker.lines.slice(-12).map(({ at, level, text, fields }) => `${Math.round(at)} ${level} ${text} ${JSON.stringify(fields?.['code'] ?? '')}`);
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${lines.join('\n')}`, { cause: error });
  } finally {
    await room[Symbol.asyncDispose]();
  }
}

async function run(room: ListeningRoom, service: Service, fault: Fault, activity: Activity): Promise<Outcome> {
  const { cloud, phone, clock } = room;
  const wanted = room.uri('Song 1');
  // What the next track needs is fetched half a minute before the end of this one: then the trouble falls into that.
  const isAtEnd = activity === 'playing' && preparers.includes(service);
  const play = () => room.do(phone.play(room.albumOf('Song 0'), { track: 'Song 1', ...(isAtEnd && { position: nearEnd }) }));
  if (activity !== 'idle' && activity !== 'loading') {
    await play();
    await room.plays('Song 1');
    await room.run(5000);
  }
  if (activity === 'paused') {
    await room.do(phone.pause());
    await room.until(() => room.phoneAgrees());
  }
  if (activity === 'loading') await play();
  cloud.counters.mark();
  const began = clock.monotonic();
  const before = room.speaker.position;
  const trouble = begin(cloud, service, fault);
  if (activity === 'seeking') {
    await room.run(1000);
    await room.dispatch({ kind: 'seek', to: target });
  } else if (service === 'connect-state' && activity !== 'loading') {
    // Without any news there would be nothing to tell.
    await room.run(1000);
    await room.dispatch({ kind: 'volume', level: 0.75 });
  }
  await room.run(lasting - (clock.monotonic() - began));
  trouble[Symbol.dispose]();
  const status = activity === 'idle' ? 'stopped' : activity === 'paused' ? 'paused' : 'playing';
  const isReachable = () => cloud.dealer.ofDevice(room.speaker.id)?.isDead === false && room.state.account.connected;
  const isWell = () => isReachable() && room.phoneAgrees() && room.state.status === status && (status === 'stopped' || room.state.track?.uri === wanted);
  let recovery: number;
  try {
    recovery = await room.until(isWell, patience);
  } catch (cause) {
    throw new Error(`not well ${patience / 1000} s after the end: wanted ${status}, is ${room.state.status} ${room.state.track?.title ?? ''}; ${room.disagreements().join('; ')}; connected ${room.state.account.connected}; notice ${room.state.notice?.code ?? ''}`, { cause });
  }
  const { byName } = cloud.counters.view;
  const count = (test: (name: string) => boolean) => Object.entries(byName).reduce((sum, [name, times]) => sum + (test(name) && name !== 'dealer/ping' ? times : 0), 0);
  const outcome = { requests: count(questions[service]), all: count(() => true), recovery, silence: checkSound(room, service, activity, { before, began }) };
  if (isAtEnd) await turnOver(room);
  else await probe(room, activity);
  if (cloud.refusals.length > 0) throw new Error(`protocol: ${cloud.refusals.map(({ clause, what }) => `${clause} ${what}`).join('; ')}`);
  return isAtEnd ? { ...outcome, silence: outcome.silence + gapBetweenTracks(room) } : outcome;
}

/** No sample that was there is lost or heard twice; nothing is silent that need not be. */
function checkSound(room: ListeningRoom, service: Service, activity: Activity, { before, began }: { readonly before: number; readonly began: number }): number {
  const { deck, clock } = room;
  const pieces = deck instanceof EngineDeck ? deck.stretches.map(({ from, to, at }) => ({ from: (from / 44_100) * 1000, to: (to / 44_100) * 1000, at })) : deck.heard;
  if (activity === 'idle') return 0;
  if (activity === 'paused') {
    if (Math.abs(room.speaker.position - before) > 1) throw new Error(`paused at ${before}, now at ${room.speaker.position}`);
    return 0;
  }
  const first = activity === 'loading' ? 0 : activity === 'seeking' ? target : null;
  // In a seek the music jumps once; otherwise each piece goes on where the one before ended.
  const jumps = pieces.slice(1).filter(({ from }, index) => Math.abs(from - (pieces[index]?.to ?? 0)) > 1);
  const isRight = activity === 'seeking' ? jumps.length === 1 && Math.abs((jumps[0]?.from ?? 0) - target) < 1 : jumps.length === 0;
  if (!isRight) throw new Error(`samples lost or heard twice: ${pieces.map(({ from, to }) => `${Math.round(from)}–${Math.round(to)}`).join(', ')}`);
  if (activity === 'loading' && Math.abs((pieces[0]?.from ?? -1) - (first ?? 0)) > 1) throw new Error(`began at ${pieces[0]?.from ?? -1}`);
  const relevant = pieces.filter(({ at }) => at > began - 10_000);
  const silence = relevant.slice(1).map(({ at }, index) => at - (relevant[index]?.at ?? 0) - ((relevant[index]?.to ?? 0) - (relevant[index]?.from ?? 0))).reduce((sum, gap) => sum + gap, 0);
  // Only bytes that do not come can silence music that plays.
  if (activity === 'playing') {
    const expected = before + clock.monotonic() - began - silence;
    if (Math.abs(room.speaker.position - expected) > 300) throw new Error(`at ${room.speaker.position} instead of ${expected}`);
    if (service !== 'CDN' && silence > 1) throw new Error(`silent for ${silence} ms`);
  }
  return silence;
}

/** The track ends by itself, and the next one follows. */
async function turnOver(room: ListeningRoom): Promise<void> {
  try {
    await room.until(() => room.phoneAgrees() && room.state.status === 'playing' && room.state.track?.title === 'Song 2', 30_000);
  } catch (cause) {
    throw new Error(`the next track did not follow: ${room.state.status} ${room.state.track?.title ?? ''}; ${room.disagreements().join('; ')}; ${room.state.notice?.code ?? ''}`, { cause });
  }
}

/** Silence before what is heard now, in ms. */
function gapBetweenTracks({ deck }: ListeningRoom): number {
  return deck.gaps.at(-1) ?? 0;
}

/** The phone can go on as if nothing had been. */
async function probe(room: ListeningRoom, activity: Activity): Promise<void> {
  const { phone } = room;
  if (activity === 'idle') await room.do(phone.play(room.albumOf('Song 0'), { track: 'Song 2' }));
  else if (activity === 'paused') await room.do(phone.resume());
  else await room.do(phone.next());
  const title = activity === 'paused' ? 'Song 1' : 'Song 2';
  const isWell = () => room.phoneAgrees() && room.state.status === 'playing' && room.state.track?.title === title;
  try {
    await room.until(isWell, 10_000);
  } catch (cause) {
    throw new Error(`afterwards a command did not work: ${room.state.status} ${room.state.track?.title ?? ''}; ${room.disagreements().join('; ')}; ${room.state.notice?.code ?? ''}`, { cause });
  }
}
