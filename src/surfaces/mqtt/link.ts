import { Socket } from 'node:net';
import type { connect as Connect, IClientOptions, IConnackPacket, MqttClient } from 'mqtt';
import { Backoff, type Clock, Emitter, type Events, type Log, sleep, type TonearmError } from '#foundation';
import { fitsFilter } from '../topic-filter.ts';
import { Listeners, ownIdentifier } from './listeners.ts';
import { type Incoming, type Message, toIncoming } from './message.ts';
import { hangsUp, refusesVersion, type Refusal, rivalled, sayWhy } from './refusal.ts';
import { Rivalry } from './rivalry.ts';
import { Outbox, type OutboxLimits } from './outbox.ts';
import type { MqttSettings } from './settings.ts';

export type MqttVersion = '5' | '3.1.1';

export interface LinkEvents {
  /** Connected and subscribed: the broker knows nothing of us yet. */
  up: { readonly version: MqttVersion };
  down: { readonly reason: TonearmError };
  message: Incoming;
}

export interface Subscription {
  readonly topic: string;
  readonly qos: 0 | 1;
}

export interface LinkOptions {
  readonly settings: MqttSettings;
  readonly clientId: string;
  /** Contents of the files the settings name. */
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  readonly origin: string;
  readonly will: Message;
  readonly subscriptions: readonly Subscription[];
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

interface Session {
  readonly client: MqttClient;
  readonly outbox: Outbox;
  readonly version: MqttVersion;
}

interface Outcome {
  /** The broker had accepted us. */
  readonly connected: boolean;
  readonly refusal: Refusal;
}

/** Milliseconds for the broker to answer. */
const connectTimeout = 10_000;
/** A connection that lasted this long was a good one. Milliseconds. */
const lasting = 5_000;

/**
 * The line to the broker. Keeps trying with pauses of 1 to 60 s; while it is down, what is published is dropped,
 * because everything is published afresh when it is `up`.
 */
export class Link implements AsyncDisposable {
  readonly #options: LinkOptions;
  readonly #emitter: Emitter<LinkEvents>;
  readonly #abort = new AbortController();
  readonly #backoff: Backoff;
  #session: Session | null = null;
  #running: Promise<void> | null = null;
  #closing = false;
  #version: MqttVersion;
  /** Which versions the broker has accepted or refused in so many words. */
  #versionIsKnown = false;
  #lastComplaint: string | null = null;
  readonly #listeners: Listeners;
  readonly #rivalry: Rivalry;
  readonly counters = { connects: 0, received: 0, published: 0, dropped: 0 };

  constructor(options: LinkOptions) {
    const { settings, log, random } = options;
    this.#options = options;
    this.#emitter = new Emitter((error) => log.error('A message could not be handled.', { error }));
    this.#backoff = new Backoff({ first: 1000, factor: 1.3, cap: 60_000, jitter: 0.2 }, random);
    this.#listeners = new Listeners(options.subscriptions.map(({ topic }) => topic), log);
    this.#rivalry = new Rivalry(options.clock, random);
    this.#version = settings.version === '3.1.1' ? '3.1.1' : '5';
    this.#versionIsKnown = settings.version !== 'auto';
  }

  get events(): Events<LinkEvents> {
    return this.#emitter;
  }

  get isUp(): boolean {
    return this.#session !== null;
  }

  get version(): MqttVersion | null {
    return this.#session?.version ?? null;
  }

  /** Another client that uses our name: since when (Unix ms), and how often it threw us out; null when there is no sign of one. */
  get rival(): Rivalry['view'] {
    return this.#rivalry.view;
  }

  /**
   * Hears what fits a filter, until disposed, on every connection anew: kept messages first. `echo`: what we publish ourselves
   * comes back, too (on MQTT 3.1.1 it always does).
   */
  listen(filter: string, hear: (message: Incoming) => void, { echo = true }: { readonly echo?: boolean } = {}): Disposable {
    return this.#listeners.add(filter, hear, echo);
  }

