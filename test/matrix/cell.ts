import { ListeningRoom, type ListeningRoomOptions } from '../kit/listening-room.ts';
import { EngineDeck } from './engine-deck.ts';
import { begin, type Fault, type Service } from './trouble.ts';

export const activities = ['idle', 'loading', 'playing', 'paused', 'seeking'] as const;
export type Activity = (typeof activities)[number];

/** For so long the fault lasts, in ms. */
export const lasting = 20_000;
/** After the end of the fault everything has to be well within this time, in ms. */
export const patience = 60_000;
/** Where somebody seeks to, in ms. */
const far = 36_000;

/** What happens in a cell. Everything that takes bytes or answers of a service has to be asked of it during its trouble. */
interface Plan {
  /** Where the music begins that plays before, in ms. */
  readonly from?: number;
  /** What somebody does a second into the trouble. */
  readonly asks?: 'play' | 'tap' | { readonly seek: number } | 'volume';
  /** What is to be heard, or stands there, when all is well. */
  readonly status: 'stopped' | 'playing' | 'paused';
  readonly title: string;
  /** What is heard after that: by itself, or when the phone asks for it. */
  readonly then: string;
  readonly isFollowed?: true;
}

const needed: readonly Service[] = ['access point', 'metadata', 'storage', 'CDN'];
/** What the next track is got ready with, half a minute before the end of the one that plays. */
const preparers: readonly Service[] = ['access point', 'storage'];

function planOf(service: Service, activity: Activity): Plan {
  const isNeeded = needed.includes(service);
  const usual = { title: 'Song 1', then: 'Song 2' } as const;
  const tells = service === 'connect-state' ? ({ asks: 'volume' } as const) : {};
  switch (activity) {
    case 'idle':
      return isNeeded ? { ...usual, status: 'playing', asks: 'play' } : { ...usual, ...tells, status: 'stopped' };
    case 'loading':
      return { ...usual, status: 'playing' };
    case 'paused':
      // A row that nobody has looked up yet.
      return isNeeded ? { title: 'Song 3', then: 'Song 3', status: 'paused', asks: 'tap' } : { title: 'Song 1', then: 'Song 1', ...tells, status: 'paused' };
    case 'playing':
      if (preparers.includes(service)) return { ...usual, status: 'playing', from: 163_000, isFollowed: true };
      // The next track is looked up early: this is about the one after it.
      if (service === 'metadata') return { title: 'Song 2', then: 'Song 3', status: 'playing', from: 185_000 };
      return { ...usual, ...tells, status: 'playing' };
    case 'seeking':
      if (preparers.includes(service)) return { ...usual, status: 'playing', asks: { seek: 172_000 }, isFollowed: true };
      if (service === 'metadata') return { title: 'Song 2', then: 'Song 3', status: 'playing', asks: { seek: 195_000 } };
      return { ...usual, status: 'playing', asks: { seek: far } };
  }
}

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
  const plan = planOf(service, activity);
  const play = () => room.do(phone.play(room.albumOf('Song 0'), { track: 'Song 1', ...(plan.from !== undefined && { position: plan.from }) }));
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
  const before = plan.asks === 'tap' ? 0 : room.speaker.position;
  const trouble = begin(cloud, service, fault);
  if (plan.asks) {
    await room.run(1000);
    if (plan.asks === 'play') await play();
    else if (plan.asks === 'tap') await tap(room, plan.title);
    else await room.dispatch(plan.asks === 'volume' ? { kind: 'volume', level: 0.75 } : { kind: 'seek', to: plan.asks.seek });
  }
  await room.run(lasting - (clock.monotonic() - began));
  trouble[Symbol.dispose]();
  const { status, title } = plan;
  const isReachable = () => cloud.dealer.ofDevice(room.speaker.id)?.isDead === false && room.state.account.connected;
  const isWell = () => isReachable() && room.phoneAgrees() && room.state.status === status && (status === 'stopped' || room.state.track?.title === title);
  let recovery: number;
  try {
    recovery = await room.until(isWell, patience);
  } catch (cause) {
    throw new Error(`not well ${patience / 1000} s after the end: wanted ${status}, is ${room.state.status} ${room.state.track?.title ?? ''}; ${room.disagreements().join('; ')}; connected ${room.state.account.connected}; notice ${room.state.notice?.code ?? ''}`, { cause });
  }
  const { byName } = cloud.counters.view;
  const count = (test: (name: string) => boolean) => Object.entries(byName).reduce((sum, [name, times]) => sum + (test(name) && name !== 'dealer/ping' ? times : 0), 0);
  const outcome = { requests: count(questions[service]), all: count(() => true), recovery, silence: checkSound(room, service, plan, { before, began }) };
  if (!plan.isFollowed) await ask(room, status);
  await goesOn(room, plan);
  if (cloud.refusals.length > 0) throw new Error(`protocol: ${cloud.refusals.map(({ clause, what }) => `${clause} ${what}`).join('; ')}`);
  return plan.isFollowed ? { ...outcome, silence: outcome.silence + gapBetweenTracks(room) } : outcome;
}

