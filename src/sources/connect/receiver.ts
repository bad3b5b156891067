import type { Command, Host, Notice, Origin, Source, SourceEvents, SourceState, Uri, Zone } from '#core';
import { Emitter, Scope, TonearmError, isAbort, toTonearmError, type Events, type Log } from '#foundation';
import { defaultClientId, openDiscovery, type Credentials, type Discovery, type Identity, type Visitor } from '#spotify';
import { openAccounts } from './accounts/accounts.ts';
import type { Reception, Seat } from './accounts/reception.ts';
import { Carried } from './device-carrying.ts';
import type { Device } from './device.ts';
import type { ReceiverSettings } from './receiver-settings.ts';
import { spotifyUri } from './request.ts';
import { Tenancy } from './tenancy.ts';

const brand = 'Tonearm';
const model = 'Tonearm';

/** The Connect source of a zone: lets phones pair, keeps one account logged in, and plays what it is told. */
export interface Receiver extends Source {
  /** Where phones pair. */
  readonly port: number;
}

/** Rejects only when the pairing port cannot be had; a cloud that is away is waited for in the background. */
export async function openReceiver(settings: ReceiverSettings, { zone, host }: { readonly zone: Zone; readonly host: Host }): Promise<Receiver> {
  const receiver = new ConnectReceiver(settings, zone, host);
  await receiver.open();
  return receiver;
}

class ConnectReceiver implements Receiver {
  readonly name = 'connect';
  readonly #settings: ReceiverSettings;
  readonly #zone: Zone;
  readonly #host: Host;
  readonly #log: Log;
  readonly #scope = new Scope();
  readonly #emitter: Emitter<SourceEvents>;
  readonly #identity: Identity;
  // Both are there once opened; nothing is public before.
  #reception!: Reception;
  #tenancy!: Tenancy;
  #discovery: Discovery | null = null;
  #question: Notice | null = null;
  readonly #since: number;

  constructor(settings: ReceiverSettings, zone: Zone, host: Host) {
    this.#settings = settings;
    this.#zone = zone;
    this.#host = host;
    this.#log = host.log.child(`connect/${zone.id}`);
    this.#emitter = new Emitter((error) => this.#log.error('A listener failed', { error }));
    this.#since = host.clock.now();
    this.#identity = { deviceId: settings.deviceId, name: zone.name, brand, model, version: host.version, clientId: defaultClientId };
  }

  get events(): Events<SourceEvents> {
    return this.#emitter.events;
  }

  get port(): number {
    return this.#discovery?.port ?? 0;
  }

  get state(): SourceState {
    const shown = this.#tenancy.device?.state;
    const notice = this.#question ?? this.#tenancy.notice;
    if (shown) return notice && !shown.notice ? { ...shown, notice } : shown;
    return {
      status: 'stopped',
      track: null,
      position: { at: 0, measured: this.#since },
      order: { shuffle: false, repeat: 'off' },
      queue: { context: null, next: [] },
      account: { name: null, connected: false },
      notice,
      accepts: new Set(),
    };
  }

  async open(): Promise<void> {
    const { pairing, endpoints, network, accounts } = this.#settings;
    const { id, name } = this.#zone;
    try {
      const desk = accounts ?? this.#scope.use(await openAccounts({ zones: [{ id, name }], endpoints, network, host: this.#host }));
      const reception = (this.#reception = desk.reception(id));
      const tenancy = (this.#tenancy = new Tenancy({
        settings: this.#settings,
        identity: this.#identity,
        zone: this.#zone,
        host: this.#host,
        log: this.#log,
        reception,
        changed: (by) => this.#changed(by),
        ended: (event) => this.#emitter.emit('ended', event),
        failed: (event) => this.#emitter.emit('failed', event),
        announceAnew: () => this.#discovery?.announceAnew(),
      }));
      this.#scope.use(reception.attach(this.#seat()));
      this.#scope.use(desk.events.on('question', ({ question, answer }) => question.zone === id && this.#asked(answer === 'open')));
      this.#discovery = this.#scope.use(
        await openDiscovery({
          identity: this.#identity,
          host: this.#host,
          name,
          port: pairing.port,
          address: pairing.address,
          onUser: (credentials, signal, visitor) => this.#pair(credentials, signal, visitor),
          mayPair: (visitor) => reception.mayPair(visitor),
          activeUser: () => tenancy.user,
          mayReset: () => reception.mayReset(),
          onReset: () => tenancy.logOut('A phone logged the account out.'),
        }),
      );
    } catch (error) {
      await this.#scope[Symbol.asyncDispose]();
      throw error;
    }
    this.#tenancy.begin();
  }

  plays(uri: Uri): boolean {
    return spotifyUri(uri) !== null;
  }

  async execute(command: Command, by: Origin): Promise<void> {
    await this.#device().execute(command, by);
  }

  handOver(): object | null {
    return this.#tenancy.device?.handOver() ?? null;
  }

  async takeOver(playback: object, by: Origin): Promise<void> {
    if (!(playback instanceof Carried)) throw new TonearmError({ kind: 'internal', code: 'connect/not-ours', message: 'This is not playback of the Spotify source.' });
    await this.#device().takeOver(playback, by);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tenancy[Symbol.asyncDispose]();
    await this.#scope[Symbol.asyncDispose]();
  }

  #device(): Device {
    const { device } = this.#tenancy;
    if (device) return device;
    throw new TonearmError({
      kind: 'conflict',
      code: 'connect/no-account',
      message: `No Spotify account is connected to “${this.#zone.name}” yet. Open the Spotify app in the same network and pick “${this.#zone.name}” as the device.`,
    });
  }

  #seat(): Seat {
    const tenancy = this.#tenancy;
    const playing = () => this.state.status;
    return {
      get user() {
        return tenancy.user;
      },
      get isPlaying() {
        return ['playing', 'loading', 'stalled'].includes(playing());
      },
      logIn: (credentials, how, signal) => tenancy.admit(credentials, how, signal),
      restore: (username) => tenancy.restore(username),
      logOut: (why) => tenancy.logOut(why),
    };
  }

  /** Somebody with a phone wants the speaker: the rules for guests first, the owner if they say so, then the login. */
  async #pair(credentials: Credentials, signal: AbortSignal, visitor: Visitor): Promise<'ok' | 'refused'> {
    try {
      await this.#reception.admit(visitor, signal);
    } catch (error) {
      if (!isAbort(error)) this.#log.info(toTonearmError(error).message, { code: toTonearmError(error).code });
      return 'refused';
    }
    return this.#tenancy.logIn(credentials, signal, 'phone');
  }

  #asked(isOpen: boolean): void {
    this.#question = isOpen ? { code: 'accounts/guest-waits', message: `A guest wants “${this.#zone.name}”. Say yes or no: “tonearm answer yes”, or the request account/answer over MQTT.` } : null;
    this.#changed('tonearm');
  }

  #changed(by: Origin): void {
    this.#emitter.emit('changed', { state: this.state, by });
  }
}
