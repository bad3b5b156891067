import { type Accounts, type AccountView, type Automations, type Condition, type Control, type Health, type LogLines, type Presets, shownLogin, type TagRead, type TagsPicture, type ZoneView } from '#core';
import { type Clock, every, maskUser } from '#foundation';
import { type Answer, answerRequest, type RequestPorts } from './bridge-requests.ts';
import { automationsView, presetView, runView, tagReadView, tagsView } from './bridge-views.ts';
import type { Link } from './link.ts';
import type { Outlet } from './outlet.ts';
import type { MqttSettings } from './settings.ts';
import type { Topics } from './topics.ts';
import type { TreeWatch } from './tree-watch.ts';
import { type BridgeRequest, writableKeys } from './wire/index.ts';

/** Milliseconds. */
const healthEvery = 600_000;

export interface BridgeOptions {
  readonly zones: readonly ZoneView[];
  readonly outlet: Outlet;
  readonly topics: Topics;
  readonly link: Pick<Link, 'counters' | 'version' | 'rival'>;
  readonly settings: MqttSettings;
  readonly clock: Clock;
  readonly version: string;
  readonly instance: string;
  /** Of this process, so that a second one with our name is told apart. */
  readonly run: string;
  readonly url: string | undefined;
  readonly watch?: Pick<TreeWatch, 'rival'> | undefined;
  readonly accounts?: Accounts | undefined;
  readonly presets?: Presets | undefined;
  readonly automations?: Automations | undefined;
  readonly control?: Control | undefined;
  readonly lines?: LogLines | undefined;
  readonly vitals?: (() => Answer) | undefined;
  readonly health?: Health | undefined;
}

/** The topics below `bridge/`: who we are and how we are. */
export class Bridge implements Disposable {
  readonly #options: BridgeOptions;
  readonly #ports: RequestPorts;
  readonly #started: number;
  readonly #ends: Disposable[];
  /** How often sound has had to wait for bytes. */
  #underruns = 0;
  /** What was last said about each part. */
  readonly #told = new Map<string, string | null>();

