import type { Command } from '#core';
import type { Phone } from '#simulator';
import type { Chance } from '../kit/chance.ts';
import type { ListeningRoom } from '../kit/listening-room.ts';
import type { Speaker } from '../kit/speaker.ts';

type HouseCommand = Extract<Command, { kind: 'next' | 'previous' | 'play' | 'pause' | 'volume' | 'mute' | 'seek' | 'shuffle' | 'repeat' }>;

/** What is on its way for longer than this, in ms, is late. */
const aPush = 500;

/** Where a day's music begins. */
const firsts = ['Long 0', 'Brief 0', 'Podcast 0'] as const;

export interface People {
  readonly room: ListeningRoom;
  readonly chance: Chance;
  readonly second: Phone;
  readonly speakers: readonly Speaker[];
  /** Somebody does this; `what` is for the diary. Once it is accepted it has to come true; without a condition nothing can be said. */
  readonly press: (what: string, run: () => Promise<unknown>, comesTrue?: () => boolean) => Promise<void>;
}

/** Somebody does something: with a phone, or in the house. */
export async function act(people: People): Promise<void> {
  const { chance, room, second, speakers, press } = people;
  const phone = chance.pick([room.phone, second]);
  const speaker = speakers.find(({ id }) => id === room.phone.cluster.activeDeviceId);
  if (!speaker) {
    const to = chance.pick(speakers);
    if (chance.happens(0.5) && phone.cluster.playerState?.track) {
      const paused = chance.pick(['restore', 'resume', 'resume'] as const);
      await press(`transfer to ${to.name}, ${paused}`, () => phone.transfer(to.id, { paused }), () => to.state.status === 'playing' || (paused === 'restore' && to.state.status === 'paused'));
    } else await play(people, phone, to);
    return;
  }
  const other = speakers.find((one) => one !== speaker) ?? speaker;
  const duration = speaker.state.track?.duration ?? 0;
  const isPaused = speaker.state.status === 'paused';
  const isPlaying = () => speaker.state.status === 'playing';
  const next = phone.cluster.playerState?.nextTracks.find(({ uri }) => uri.startsWith('spotify:track:') || uri.startsWith('spotify:episode:'));
  switch (chance.weighed({ play: 6, next: 10, previous: 5, seek: 7, pause: isPaused ? 14 : 5, volume: 8, here: 9, shuffle: 4, repeat: 4, queue: 5, row: 3, clear: 1, both: 4, own: 2, take: 2, other: 3, nearEnd: 4 })) {
    case 'play':
      return play(people, phone, speaker);
    case 'next':
      return press('next', () => phone.next(), next && !isAtItsEnd(speaker) ? () => (isPaused || isPlaying()) && speaker.state.track?.uri === next.uri : undefined);
    case 'previous':
      return press('previous', () => phone.previous());
    case 'seek': {
      const to = Math.floor(chance.between(0, duration));
      return press(`seek ${to}`, () => phone.seek(to), isAt(speaker, to));
    }
    case 'nearEnd': {
      const to = Math.max(0, duration - chance.below(6000));
      return press(`seek ${to} near the end`, () => phone.seek(to), isAt(speaker, to));
    }
    case 'pause':
      return isPaused ? press('resume', () => phone.resume(), isPlaying) : press('pause', () => phone.pause(), () => speaker.state.status === 'paused' && !speaker.deck.isSounding);
    case 'volume': {
      const to = chance.below(65_536);
      const one = chance.pick(speakers);
      return press(`volume ${to} ${one.name}`, () => phone.setVolume(to, one.id), () => isAsLoudAs(one, to / 65_535));
    }
    case 'here':
      return pressHere(people, speaker, isPaused, duration);
    case 'shuffle': {
      const on = chance.happens(0.5);
      return press(`shuffle ${String(on)}`, () => phone.shuffle(on), () => speaker.state.order.shuffle === on);
    }
    case 'repeat': {
      const mode = chance.pick(['off', 'context', 'context', 'track'] as const);
      return press(`repeat ${mode}`, () => phone.repeat(mode), () => speaker.state.order.repeat === (mode === 'context' ? 'queue' : mode));
    }
    case 'queue': {
      const uri = room.uri(`${chance.pick(['Long', 'Brief'])} ${chance.below(12)}`);
      return press('queue', () => phone.addToQueue(uri), () => phone.cluster.playerState?.nextTracks.some((row) => row.uri === uri && row.provider === 'queue') === true);
    }
    case 'row': {
      const rows = phone.cluster.playerState?.nextTracks.filter(({ uri }) => uri.startsWith('spotify:track:')) ?? [];
      if (rows.length === 0) return;
      const row = chance.pick(rows);
      return press('row', () => phone.skipTo(row), () => (isPaused || isPlaying()) && speaker.state.track?.uri === row.uri);
    }
    case 'clear':
      return press('clear', () => phone.setQueue(phone.cluster.playerState?.nextTracks.filter(({ provider }) => provider !== 'queue') ?? []), () => phone.cluster.playerState?.nextTracks.every(({ provider }) => provider !== 'queue') === true);
    case 'both':
      return press('both', () => Promise.all([room.phone.next(), isPaused ? second.resume() : second.pause()]));
    case 'own': {
      const track = chance.below(12);
      return press('own', () => phone.playHere(room.albumOf('Long 0'), { track }), () => speaker.state.status === 'stopped' && !speaker.deck.isSounding);
    }
    case 'take':
      return press('take', () => phone.takeOver(), () => speaker.state.status === 'stopped' && !speaker.deck.isSounding);
    case 'other':
      return press(`move to ${other.name}`, () => phone.transfer(other.id), () => other.state.status === (isPaused ? 'paused' : 'playing') && !speaker.deck.isSounding);
  }
}

