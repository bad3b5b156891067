import type { Command, Deck, Origin, Playable, PlayerEvents, Uri } from '#core';
import { TonearmError } from '#foundation';

export interface AnnouncementPorts {
  readonly deck: Pick<Deck, 'events' | 'announce' | 'hush'>;
  /** Factor for a level on the slider, or for as loud as the zone is set. */
  readonly gainFor: (level: number | undefined) => number;
  readonly said: (event: PlayerEvents['announced']) => void;
  readonly changed: (by: Origin) => void;
}

/** What plays is lowered to this meanwhile: 14 dB, to be understood without silence in between. */
const duck = 0.2;
const chime: Uri = 'sound:chime';

/** Says things over what plays, one after the other. The music goes on below them, and its volume is not touched. */
export class Announcements implements Disposable {
  readonly #ports: AnnouncementPorts;
  readonly #listeners: readonly Disposable[];
  /** To be said or being said; the chime before something is not told. */
  readonly #pending = new Map<string, { readonly uri: Uri; readonly isTold: boolean; readonly by: Origin }>();
  #count = 0;
  #isHeard = false;

  constructor(ports: AnnouncementPorts) {
    this.#ports = ports;
    const { events } = ports.deck;
    this.#listeners = [events.on('announcing', ({ id }) => this.#begun(id)), events.on('announced', ({ id, error }) => this.#over(id, error))];
  }

  get isSaying(): boolean {
    return this.#isHeard;
  }

  /** Throws `invalid` for what is no address of sound. */
  say({ uri, level, chime: withChime }: Extract<Command, { kind: 'announce' }>, by: Origin): void {
    const playable = recipeOf(uri);
    const gain = this.#ports.gainFor(level);
    if (withChime && uri !== chime) this.#announce(recipeOf(chime), gain, false, by);
    this.#announce(playable, gain, true, by);
  }

  /** Nothing is said any more. False: nothing was, or was about to be. */
  hush(): boolean {
    const wasBusy = this.#pending.size > 0;
    if (wasBusy) this.#ports.deck.hush();
    return wasBusy;
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners) listener[Symbol.dispose]();
  }

  #announce(playable: Playable, gain: number, isTold: boolean, by: Origin): void {
    const id = `announcement-${++this.#count}`;
    this.#pending.set(id, { uri: playable.track.uri, isTold, by });
    this.#ports.deck.announce(playable, { id, gain, duck });
  }

  #begun(id: string): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#isHeard = true;
    this.#ports.changed(pending.by);
    if (pending.isTold) this.#ports.said({ uri: pending.uri, phase: 'started', error: null });
  }

  #over(id: string, error: TonearmError | null): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#isHeard = false;
    this.#ports.changed(pending.by);
    if (pending.isTold) this.#ports.said({ uri: pending.uri, phase: 'finished', error });
  }
}

function recipeOf(uri: Uri): Playable {
  const track = { uri, kind: 'stream', title: 'Announcement', artists: [], album: '', duration: 0, covers: [], explicit: false } as const;
  if (uri === chime) return { track, bytes: { tone: 'chime' }, format: 'any' };
  if (/^https?:\/\/[^/]/i.test(uri) && URL.canParse(uri)) return { track, bytes: { urls: [uri], live: false }, format: 'any' };
  throw new TonearmError({
    kind: 'invalid',
    code: 'zones/not-announceable',
    message: `“${uri}” cannot be announced. Give the address of a sound file (http://… or https://…: MP3, Ogg Vorbis, FLAC or WAV), or sound:chime.`,
  });
}
