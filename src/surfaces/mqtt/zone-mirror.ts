import type { PlayerEvents, PlayerState, Presets, ZoneView } from '#core';
import { type Clock, every } from '#foundation';
import type { Artwork } from './artwork.ts';
import type { Outlet } from './outlet.ts';
import { Pace } from './pace.ts';
import type { ToldVolumes } from './zone-commands.ts';
import {
  announcementEvent, type AttributesSeen, type Before, beforeOf, errorEvent, type EventMessage, eventsBetween, positionAt, zoneAttributes, zonePosition, zoneQueue, zoneState,
} from './wire/index.ts';

/** While playing, the position is told this often. Milliseconds. */
const heartbeat = 10_000;
/** A position further than this from where it should be has jumped. Milliseconds. */
const jump = 1500;
/** Events that may wait for the next picture. */
const mostEvents = 20;
/** For so long a volume we have told may come back from whoever repeats us. Milliseconds. */
const echoTime = 1500;
/** A step that takes longer is shown as far as it has come. Milliseconds. */
const longestHold = 500;

export interface ZoneMirrorOptions {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly presets?: Pick<Presets, 'list'> | undefined;
  /** The account in use as it is called on our topics. */
  readonly account?: ((zone: string, name: string) => string | null) | undefined;
  /** Absent where pictures are not sent. */
  readonly artwork?: Artwork | undefined;
  readonly queue?: boolean | undefined;
}

interface Holding {
  isEdge: boolean | null;
  readonly timer: Disposable;
}

/** Shows one zone on its topics. */
export class ZoneMirror implements Disposable {
  readonly #zone: ZoneView;
  readonly #options: ZoneMirrorOptions;
  readonly #pace: Pace;
  readonly #ends: Disposable[];
  #waiting: { readonly timer: Disposable; readonly due: number } | null = null;
  /** What came meanwhile: null for nothing, else whether it is something people notice. */
  #holding: Holding | null = null;
  /** Show also what the broker should already have. */
  #again = false;
  #heartbeat: Disposable | null = null;
  /** Until the sleep timer has a minute less. */
  #minute: Disposable | null = null;
  #events: EventMessage[] = [];
  #before: Before;
  #ended: PlayerEvents['ended']['reason'] | null = null;
  #lastError: AttributesSeen['lastError'] = null;
  #told: { readonly at: number; readonly measured: number; readonly status: PlayerState['status']; readonly uri: string | null } | null = null;
  /** When each volume was last told, in percent and monotonic ms. */
  readonly #volumes = new Map<number, number>();
  #lastVolume: number | null = null;
  /** What the account in use was called last; accounts have to be asked again only when they have changed. */
  #account: { readonly name: string; readonly label: string } | null = null;