function play({ chance, room, press }: People, phone: Phone, speaker: Speaker): Promise<void> {
  const first = chance.pick(firsts);
  const track = chance.below(first === 'Podcast 0' ? 3 : 12);
  const uri = room.uri(first.replace('0', String(track)));
  const options = { on: speaker.id, track, ...(chance.happens(0.3) && { shuffle: chance.happens(0.5) }), ...(chance.happens(0.6) && { repeat: 'context' as const }), ...(chance.happens(0.2) && { position: chance.below(20_000) }), paused: chance.happens(0.1) };
  return press(`play ${first} ${JSON.stringify(options)}`, () => phone.play(room.albumOf(first), options), () => speaker.state.status === (options.paused ? 'paused' : 'playing') && speaker.state.track?.uri === uri);
}

/** About to end by itself, or just begun while phones still show the one before: a command for the next row may find another one playing than its sender saw. */
function isAtItsEnd({ state, position }: Speaker): boolean {
  return state.status === 'playing' && (position < aPush || position > (state.track?.duration ?? 0) - aPush);
}

/** The place, or what comes after the track. */
function isAt(speaker: Speaker, to: number): () => boolean {
  const before = speaker.state.track?.uri;
  return () => speaker.state.track?.uri !== before || (speaker.position > to - 300 && speaker.position < to + 15_000);
}

const isAsLoudAs = ({ state, deck }: Speaker, level: number): boolean => !state.volume.muted && Math.abs(state.volume.level - level) < 0.001 && Math.abs(deck.gain - level) < 0.001;

/** What has to be seen once a command that was given in the house was accepted. */
function isDone(speaker: Speaker, command: HouseCommand): (() => boolean) | undefined {
  switch (command.kind) {
    case 'play':
      return () => speaker.state.status === 'playing';
    case 'pause':
      return () => speaker.state.status === 'paused' && !speaker.deck.isSounding;
    case 'volume':
      return () => isAsLoudAs(speaker, command.level);
    case 'mute':
      return () => speaker.state.volume.muted === command.muted && (speaker.deck.gain === 0) === (command.muted || speaker.state.volume.level === 0);
    case 'seek':
      return isAt(speaker, command.to);
    case 'shuffle':
      return () => speaker.state.order.shuffle === command.on;
    case 'repeat':
      return () => speaker.state.order.repeat === command.mode;
    default:
      return undefined;
  }
}

/** Somebody in the house: MQTT, a button. */
function pressHere({ chance, press }: People, speaker: Speaker, isPaused: boolean, duration: number): Promise<void> {
  const level = Math.round(chance.next() * 100) / 100;
  const to = chance.below(duration + 1);
  const command: HouseCommand = chance.pick([
    { kind: 'next' },
    { kind: 'previous' },
    { kind: isPaused ? 'play' : 'pause' },
    { kind: 'volume', level },
    { kind: 'mute', muted: chance.happens(0.3) },
    { kind: 'seek', to },
    { kind: 'shuffle', on: chance.happens(0.5) },
    { kind: 'repeat', mode: chance.pick(['off', 'track', 'queue'] as const) },
  ] as const);
  return press(`here ${JSON.stringify(command)}`, () => speaker.dispatch(command), isDone(speaker, command));
}
