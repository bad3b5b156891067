import { type Accounts, answerAccountRequest, type Condition, type Health, isAccountRequest, shownLogin, type ZoneView } from '#core';
import { type Clock, every, maskUser } from '#foundation';
import type { Link } from './link.ts';
import type { Outlet } from './outlet.ts';
import type { MqttSettings } from './settings.ts';
import type { Topics } from './topics.ts';
import { type BridgeRequest, MqttError, writableKeys } from './wire/index.ts';

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
  readonly accounts?: Accounts | undefined;
  readonly health?: Health | undefined;
}

type Answer = Readonly<Record<string, unknown>>;

/** The topics below `bridge/`: who we are and how we are. */
export class Bridge implements Disposable {
  readonly #options: BridgeOptions;
  readonly #started: number;
  readonly #ends: Disposable[];
  /** What was last said about each part. */
  readonly #told = new Map<string, string | null>();

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
      ...(options.accounts ? this.#follow(options.accounts) : []),
      ...(options.health ? [options.health.events.on('changed', (condition) => this.#conditionChanged(condition))] : []),
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
  answer(name: string, { argument, fields }: Pick<BridgeRequest, 'argument' | 'fields'>, signal: AbortSignal): Answer | Promise<Answer> {
    switch (name) {
      case 'info':
        return this.info();
      case 'health_check':
        return this.#check();
      case 'health':
        return this.#health();
      case 'players':
        return { players: this.#players() };
      default:
    }
    const { accounts } = this.#options;
    const [group, asked = ''] = name.split('/');
    if (accounts && group === 'account' && isAccountRequest(asked)) {
      const rest = Object.entries(fields).filter(([key]) => key !== 'transaction');
      return answerAccountRequest(accounts, asked, argument ?? Object.fromEntries(rest), maskUser, signal);
    }
    if (laterRequests.has(name)) throw new MqttError('unavailable', 'mqtt/not-supported', `The request "${name}" does not work in this version.`);
    throw new MqttError('not-found', 'mqtt/unknown-request', `There is no request "${name.slice(0, 64)}". Known are info, health_check, health, players, and those below account/.`);
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
      ...Object.fromEntries(this.#conditions().map(({ part, code, message, details }) => [part, { code, message, ...details }])),
      ...this.#accountHealth(),
      updated_at: new Date(clock.now()).toISOString(),
    };
  }

  #check(): Answer {
    const problems = this.#conditions().flatMap(({ part, code, message }) => (code === null ? [] : [{ part, code, message }]));
    return { healthy: problems.length === 0, ...(problems.length > 0 && { problems }) };
  }

  #conditions(): readonly Condition[] {
    return this.#options.health?.conditions ?? [];
  }

  #conditionChanged({ part, code, message }: Condition): void {
    this.#showHealth();
    const known = this.#told.get(part) ?? null;
    this.#told.set(part, code);
    if (code !== known) void this.#options.outlet.send('bridgeEvent', {}, { type: 'health', data: { part, code, message } });
  }

  #showHealth(): void {
    void this.#options.outlet.send('bridgeHealth', {}, this.#health(), { again: true });
  }

  #accountHealth(): Answer {
    const picture = this.#options.accounts?.picture;
    if (!picture) return {};
    const { accounts, web, questions } = picture;
    return {
      accounts: {
        remembered: accounts.length,
        login_needed: accounts.filter(({ state }) => state === 'login-needed').length,
        questions: questions.length,
        web_logins: web.map(({ id, state, daysLeft }) => ({ id, state, days_left: daysLeft })),
      },
    };
  }

  /** What happens to accounts, as events; names are shortened, because topics are read by many. */
  #follow({ events }: Accounts): Disposable[] {
    const say = (type: string, data: object) => void this.#options.outlet.send('bridgeEvent', {}, { type, data });
    return [
      events.on('login', (login) => {
        // Picture and page are for whoever began the login; they have them.
        say('login', shownLogin({ ...login, qr: null, page: null }, maskUser));
      }),
      events.on('question', ({ question, answer }) => {
        const { id, zone, account, active, phone, ends } = question;
        say('guest_question', { question: id, zone, answer, account: maskUser(account), active: maskUser(active), phone, ends: new Date(ends).toISOString() });
      }),
      events.on('refused', ({ zone, account, why }) => say('guest_refused', { zone, account: maskUser(account), code: why.code, message: why.message })),
      events.on('ending', ({ login, notice }) => {
        say('login_ending', { login: login.id, state: login.state, days_left: login.daysLeft, code: notice.code, message: notice.message });
        this.#showHealth();
      }),
    ];
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