  constructor(zone: ZoneView, options: ZoneMirrorOptions) {
    this.#zone = zone;
    this.#options = options;
    this.#pace = new Pace(options.clock);
    const { state, events } = zone.player;
    this.#before = beforeOf(state, { uri: null, settled: 'stopped' });
    this.#ends = [
      events.on('changed', ({ state: next, previous }) => this.#changed(next, previous)),
      events.on('ended', ({ track, reason }) => {
        if (track.uri === this.#before.uri) this.#ended = reason;
      }),
      events.on('failed', ({ error }) => {
        this.#lastError = { error: error.code, message: error.message, at: new Date(options.clock.now()).toISOString() };
        this.#happened([errorEvent(error)]);
      }),
      events.on('announced', (announced) => this.#happened([announcementEvent(announced)])),
    ];
  }

  /** Everything anew, as after connecting. */
  showAll(): void {
    this.#cancel();
    this.#account = null;
    void this.#options.outlet.send('zoneAvailability', { zone: this.#zone.id }, { state: 'online' }, { again: true });
    this.#again = true;
    this.#show();
  }

  /** State, attributes and position anew, as when asked; no faster than changes are. */
  showState(): void {
    this.#again = true;
    this.#schedule(true);
  }

  /** The same for our own reasons, which are rare: what people do next does not wait because of it. */
  sayAgain(): void {
    this.#again = true;
    if (this.#holding) this.#schedule(true);
    else this.#show({ isCounted: false });
  }

  /** What it is shown by has changed: names of presets or accounts. */
  refresh(): void {
    this.#account = null;
    this.#schedule(false);
  }

  /** Several things are about to change as one step: nothing in between is shown, until disposed, or half a second has passed. */
  hold(): Disposable {
    if (this.#holding) return { [Symbol.dispose]: () => undefined };
    const release = () => {
      if (this.#holding !== holding) return;
      this.#holding = null;
      holding.timer[Symbol.dispose]();
      if (holding.isEdge !== null) this.#schedule(holding.isEdge);
    };
    const holding: Holding = { isEdge: null, timer: this.#options.clock.timer(longestHold, () => release()) };
    this.#holding = holding;
    return { [Symbol.dispose]: release };
  }

  readonly told: ToldVolumes = {
    lately: () => {
      const since = this.#options.clock.monotonic() - echoTime;
      return [...this.#volumes].filter(([, at]) => at >= since).map(([percent]) => percent);
    },
    at: (percent) => this.#volumes.get(percent) ?? null,
  };

  /** Says that the zone is gone. Resolves when the broker knows. */
  async hide(): Promise<void> {
    this[Symbol.dispose]();
    await this.#options.outlet.send('zoneAvailability', { zone: this.#zone.id }, { state: 'offline' });
  }

  #changed(state: PlayerState, previous: PlayerState): void {
    const happened = eventsBetween(this.#before, state, this.#ended);
    this.#before = beforeOf(state, this.#before);
    if (happened.some(({ event_type }) => event_type === 'track_changed' || event_type === 'queue_ended')) this.#ended = null;
    if (state.status === 'playing' && previous.status !== 'playing') this.#lastError = null;
    const edge = state.status !== previous.status || state.source !== previous.source || state.track?.uri !== previous.track?.uri || state.preset !== previous.preset;
    this.#happened(happened, edge);
  }

  #happened(events: readonly EventMessage[], edge = false): void {
    this.#events = [...this.#events, ...events].slice(-mostEvents);
    this.#schedule(edge || events.length > 0);
  }

  #schedule(edge: boolean): void {
    if (this.#holding) {
      this.#holding.isEdge = edge || this.#holding.isEdge === true;
      return;
    }
    const { clock } = this.#options;
    const wait = this.#pace.wait(edge);
    const due = clock.monotonic() + wait;
    if (this.#waiting && this.#waiting.due <= due) return;
    this.#cancel();
    if (wait <= 0) this.#show();
    else this.#waiting = { due, timer: clock.timer(wait, () => this.#show()) };
  }

  #cancel(): void {
    this.#waiting?.timer[Symbol.dispose]();
    this.#waiting = null;
  }

  #show({ isCounted = true } = {}): void {
    this.#cancel();
    const again = this.#again;
    this.#again = false;
    if (again) this.#told = null;
    const { outlet, clock, presets, artwork, queue = false } = this.#options;
    const before = outlet.sent;
    const { state } = this.#zone.player;
    const zone = this.#zone.id;
    const message = zoneState(state, { now: clock.now(), preset: presets?.list.find(({ id }) => id === state.preset)?.name ?? null });
    // Attributes first, with the same QoS because only that keeps the order: whoever reacts to the state finds there who changed it.
    void outlet.send('zoneAttributes', { zone }, zoneAttributes(state, { account: this.#labelOf(state), lastError: this.#lastError }), { again });
    void outlet.send('zoneState', { zone }, message, { again });
    if (message.image_url !== '') void outlet.send('zoneImage', { zone }, message.image_url, { again });
    if (queue) void outlet.send('zoneQueue', { zone }, zoneQueue(state), { again });
    artwork?.update(state.track, again);
    this.#remember(message.volume);
    this.#countDown(state);
    this.#tellPosition(state);
    for (const event of this.#events.splice(0)) void outlet.send('zoneEvent', { zone }, event);
    if (isCounted && outlet.sent !== before) this.#pace.sent();
  }

  #labelOf({ account: { name } }: PlayerState): string | null {
    if (name === null) return null;
    if (this.#account?.name === name) return this.#account.label;
    const label = this.#options.account?.(this.#zone.id, name) ?? null;
    this.#account = label === null ? null : { name, label };
    return label;
  }

  #remember(percent: number): void {
    if (this.#lastVolume === percent) return;
    this.#lastVolume = percent;
    this.#volumes.set(percent, this.#options.clock.monotonic());
  }

  #countDown({ sleep }: PlayerState): void {
    const { clock } = this.#options;
    this.#minute?.[Symbol.dispose]();
    if (sleep === null) this.#minute = null;
    else {
      const left = Math.max(sleep.ends - clock.now(), 0);
      this.#minute = clock.timer(left % 60_000 || 60_000, () => this.#schedule(false));
    }
  }

  #tellPosition(state: PlayerState): void {
    const now = this.#options.clock.now();
    const told = this.#told;
    const at = positionAt(state, now);
    const uri = state.track?.uri ?? null;
    if (told?.status === state.status && told.uri === uri) {
      const expected = told.at + (told.status === 'playing' ? now - told.measured : 0);
      if (Math.abs(at - expected) < jump) return;
    }
    this.#sendPosition(state);
  }

  #sendPosition(state: PlayerState): void {
    const { clock, outlet } = this.#options;
    const now = clock.now();
    this.#told = { at: positionAt(state, now), measured: now, status: state.status, uri: state.track?.uri ?? null };
    void outlet.send('zonePosition', { zone: this.#zone.id }, zonePosition(state, now));
    this.#heartbeat?.[Symbol.dispose]();
    this.#heartbeat = state.status === 'playing' ? every(clock, heartbeat, () => this.#sendPosition(this.#zone.player.state)) : null;
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.#holding?.timer[Symbol.dispose]();
    this.#holding = null;
    this.#options.artwork?.[Symbol.dispose]();
    for (const timer of [this.#heartbeat, this.#minute]) timer?.[Symbol.dispose]();
    this.#heartbeat = this.#minute = null;
    for (const end of this.#ends.splice(0)) end[Symbol.dispose]();
  }
}