/** No sample that was there is lost or heard twice; nothing is silent that need not be. Returns how long it was silent, in ms. */
function checkSound(room: ListeningRoom, service: Service, { asks, status }: Plan, { before, began }: { readonly before: number; readonly began: number }): number {
  const { deck, clock } = room;
  if (status === 'stopped') return 0;
  if (status === 'paused') {
    if (Math.abs(room.speaker.position - before) > 1) throw new Error(`paused at ${before}, now at ${room.speaker.position}`);
    return 0;
  }
  const pieces = deck instanceof EngineDeck ? deck.stretches.map(({ from, to, at }) => ({ uri: '', from: (from / 44_100) * 1000, to: (to / 44_100) * 1000, at })) : deck.heard;
  const length = room.state.track?.duration ?? 0;
  // Each piece goes on where the one before ended, and after the end of a track the next one begins; a seek jumps once.
  const isJump = ({ uri, from }: (typeof pieces)[number], last: (typeof pieces)[number]) => (uri === last.uri ? Math.abs(from - last.to) > 1 : from > 1 || length - last.to > 1);
  const jumps = pieces.slice(1).filter((piece, index) => isJump(piece, pieces[index] ?? piece));
  const seek = typeof asks === 'object' ? asks.seek : null;
  const isRight = seek === null ? jumps.length === 0 : jumps.length === 1 && Math.abs((jumps[0]?.from ?? 0) - seek) < 1;
  if (!isRight) throw new Error(`samples lost or heard twice: ${pieces.map(({ from, to }) => `${Math.round(from)}–${Math.round(to)}`).join(', ')}`);
  const isNew = before === 0;
  if (isNew && Math.abs(pieces[0]?.from ?? -1) > 1) throw new Error(`began at ${pieces[0]?.from ?? -1}`);
  const relevant = pieces.filter(({ at }) => at > began - 10_000);
  const silence = relevant.slice(1).map(({ at }, index) => at - (relevant[index]?.at ?? 0) - ((relevant[index]?.to ?? 0) - (relevant[index]?.from ?? 0))).reduce((sum, gap) => sum + gap, 0);
  // Only bytes that do not come can silence music that plays.
  if (!isNew && (!asks || asks === 'volume')) {
    const expected = (before + clock.monotonic() - began - silence) % length;
    if (Math.abs(room.speaker.position - expected) > 300) throw new Error(`at ${room.speaker.position} instead of ${expected}`);
    if (service !== 'CDN' && silence > 1) throw new Error(`silent for ${silence} ms`);
  }
  return silence;
}

/** Somebody taps a row of what comes next. */
async function tap(room: ListeningRoom, title: string): Promise<void> {
  const row = room.phone.cluster.playerState?.nextTracks.find(({ uri }) => uri === room.uri(title));
  if (!row) throw new Error(`${title} is not among what comes next`);
  await room.do(room.phone.skipTo(row));
}

/** Silence before what is heard now, in ms. */
function gapBetweenTracks({ deck }: ListeningRoom): number {
  return deck.gaps.at(-1) ?? 0;
}

/** The phone goes on as if nothing had been. */
function ask(room: ListeningRoom, status: Plan['status']): Promise<unknown> {
  const { phone } = room;
  if (status === 'stopped') return room.do(phone.play(room.albumOf('Song 0'), { track: 'Song 2' }));
  return room.do(status === 'paused' ? phone.resume() : phone.next());
}

/** What comes then is heard: soon after somebody asked for it, or when the track before has ended. */
async function goesOn(room: ListeningRoom, { then, isFollowed }: Plan): Promise<void> {
  try {
    await room.until(() => room.phoneAgrees() && room.state.status === 'playing' && room.state.track?.title === then, isFollowed ? 30_000 : 10_000);
  } catch (cause) {
    throw new Error(`afterwards ${then} did not play: ${room.state.status} ${room.state.track?.title ?? ''}; ${room.disagreements().join('; ')}; ${room.state.notice?.code ?? ''}`, { cause });
  }
}
