import type { Phone } from '#simulator';
import type { Chance } from '../kit/chance.ts';
import type { ListeningRoom } from '../kit/listening-room.ts';
import type { Speaker } from '../kit/speaker.ts';

/** Where a day's music begins. */
const firsts = ['Long 0', 'Brief 0', 'Podcast 0'] as const;

export interface People {
  readonly room: ListeningRoom;
  readonly chance: Chance;
  readonly second: Phone;
  readonly speakers: readonly Speaker[];
  /** Somebody does this; `what` is for the diary. */
  readonly press: (what: string, run: () => Promise<unknown>) => Promise<void>;
}

/** Somebody does something: with a phone, or in the house. */
export async function act(people: People): Promise<void> {
  const { chance, room, second, speakers, press } = people;
  const phone = chance.pick([room.phone, second]);
  const speaker = speakers.find(({ id }) => id === room.phone.cluster.activeDeviceId);
  if (!speaker) {
    const to = chance.pick(speakers);
    if (chance.happens(0.5) && phone.cluster.playerState?.track) await press(`transfer to ${to.name}`, () => phone.transfer(to.id, { paused: chance.pick(['restore', 'resume', 'resume']) }));
    else await play(people, phone, to);
    return;
  }
  const other = speakers.find((one) => one !== speaker) ?? speaker;
  const duration = speaker.state.track?.duration ?? 0;
  const isPaused = speaker.state.status === 'paused';
  switch (chance.weighed({ play: 6, next: 10, previous: 5, seek: 7, pause: isPaused ? 14 : 5, volume: 8, here: 9, shuffle: 4, repeat: 4, queue: 5, row: 3, clear: 1, both: 4, own: 2, take: 2, other: 3, nearEnd: 4 })) {
    case 'play':
      return play(people, phone, speaker);
    case 'next':
      return press('next', () => phone.next());
    case 'previous':
      return press('previous', () => phone.previous());
    case 'seek': {
      const to = Math.floor(chance.between(0, duration));
      return press(`seek ${to}`, () => phone.seek(to));
    }
    case 'nearEnd': {
      const to = Math.max(0, duration - chance.below(6000));
      return press(`seek ${to} near the end`, () => phone.seek(to));
    }
    case 'pause':
      return isPaused ? press('resume', () => phone.resume()) : press('pause', () => phone.pause());
    case 'volume': {
      const to = chance.below(65_536);
      return press(`volume ${to}`, () => phone.setVolume(to, chance.pick(speakers).id));
    }
    case 'here':
      return pressHere(people, speaker, isPaused, duration);
    case 'shuffle': {
      const on = chance.happens(0.5);
      return press(`shuffle ${String(on)}`, () => phone.shuffle(on));
    }
    case 'repeat': {
      const mode = chance.pick(['off', 'context', 'context', 'track'] as const);
      return press(`repeat ${mode}`, () => phone.repeat(mode));
    }
    case 'queue': {
      const uri = room.uri(`${chance.pick(['Long', 'Brief'])} ${chance.below(12)}`);
      return press('queue', () => phone.addToQueue(uri));
    }
    case 'row': {
      const rows = phone.cluster.playerState?.nextTracks.filter(({ uri }) => uri.startsWith('spotify:track:')) ?? [];
      if (rows.length === 0) return;
      const row = chance.pick(rows);
      return press('row', () => phone.skipTo(row));
    }
    case 'clear':
      return press('clear', () => phone.setQueue(phone.cluster.playerState?.nextTracks.filter(({ provider }) => provider !== 'queue') ?? []));
    case 'both':
      return press('both', () => Promise.all([room.phone.next(), isPaused ? second.resume() : second.pause()]));
    case 'own': {
      const track = chance.below(12);
      return press('own', () => phone.playHere(room.albumOf('Long 0'), { track }));
    }
    case 'take':
      return press('take', () => phone.takeOver());
    case 'other':
      return press(`move to ${other.name}`, () => phone.transfer(other.id));
  }
}

function play({ chance, room, press }: People, phone: Phone, speaker: Speaker): Promise<void> {
  const first = chance.pick(firsts);
  const options = { on: speaker.id, track: chance.below(first === 'Podcast 0' ? 3 : 12), ...(chance.happens(0.3) && { shuffle: chance.happens(0.5) }), ...(chance.happens(0.6) && { repeat: 'context' as const }), ...(chance.happens(0.2) && { position: chance.below(20_000) }), ...(chance.happens(0.1) && { paused: true }) };
  return press(`play ${first} ${JSON.stringify(options)}`, () => phone.play(room.albumOf(first), options));
}

/** Somebody in the house: MQTT, a button. */
function pressHere({ chance, press }: People, speaker: Speaker, isPaused: boolean, duration: number): Promise<void> {
  const level = Math.round(chance.next() * 100) / 100;
  const to = chance.below(duration + 1);
  const command = chance.pick([
    { kind: 'next' },
    { kind: 'previous' },
    { kind: isPaused ? 'play' : 'pause' },
    { kind: 'volume', level },
    { kind: 'mute', muted: chance.happens(0.3) },
    { kind: 'seek', to },
    { kind: 'shuffle', on: chance.happens(0.5) },
    { kind: 'repeat', mode: chance.pick(['off', 'track', 'queue'] as const) },
  ] as const);
  return press(`here ${JSON.stringify(command)}`, () => speaker.dispatch(command));
}
