import type { PlayerEvents, PlayerState, ZoneView } from '#core';
import { type Clock, every } from '#foundation';
import type { Outlet } from './outlet.ts';
import { Pace } from './pace.ts';
import { errorEvent, type EventMessage, eventsBetween, positionAt, settle, type Settled, zoneAttributes, zonePosition, zoneState } from './wire/index.ts';

/** While playing, the position is told this often. Milliseconds. */
const heartbeat = 10_000;
/** A position further than this from where it should be has jumped. Milliseconds. */
const jump = 1500;
/** Events that may wait for the next picture. */
const mostEvents = 20;

/** Shows one zone on its topics. */
export class ZoneMirror implements Disposable {
  readonly #zone: ZoneView;
  readonly #outlet: Outlet;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #ends: Disposable[];
  #waiting: { readonly timer: Disposable; readonly due: number } | null = null;
  /** Show also what the broker should already have. */
  #again = false;
  #heartbeat: Disposable | null = null;
  #events: EventMessage[] = [];
  #shown: { uri: string | null; settled: Settled };
  #ended: PlayerEvents['ended']['reason'] | null = null;
  #told: { readonly at: number; readonly measured: number; readonly status: PlayerState['status']; readonly uri: string | null } | null = null;

  constructor(zone: ZoneView, outlet: Outlet, clock: Clock) {
    this.#zone = zone;
    this.#outlet = outlet;
    this.#clock = clock;
    this.#pace = new Pace(clock);
    const { state, events } = zone.player;
    this.#shown = { uri: state.track?.uri ?? null, settled: settle('stopped', state) };
    this.#ends = [
      events.on('changed', ({ state: next, previous }) => this.#changed(next, previous)),
      events.on('ended', ({ track, reason }) => {
        if (track.uri === this.#shown.uri) this.#ended = reason;
      }),
      events.on('failed', ({ error }) => {
        this.#events.push(errorEvent(error));
        this.#schedule(true);
      }),
    ];
  }

  /** Everything anew, as after connecting. */
  showAll(): void {
    this.#cancel();
    void this.#outlet.send('zoneAvailability', { zone: this.#zone.id }, { state: 'online' }, { again: true });
    this.#again = true;
    this.#show();
  }

  /** State, attributes and position anew, as when asked; no faster than changes are. */
  showState(): void {
    this.#again = true;
    this.#schedule(true);
  }

  /** Says that the zone is gone. Resolves when the broker knows. */
  async hide(): Promise<void> {
    this[Symbol.dispose]();
    await this.#outlet.send('zoneAvailability', { zone: this.#zone.id }, { state: 'offline' });
  }

  #changed(state: PlayerState, previous: PlayerState): void {
    const { uri, settled } = this.#shown;
    const happened = eventsBetween({ uri, settled }, state, this.#ended);
    // What stops and starts again with the same track is not a new track.
    this.#shown = { uri: state.track?.uri ?? uri, settled: settle(settled, state) };
    if (happened.some(({ event_type }) => event_type === 'track_changed')) this.#ended = null;
    this.#events = [...this.#events, ...happened].slice(-mostEvents);
    const edge = state.status !== previous.status || state.source !== previous.source || state.track?.uri !== previous.track?.uri;
    this.#schedule(edge || happened.length > 0);
  }

  #schedule(edge: boolean): void {
    const wait = this.#pace.wait(edge);
    const due = this.#clock.monotonic() + wait;
    if (this.#waiting && this.#waiting.due <= due) return;
    this.#cancel();
    if (wait <= 0) this.#show();
    else this.#waiting = { due, timer: this.#clock.timer(wait, () => this.#show()) };
  }

  #cancel(): void {
    this.#waiting?.timer[Symbol.dispose]();
    this.#waiting = null;
  }

  #show(): void {
    this.#cancel();
    const again = this.#again;
    this.#again = false;
    if (again) this.#told = null;
    const before = this.#outlet.sent;
    const { state } = this.#zone.player;
    const zone = this.#zone.id;
    const message = zoneState(state);
    // Attributes first, with the same QoS because only that keeps the order: whoever reacts to the state finds there who changed it.
    void this.#outlet.send('zoneAttributes', { zone }, zoneAttributes(state), { again });
    void this.#outlet.send('zoneState', { zone }, message, { again });
    if (message.image_url !== '') void this.#outlet.send('zoneImage', { zone }, message.image_url, { again });
    this.#tellPosition(state);
    for (const event of this.#events.splice(0)) void this.#outlet.send('zoneEvent', { zone }, event);
    if (this.#outlet.sent !== before) this.#pace.sent();
  }

  #tellPosition(state: PlayerState): void {
    const now = this.#clock.now();
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
    const now = this.#clock.now();
    this.#told = { at: positionAt(state, now), measured: now, status: state.status, uri: state.track?.uri ?? null };
    void this.#outlet.send('zonePosition', { zone: this.#zone.id }, zonePosition(state, now));
    this.#heartbeat?.[Symbol.dispose]();
    this.#heartbeat = state.status === 'playing' ? every(this.#clock, heartbeat, () => this.#sendPosition(this.#zone.player.state)) : null;
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.#heartbeat?.[Symbol.dispose]();
    this.#heartbeat = null;
    for (const end of this.#ends.splice(0)) end[Symbol.dispose]();
  }
}