  /** Begins to connect, in the background. */
  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      if (!this.#closing) this.#options.log.error('MQTT has stopped unexpectedly; music goes on without it.', { error });
    });
  }

  /** Hands a message over. Resolves with true once the broker has it (QoS 1) or it is on its way (QoS 0); false when it was dropped. */
  publish(message: Message): Promise<boolean> {
    if (!this.#session) {
      this.counters.dropped += 1;
      return Promise.resolve(false);
    }
    this.counters.published += 1;
    return this.#session.outbox.push(this.#options.settings.retain ? message : { ...message, retained: false });
  }

  /** Leaves the broker in good order: what was published before is on its way, and the will stays unread. */
  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#session = null;
    this.#closing = true;
    if (session) {
      const { client } = session;
      await new Promise<void>((resolve) => {
        // Not by a second `end`: the first one still waits for receipts, and the library overhears the other.
        const limit = this.#options.clock.timer(1000, () => {
          client.stream.destroy();
          resolve();
        });
        client.end(false, () => {
          limit[Symbol.dispose]();
          resolve();
        });
      });
    }
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Here and not at the top: the library costs memory and time that a house without MQTT should not pay.
    // By its default export: a bundle has no other for a CommonJS package that is imported late.
    const { connect } = (await import('mqtt')).default;
    const { clock, log } = this.#options;
    const { signal } = this.#abort;
    for (;;) {
      const started = clock.monotonic();
      const { connected, refusal } = await this.#attempt(connect);
      const isSilent = refusal.kind === 'silent';
      if (this.#closing) return;
      const lasted = clock.monotonic() - started;
      if (connected && !isSilent && lasted > lasting) this.#backoff.reset();
      const away = connected ? this.#rivalry.ended({ lasted, takenOver: isTakenOver(refusal), silent: hangsUp(refusal) }) : null;
      const reason = away === null ? sayWhy(refusal, this.#options.settings) : rivalled(this.#options.settings, away);
      this.#emitter.emit('down', { reason });
      if (!connected && this.#changeVersion(refusal)) continue;
      const pause = away ?? Math.min(Math.max(this.#backoff.next(), 1000), 60_000);
      if (reason.code === this.#lastComplaint) log.debug(reason.message, { pause });
      else log.warn(reason.message, { pause });
      this.#lastComplaint = reason.code;
      await sleep(clock, pause, signal);
    }
  }

  /** Tries the other protocol version at once when this one was refused, or seems to be: some old brokers just hang up. */
  #changeVersion(refusal: Refusal): boolean {
    const { settings, log } = this.#options;
    if (settings.version !== 'auto') return false;
    if (this.#version === '5') {
      const spokenOf = refusesVersion(refusal);
      if (!spokenOf && (this.#versionIsKnown || !hangsUp(refusal))) return false;
      this.#version = '3.1.1';
      if (spokenOf) {
        this.#versionIsKnown = true;
        log.info('The broker does not speak MQTT 5, so MQTT 3.1.1 is used from now on.');
      }
      return true;
    }
    // 3.1.1 was a guess and did not help either: begin with 5 again after the pause.
    if (!this.#versionIsKnown) this.#version = '5';
    return false;
  }

  #attempt(connect: typeof Connect): Promise<Outcome> {
    const { settings, clock, log } = this.#options;
    const { signal } = this.#abort;
    const version = this.#version;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve({ connected: false, refusal: { kind: 'closed' } });
        return;
      }
      let client: MqttClient;
      try {
        client = connect(settings.url, this.#connectOptions(version));
      } catch (error) {
        resolve({ connected: false, refusal: { kind: 'error', error } });
        return;
      }
      // Otherwise an answer waits up to 40 ms for the far side's receipt of what went before it (RFC 896 meets RFC 1122 §4.2.3.2).
      if (client.stream instanceof Socket) client.stream.setNoDelay(true);
      let connected = false;
      let refusal: Refusal = { kind: 'closed' };
      const stop = () => client.end(true);
      signal.addEventListener('abort', stop, { once: true });
      client.on('error', (error) => {
        if (refusal.kind === 'closed') refusal = { kind: 'error', error };
        client.end(true);
      });
      client.on('disconnect', ({ reasonCode = 0 }) => {
        refusal = { kind: 'disconnected', reasonCode };
      });
      let silence: Disposable | null = null;
      client.on('connect', (packet) => {
        connected = true;
        silence = clock.timer(connectTimeout, () => {
          refusal = { kind: 'silent' };
          client.end(true);
        });
        if (!this.#versionIsKnown && version === '3.1.1') log.info('The broker hangs up on MQTT 5, so MQTT 3.1.1 is used from now on.');
        this.#versionIsKnown = true;
        this.#subscribe(client, version, packet, () => silence?.[Symbol.dispose]());
      });
      client.on('message', (topic, payload, packet) => {
        this.counters.received += 1;
        this.#receive(toIncoming(topic, payload, packet), packet.properties?.subscriptionIdentifier);
      });
      client.on('close', () => {
        signal.removeEventListener('abort', stop);
        silence?.[Symbol.dispose]();
        if (this.#session?.client === client) {
          this.#session.outbox.close();
          this.#session = null;
          this.#listeners.down();
        }
        client.end(true);
        resolve({ connected, refusal });
      });
    });
  }

  #receive(message: Incoming, identifier: number | number[] | undefined): void {
    const ids = identifier === undefined ? null : [identifier].flat();
    // A broker sends one copy for each subscription that fits, or one for all of them.
    const isOwn = ids ? ids.includes(ownIdentifier) : this.#options.subscriptions.some(({ topic }) => fitsFilter(topic, message.topic));
    if (isOwn) this.#emitter.emit('message', message);
    this.#listeners.hear(message, ids);
  }

  #subscribe(client: MqttClient, version: MqttVersion, connack: IConnackPacket, answered: () => void): void {
    const { settings, subscriptions, log } = this.#options;
    // MQTT 5: nothing of our own comes back, and kept commands are not even sent.
    const options = version === '5' ? { nl: true, rap: false, rh: 2 } : {};
    const wanted = Object.fromEntries(subscriptions.map(({ topic, qos }) => [topic, { qos, ...options }]));
    const identifiers = version === '5' && connack.properties?.subscriptionIdentifiersAvailable !== false;
    client.subscribe(wanted, identifiers ? { properties: { subscriptionIdentifier: ownIdentifier } } : {}, (error) => {
      answered();
      // Who closes is told the same way; the library calls itself connected until the socket is gone.
      if (!client.connected || client.disconnecting) return;
      if (error) log.warn('The broker refuses some of our subscriptions, so some commands will not arrive. Allow this user to read and write below the prefix.', { prefix: settings.prefix, error: error.message });
      this.#session = { client, version, outbox: new Outbox(client, limits(version, connack, settings.maxPacket), this.#options.origin, log) };
      this.counters.connects += 1;
      this.#lastComplaint = null;
      log.info('Connected to the MQTT broker.', { url: settings.url, version });
      this.#listeners.up(client, { isFive: version === '5', identifiers });
      this.#emitter.emit('up', { version });
    });
  }

  #connectOptions(version: MqttVersion): IClientOptions {
    const { settings, clientId, will, tls } = this.#options;
    return {
      protocolVersion: version === '5' ? 5 : 4,
      clientId,
      clean: true,
      keepalive: settings.keepalive,
      connectTimeout,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      rejectUnauthorized: settings.verify,
      ...(settings.serverName !== undefined && { servername: settings.serverName }),
      ...tls,
      ...(settings.username === undefined ? {} : { username: settings.username }),
      ...(settings.password === undefined ? {} : { password: settings.password.reveal() }),
      ...(version === '5' ? { properties: { sessionExpiryInterval: 0, maximumPacketSize: 1024 * 1024 } } : {}),
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: will.qos, retain: will.retained && settings.retain },
    };
  }
}

function isTakenOver(refusal: Refusal): boolean {
  return refusal.kind === 'disconnected' && refusal.reasonCode === 142;
}

function limits(version: MqttVersion, { properties }: IConnackPacket, maxPacket = 268_435_455): OutboxLimits {
  return {
    properties: version === '5',
    inFlight: Math.min(properties?.receiveMaximum ?? 16, 16),
    largest: Math.min(properties?.maximumPacketSize ?? maxPacket, maxPacket),
    retain: properties?.retainAvailable !== false,
    qos: properties?.maximumQoS === 0 ? 0 : 1,
  };
}
