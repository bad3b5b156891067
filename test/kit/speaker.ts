import type { Command, Host, Origin, PlayerState, Presets } from '#core';
import type { Log, LogFields, LogLevel, TonearmError } from '#foundation';
import { openAccounts, openReceiver, usualAccounts, type AccountsSettings, type OpenAccounts, type Receiver, type ReceiverSettings } from '#sources';
import type { PutStateRequest } from '#spotify/wire';
import type { Cloud } from '#simulator';
import { openPresets, openZone, type Neighbours, type OpenZone, type PresetSettings } from '#zones';
import { noPrograms } from './no-programs.ts';
import { SoundingDeck, type KitDeck, type SoundingDeckOptions } from './sounding-deck.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface SpeakerOptions {
  readonly name?: string;
  /** 40 hex digits. */
  readonly deviceId?: string;
  readonly deck?: SoundingDeckOptions;
  /** Another deck than the sounding one: the fault matrix has the real engine. */
  readonly openDeck?: (clock: VirtualClock) => KitDeck;
  readonly receiver?: Partial<ReceiverSettings>;
  /** Who may play, and who is remembered. */
  readonly accounts?: Partial<AccountsSettings>;
  /** The other zones of its house; alone when absent. */
  readonly neighbours?: Neighbours;
  readonly presets?: readonly PresetSettings[];
}

export interface LogLine {
  readonly at: number;
  readonly level: LogLevel;
  readonly text: string;
  readonly fields: LogFields | undefined;
}

const most = 2000;

/** One zone with its receiver, as the daemon has it; the store outlives a restart. */
export class Speaker implements AsyncDisposable {
  readonly name: string;
  readonly id: string;
  readonly stored = new Map<string, unknown>();
  /** From `info` upwards, the newest last. */
  readonly lines: LogLine[] = [];
  /** Codes of notices as they came and went (null: gone), and of failures. */
  readonly notices: (string | null)[] = [];
  readonly failures: TonearmError[] = [];
  readonly #options: SpeakerOptions;
  readonly #cloud: Cloud;
  readonly #clock: VirtualClock;
  readonly #host: Host;
  deck!: KitDeck;
  zone!: OpenZone;
  receiver!: Receiver;
  accounts!: OpenAccounts;
  presets!: Presets;

  constructor(cloud: Cloud, clock: VirtualClock, options: SpeakerOptions = {}) {
    this.#options = options;
    this.#cloud = cloud;
    this.#clock = clock;
    this.name = options.name ?? 'Kitchen';
    this.id = options.deviceId ?? 'b2'.repeat(20);
    const values = (prefix: string) => ({
      read: (name: string) => Promise.resolve(this.stored.get(prefix + name) ?? null),
      write: (name: string, value: unknown) => Promise.resolve(void this.stored.set(prefix + name, value)),
      remove: (name: string) => Promise.resolve(void this.stored.delete(prefix + name)),
      names: (start: string) => Promise.resolve([...this.stored.keys()].filter((key) => key.startsWith(prefix + start)).map((key) => key.slice(prefix.length))),
    });
    this.#host = {
      clock,
      log: recorder(this.lines, clock),
      store: { ...values('plain/'), sealed: values('sealed/') },
      programs: noPrograms,
      version: '0.1.0',
      announce: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }),
    };
  }

  /** From the start of the daemon. */
  async start(): Promise<void> {
    const { openDeck, deck: sounding } = this.#options;
    const deck = (this.deck = openDeck ? openDeck(this.#clock) : new SoundingDeck(this.#clock, sounding));
    const { endpoints } = this.#cloud;
    const id = this.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const accounts = await openAccounts({ settings: { ...usualAccounts, ...this.#options.accounts }, zones: [{ id, name: this.name }], endpoints, host: this.#host });
    this.accounts = accounts;
    const settings: ReceiverSettings = {
      deviceId: this.id,
      endpoints,
      bitrate: 320,
      normalisation: 'off',
      deviceType: 'speaker',
      pairing: { port: 0, address: '127.0.0.1' },
      accounts,
      ...this.#options.receiver,
    };
    const open = async (zone: Parameters<typeof openReceiver>[1]['zone']) => (this.receiver = await openReceiver(settings, { zone, host: this.#host }));
    const { neighbours, presets = [] } = this.#options;
    this.presets = await openPresets({ settings: presets, host: this.#host, slug: (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-') });
    this.zone = await openZone({ id, name: this.name, initialVolume: 0.4, curve: 'linear' }, { host: this.#host, deck, sources: [open], neighbours, presets: this.presets });
    this.zone.player.events.on('changed', ({ state, previous }) => {
      if (state.notice?.code !== previous.notice?.code) keep(this.notices, state.notice?.code ?? null);
    });
    this.zone.player.events.on('failed', ({ error }) => keep(this.failures, error));
  }

  /** Where phones pair. */
  get url(): string {
    return `http://127.0.0.1:${this.receiver.port}/zc`;
  }

  get state(): PlayerState {
    return this.zone.player.state;
  }

  /** Where the track is now, as a viewer would extrapolate. */
  get position(): number {
    const { status, position } = this.state;
    return position.at + (status === 'playing' ? this.#host.clock.now() - position.measured : 0);
  }

  dispatch(command: Command | readonly Command[], by: Origin = 'mqtt'): Promise<void> {
    return this.zone.player.dispatch([command].flat(), by);
  }

  /** What it told the cloud, oldest first. */
  get puts(): readonly PutStateRequest[] {
    return this.#cloud.journal
      .find('state', 'connect-state')
      .filter(({ what, detail }) => what === 'state' && detail['device'] === this.id)
      .map(({ detail }) => detail['request'] as PutStateRequest);
  }

  get lastPut(): PutStateRequest | undefined {
    return this.puts.at(-1);
  }

  /** How often it gave playback up, or left the list. */
  count(what: 'inactive' | 'removed'): number {
    return this.#cloud.journal.find(what, 'connect-state').filter((entry) => entry.what === what && entry.detail['device'] === this.id).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.zone[Symbol.asyncDispose]();
    await this.accounts[Symbol.asyncDispose]();
  }
}

function recorder(lines: LogLine[], clock: VirtualClock): Log {
  const at = (level: LogLevel) => (text: string, fields?: LogFields) => keep(lines, { at: clock.monotonic(), level, text, fields });
  const ignore = () => undefined;
  const log: Log = { trace: ignore, debug: ignore, info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}

function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > most) list.splice(0, most / 10);
}
