import type { Clock } from '../foundation.ts';
import type { AutomationPicture, PresetPicture, ZonePicture } from '../picture.ts';
import type { Dial, Ending, Hearer } from '../socket.ts';
import { zonePicture } from './pictures.ts';

/** A request as it came over the wire. */
export interface Asked {
  readonly id: string;
  readonly do: string;
  readonly with: Readonly<Record<string, unknown>>;
}

/** A daemon behind a socket that is none: says what the real one says, as text, and hears what it is asked. */
export class FakeDaemon {
  readonly asked: Asked[] = [];
  readonly keys: (string | null)[] = [];
  instance = 'house1';
  name = 'House';
  scope = 'control';
  zones: ZonePicture[] = [zonePicture()];
  presets: PresetPicture[] = [];
  automations: AutomationPicture[] = [];
  /** `up`: answers. `down`: nobody there. `mute`: takes connections and says nothing. `refusing`: does not want the key. */
  mode: 'up' | 'down' | 'mute' | 'refusing' = 'up';
  /** Null: the request was done. A sentence: it was refused. `silence`: no answer. */
  answer: string | null = null;
  dialled = 0;
  readonly #clock: Clock;
  #hearer: Hearer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isConnected(): boolean {
    return this.#hearer !== null;
  }

  readonly dial: Dial = (_url, key, hearer) => {
    this.dialled += 1;
    this.keys.push(key);
    const end = (ending: Ending) => this.#clock.timer(1, () => hearer.ended(ending));
    if (this.mode === 'down') end({ kind: 'away', why: 'connect ECONNREFUSED' });
    else if (this.mode === 'refusing') end({ kind: 'refused', why: 'it does not accept the key (HTTP 401)' });
    else {
      this.#clock.timer(1, () => {
        this.#hearer = hearer;
        hearer.opened();
        if (this.mode === 'up') this.sayHello();
      });
    }
    return {
      send: (text) => this.#heard(text, hearer),
      ping: () => {
        if (this.mode === 'up') this.#clock.timer(1, () => hearer.alive());
      },
      drop: () => {
        if (this.#hearer === hearer) this.#hearer = null;
      },
    };
  };

  sayHello(): void {
    this.#say({ kind: 'hello', daemon: { api: 1, id: this.instance, name: this.name, version: '0.1.0', now: this.#clock.now() }, scope: this.scope, beat: 10_000, zones: this.zones.map(wireZone), presets: this.presets, automations: { automations: this.automations.map(wireAutomation), enabled: true } });
  }

  change(id: string, change: Partial<ZonePicture>): void {
    this.zones = this.zones.map((zone) => (zone.id === id ? { ...zone, ...change } : zone));
    const zone = this.zones.find((one) => one.id === id);
    if (zone) this.#say({ kind: 'zone', zone: wireZone(zone) });
  }

  setPresets(presets: PresetPicture[]): void {
    this.presets = presets;
    this.#say({ kind: 'presets', presets });
  }

  setAutomations(automations: AutomationPicture[]): void {
    this.automations = automations;
    this.#say({ kind: 'automations', automations: { automations: automations.map(wireAutomation), enabled: true } });
  }

  /** Ends the connection, as a daemon that stops. */
  cut(ending: Ending = { kind: 'away', why: 'the connection ended (code 1001)' }): void {
    const hearer = this.#hearer;
    this.#hearer = null;
    hearer?.ended(ending);
  }

  #say(message: object): void {
    this.#hearer?.heard(JSON.stringify(message));
  }

  #heard(text: string, hearer: Hearer): void {
    const asked = JSON.parse(text) as Asked;
    this.asked.push(asked);
    const { answer } = this;
    if (answer === 'silence' || this.mode !== 'up') return;
    this.#clock.timer(5, () => {
      if (this.#hearer === hearer) this.#say({ kind: 'answer', id: asked.id, ...(answer === null ? { ok: {} } : { error: { kind: 'conflict', code: 'zone/nothing-to-play', message: answer } }) });
    });
  }
}

function wireZone({ id, name, status, track, position, level, limit, muted, preset, accepts }: ZonePicture): object {
  return { id, name, state: { revision: 1, status, track: track && { ...track, kind: 'track', album: '', duration: 200_000, covers: [], explicit: false }, position, volume: { level, muted, limit, fading: null }, preset, accepts: [...accepts] } };
}

function wireAutomation({ id, name, enabled, alarm }: AutomationPicture): object {
  return { id, name, kind: alarm === null ? 'rule' : 'alarm', enabled, alarm: alarm && { time: '07:00', days: ['mon'], state: alarm, snoozedUntil: null } };
}
