import type { ZoneView } from '#core';
import { type Clock, every } from '#foundation';
import type { Link } from './link.ts';
import type { Outlet } from './outlet.ts';
import type { MqttSettings } from './settings.ts';
import type { Topics } from './topics.ts';
import { MqttError, writableKeys } from './wire/index.ts';

/** Milliseconds. */
const healthEvery = 600_000;

/** Requests that other bridges know and that do not work here yet: they get an answer of their own. */
const laterRequests: ReadonlySet<string> = new Set([
  'restart', 'options', 'backup', 'player/add', 'player/remove', 'player/rename', 'player/options', 'preset/add', 'preset/remove',
  'library/rescan', 'automation/run', 'automation/enable', 'automation/disable', 'extract_log',
]);

export interface BridgeOptions {
  readonly zones: readonly ZoneView[];
  readonly outlet: Outlet;
  readonly topics: Topics;
  readonly link: Pick<Link, 'counters' | 'version'>;
  readonly settings: MqttSettings;
  readonly clock: Clock;
  readonly version: string;
  readonly instance: string;
  readonly url: string | undefined;
}

/** The topics below `bridge/`: who we are and how we are. */
export class Bridge implements Disposable {
  readonly #options: BridgeOptions;
  readonly #started: number;
  readonly #ends: Disposable[];

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#started = options.clock.monotonic();
    this.#ends = [
      every(options.clock, healthEvery, () => this.#showHealth()),
      ...options.zones.map((zone) =>
        zone.player.events.on('changed', ({ state, previous }) => {
          if (state.notice?.code !== previous.notice?.code) this.#tell(zone, state.notice);
        }),
      ),
    ];
  }

  showState(): void {
    void this.#options.outlet.send('bridgeState', {}, { state: 'online' }, { again: true });
  }

  showRest(): void {
    const { outlet } = this.#options;
    void outlet.send('bridgeInfo', {}, this.info(), { again: true });
    void outlet.send('bridgePlayers', {}, this.#players(), { again: true });
    this.#showHealth();
  }

  /** Resolves when the broker knows. */
  async hide(): Promise<void> {
    this[Symbol.dispose]();
    await this.#options.outlet.send('bridgeState', {}, { state: 'offline' });
  }

  /** Answers `bridge/request/<name>`; throws `MqttError` for what cannot be answered. */
  answer(name: string): Readonly<Record<string, unknown>> {
    switch (name) {
      case 'info':
        return this.info();
      case 'health_check':
        return { healthy: true };
      case 'health':
        return this.#health();
      case 'players':
        return { players: this.#players() };
      default:
    }
    if (laterRequests.has(name)) throw new MqttError('unavailable', 'mqtt/not-supported', `The request "${name}" does not work in this version.`);
    throw new MqttError('not-found', 'mqtt/unknown-request', `There is no request "${name.slice(0, 64)}". Known are info, health_check, health and players.`);
  }

  info(): Readonly<Record<string, unknown>> {
    const { version, instance, url, settings, link } = this.#options;
    return {
      version,
      node: process.version,
      os: `${process.platform} ${process.arch}`,
      instance,
      ...(url === undefined ? {} : { url }),
      mqtt: { server: settings.url, version: link.version, prefix: settings.prefix, qos: settings.qos, retain: settings.retain },
      discovery: { enabled: settings.discovery.enabled, prefix: settings.discovery.prefix },
      restart_required: false,
    };
  }

  #players(): readonly object[] {
    const features = Object.entries(writableKeys).filter(([, row]) => row.supported).map(([key]) => key);
    return this.#options.zones.map(({ id, name }) => ({ id, name, topic: this.#options.topics.of('zoneState', { zone: id }), features }));
  }

  #health(): Readonly<Record<string, unknown>> {
    const { clock, link } = this.#options;
    const { rss, heapUsed } = process.memoryUsage();
    return {
      uptime: Math.round((clock.monotonic() - this.#started) / 1000),
      memory_mb: megabytes(rss),
      heap_mb: megabytes(heapUsed),
      mqtt: { ...link.counters },
      updated_at: new Date(clock.now()).toISOString(),
    };
  }

  #showHealth(): void {
    void this.#options.outlet.send('bridgeHealth', {}, this.#health(), { again: true });
  }

  #tell(zone: ZoneView, notice: { readonly code: string; readonly message: string } | null): void {
    const data = notice === null ? { zone: zone.id, code: null } : { zone: zone.id, code: notice.code, message: notice.message };
    void this.#options.outlet.send('bridgeEvent', {}, { type: 'notice', data });
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end[Symbol.dispose]();
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 104_857.6) / 10;
}