  constructor(options: BridgeOptions) {
    const { clock, zones, accounts, presets, automations, control, lines, health } = options;
    this.#options = options;
    this.#started = clock.monotonic();
    this.#ports = {
      zones, accounts, presets, automations, control, lines,
      shown: { info: () => this.info(), health: () => this.#health(), health_check: () => this.#check(), players: () => ({ players: this.#players() }) },
    };
    this.#ends = [
      every(clock, healthEvery, () => this.#showHealth()),
      ...zones.map((zone) =>
        zone.player.events.on('changed', ({ state, previous }) => {
          if (state.status === 'stalled' && previous.status !== 'stalled') this.#underruns += 1;
          if (state.notice?.code !== previous.notice?.code) this.#tell(zone, state.notice);
        }),
      ),
      ...(accounts ? this.#follow(accounts) : []),
      ...(control ? [control.events.on('changed', () => this.showInfo())] : []),
      ...(automations ? [automations.events.on('changed', () => this.#showAutomations(false)), automations.events.on('ran', (run) => this.say('automation', runView(run)))] : []),
      ...(automations?.tags ? [automations.tags.events.on('changed', (picture) => this.#showTags(picture, false)), automations.tags.events.on('read', (read) => this.#tagRead(read))] : []),
      ...(health ? [health.events.on('changed', (condition) => this.#conditionChanged(condition))] : []),
    ];
  }

  showState(): void {
    void this.#options.outlet.send('bridgeState', {}, { state: 'online' }, { again: true });
  }

  showRest(): void {
    this.showInfo(true);
    void this.#options.outlet.send('bridgePlayers', {}, this.#players(), { again: true });
    this.#showHealth();
  }

  /** Everything that comes and goes; after Home Assistant was told of it. */
  showLists(again = true): void {
    const { outlet, presets } = this.#options;
    if (presets) void outlet.send('bridgePresets', {}, presets.list.map(presetView), { again });
    this.#showAutomations(again);
    const tags = this.#options.automations?.tags?.picture ?? null;
    this.#showTags(tags, again);
    this.#showTag(tags, again);
  }

  showInfo(again = false): void {
    void this.#options.outlet.send('bridgeInfo', {}, this.info(), { again });
  }

  /** Resolves when the broker knows. */
  async hide(): Promise<void> {
    this[Symbol.dispose]();
    await this.#options.outlet.send('bridgeState', {}, { state: 'offline' });
  }

  /** Answers `bridge/request/<name>`; throws `MqttError` for what cannot be answered. */
  answer(name: string, request: Pick<BridgeRequest, 'argument' | 'fields'>, signal: AbortSignal): Answer | Promise<Answer> {
    return answerRequest(this.#ports, name, request, signal);
  }

  /** Tells on `bridge/event`. */
  say(type: string, data: object): void {
    void this.#options.outlet.send('bridgeEvent', {}, { type, data });
  }

  info(): Answer {
    const { version, instance, run, url, settings, link, control } = this.#options;
    return {
      version,
      latest_version: version,
      node: process.version,
      os: `${process.platform} ${process.arch}`,
      instance,
      run,
      ...(url === undefined ? {} : { url }),
      mqtt: { server: settings.url, version: link.version, prefix: settings.prefix, qos: settings.qos, retain: settings.retain },
      discovery: { enabled: settings.discovery.enabled, prefix: settings.discovery.prefix },
      ...(control && { log_level: control.logLevel }),
      restart_required: control?.restartRequired ?? false,
    };
  }

  #players(): readonly object[] {
    return this.#options.zones.map(({ id, name, area = null }) => ({ id, name, area, topic: this.#options.topics.of('zoneState', { zone: id }), features: Object.keys(writableKeys) }));
  }

  /** Empty where there are none: what an earlier configuration has left on the broker goes. */
  #showAutomations(again: boolean): void {
    const { automations, outlet } = this.#options;
    void outlet.send('bridgeAutomations', {}, automations ? automationsView(automations.picture) : '', { again });
  }

  /** As automations. */
  #showTags(picture: TagsPicture | null, again: boolean): void {
    void this.#options.outlet.send('bridgeTags', {}, picture ? tagsView(picture) : '', { again });
  }

  #showTag(picture: Pick<TagsPicture, 'last'> | null, again: boolean): void {
    void this.#options.outlet.send('bridgeTag', {}, picture ? tagReadView(picture.last) : '', { again });
  }

  #tagRead(read: TagRead): void {
    this.#showTag({ last: read }, false);
    this.say('tag', tagReadView(read));
  }

  #health(): Answer {
    const { clock, link, vitals } = this.#options;
    const { rss, heapUsed } = process.memoryUsage();
    const line = this.#lineCondition();
    return {
      uptime: Math.round((clock.monotonic() - this.#started) / 1000),
      memory_mb: megabytes(rss),
      heap_mb: megabytes(heapUsed),
      ...vitals?.(),
      underruns: this.#underruns,
      mqtt: { ...link.counters, ...(line && { code: line.code, message: line.message, ...line.details }) },
      ...Object.fromEntries(this.#parts().map(({ part, code, message, details }) => [part, { code, message, ...details }])),
      ...this.#accountHealth(),
      updated_at: new Date(clock.now()).toISOString(),
    };
  }

  #check(): Answer {
    const line = this.#lineCondition();
    const problems = [...this.#parts(), ...(line ? [line] : [])].flatMap(({ part, code, message }) => (code === null ? [] : [{ part, code, message }]));
    return { healthy: problems.length === 0, ...(problems.length > 0 && { problems }) };
  }

  #parts(): readonly Condition[] {
    return this.#options.health?.conditions ?? [];
  }

  /** Somebody else with our name, or on our topics. */
  #lineCondition(): Condition | null {
    const { link, watch } = this.#options;
    if (link.rival) {
      const { since, times } = link.rival;
      return { part: 'mqtt', code: 'mqtt/taken-over', message: 'Another client uses our name at the MQTT broker. Give each Tonearm its own "mqtt.clientId" and "mqtt.prefix".', details: { since: new Date(since).toISOString(), times } };
    }
    const rival = watch?.rival;
    if (!rival) return null;
    return { part: 'mqtt', code: 'mqtt/another-bridge', message: `Another Tonearm (${rival.instance}) writes on our MQTT topics. Give each its own "mqtt.prefix".`, details: { since: new Date(rival.since).toISOString() } };
  }

  #conditionChanged({ part, code, message }: Condition): void {
    this.#showHealth();
    const known = this.#told.get(part) ?? null;
    this.#told.set(part, code);
    if (code !== known) this.say('health', { part, code, message });
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
    return [
      events.on('login', (login) => {
        // Picture and page are for whoever began the login; they have them.
        this.say('login', shownLogin({ ...login, qr: null, page: null }, maskUser));
      }),
      events.on('question', ({ question, answer }) => {
        const { id, zone, account, active, phone, ends } = question;
        this.say('guest_question', { question: id, zone, answer, account: maskUser(account), active: maskUser(active), phone, ends: new Date(ends).toISOString() });
      }),
      events.on('refused', ({ zone, account, why }) => this.say('guest_refused', { zone, account: maskUser(account), code: why.code, message: why.message })),
      events.on('ending', ({ login, notice }) => {
        this.say('login_ending', { login: login.id, state: login.state, days_left: login.daysLeft, code: notice.code, message: notice.message });
        this.#showHealth();
      }),
    ];
  }

  #tell(zone: ZoneView, notice: { readonly code: string; readonly message: string } | null): void {
    this.say('notice', notice === null ? { zone: zone.id, code: null } : { zone: zone.id, code: notice.code, message: notice.message });
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end[Symbol.dispose]();
  }
}

/** Accounts of a zone as topics call them: shortened, and told apart where that makes them equal. */
export function accountLabels(accounts: readonly AccountView[], zone: string): readonly { readonly id: string; readonly name: string; readonly label: string }[] {
  const here = accounts.filter((account) => account.zone === zone).map(({ id, name }) => ({ id, name, label: maskUser(name) }));
  return here.map((one) => (here.some(({ id, label }) => id !== one.id && label === one.label) ? { ...one, label: `${one.label} (${one.id})` } : one));
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 104_857.6) / 10;
}
