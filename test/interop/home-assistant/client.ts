import { WebSocket } from 'ws';
import { until } from '../../scenario/house.ts';
import { type Running } from '../lan.ts';

export interface EntityState {
  readonly entity_id: string;
  readonly state: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly last_updated: string;
}

export interface RegistryEntry {
  readonly entity_id: string;
  readonly unique_id: string;
  readonly platform: string;
  readonly device_id: string | null;
  readonly entity_category: string | null;
  readonly disabled_by: string | null;
}

export interface Device {
  readonly id: string;
  readonly name: string;
  readonly identifiers: readonly (readonly [string, string])[];
  readonly manufacturer: string | null;
  readonly model: string | null;
  readonly sw_version: string | null;
  readonly via_device_id: string | null;
}

interface Answer {
  readonly id: number;
  readonly type: string;
  readonly success?: boolean;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  readonly event?: { readonly data: { readonly entity_id: string; readonly new_state: EntityState | null } };
}

export interface FlowStep {
  readonly flow_id: string;
  readonly type: string;
  readonly step_id?: string;
  readonly errors?: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly data_schema?: readonly { readonly name: string }[];
}

/** One user of Home Assistant's REST and WebSocket API, who sees every state. */
export class Client implements Disposable {
  readonly #url: string;
  #token = '';
  #socket: WebSocket | null = null;
  #last = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  /** Every state there is now. */
  readonly states = new Map<string, EntityState>();
  /** Every change since the last `forget`. */
  readonly changes: EntityState[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  /** Waits until it answers; gives up when its process has ended. */
  async reachable(running: Running): Promise<void> {
    const { child } = running;
    for (let tries = 0; ; tries++) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Home Assistant ended:\n${running.output.slice(-3000)}`);
      const isUp = await fetch(`${this.#url}/manifest.json`, { signal: AbortSignal.timeout(5000) }).then(({ ok }) => ok, () => false);
      if (isUp) return;
      if (tries > 2400) throw new Error(`Home Assistant does not answer:\n${running.output.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Makes the first user, as a newcomer does; the rest of the welcome would add services of the internet. */
  async signUp(): Promise<void> {
    const client = `${this.#url}/`;
    const person = { client_id: client, name: 'Owner', username: 'owner', password: 'one two three', language: 'en' };
    const { auth_code } = await this.post<{ auth_code: string }>('/api/onboarding/users', person);
    const form = new URLSearchParams({ grant_type: 'authorization_code', code: auth_code, client_id: client });
    const answer = await fetch(`${this.#url}/auth/token`, { method: 'POST', body: form });
    this.#token = ((await answer.json()) as { access_token: string }).access_token;
    await this.connect();
  }

  /** Sets up the MQTT integration through its own dialogue. */
  async addMqtt(port: number): Promise<void> {
    let step = await this.post<FlowStep>('/api/config/config_entries/flow', { handler: 'mqtt', show_advanced_options: false });
    // Newer ones ask for certificates in a section of its own.
    const others = (step.data_schema ?? []).some(({ name }) => name === 'other_settings') ? { other_settings: { set_client_cert: false, set_ca_cert: 'off' } } : {};
    if (step.type === 'form') step = await this.post<FlowStep>(`/api/config/config_entries/flow/${step.flow_id}`, { broker: '127.0.0.1', port, ...others });
    if (step.type !== 'create_entry') throw new Error(`The dialogue of the MQTT integration went elsewhere: ${JSON.stringify(step)}`);
  }

  /** Goes through the dialogue of an integration, one answer for each form; the last step it came to. */
  async addIntegration(handler: string, ...answers: readonly object[]): Promise<FlowStep> {
    let step = await this.post<FlowStep>('/api/config/config_entries/flow', { handler, show_advanced_options: false });
    for (const answer of answers) step = await this.post<FlowStep>(`/api/config/config_entries/flow/${step.flow_id}`, answer);
    return step;
  }

  async post<T = unknown>(path: string, body: object): Promise<T> {
    const answer = await fetch(`${this.#url}${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...(this.#token && { Authorization: `Bearer ${this.#token}` }) }, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async remove(path: string): Promise<void> {
    const answer = await fetch(`${this.#url}${path}`, { method: 'DELETE', headers: { Authorization: `Bearer ${this.#token}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }

  /** Bytes at an address of Home Assistant. */
  async bytes(path: string): Promise<{ readonly type: string; readonly status: number; readonly bytes: Buffer }> {
    const answer = await fetch(`${this.#url}${path}`, { headers: { Authorization: `Bearer ${this.#token}` } });
    return { type: answer.headers.get('content-type') ?? '', status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
  }

  async connect(): Promise<void> {
    this.hangUp();
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/api/websocket`);
    const isIn = new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('Home Assistant has hung up.')));
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as Answer;
        if (message.type === 'auth_required') socket.send(JSON.stringify({ type: 'auth', access_token: this.#token }));
        else if (message.type === 'auth_ok') resolve();
        else if (message.type === 'auth_invalid') reject(new Error('Home Assistant does not know us.'));
        else this.#hear(message);
      });
    });
    await isIn;
    this.#socket = socket;
    await this.call('subscribe_events', { event_type: 'state_changed' });
    this.states.clear();
    for (const state of await this.call<EntityState[]>('get_states')) this.states.set(state.entity_id, state);
  }

  hangUp(): void {
    this.#socket?.removeAllListeners('message');
    this.#socket?.terminate();
    this.#socket = null;
    this.states.clear();
  }

  async call<T = unknown>(type: string, fields: object = {}): Promise<T> {
    const socket = this.#socket;
    if (!socket) throw new Error('Not connected to Home Assistant.');
    const id = ++this.#last;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Home Assistant did not answer ${type}.`)), 20_000);
      this.#waiting.set(id, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
      socket.send(JSON.stringify({ id, type, ...fields }));
    });
    if (answer.success !== true) throw new Error(`${type} ${JSON.stringify(fields)}: ${answer.error?.message ?? 'no reason'}`);
    return answer.result as T;
  }

  /** `number.set_value`, with the fields of the action. */
  async act(action: string, entity: string | null, data: object = {}): Promise<void> {
    const [domain, service] = action.split('.');
    await this.call('call_service', { domain, service, service_data: data, ...(entity !== null && { target: { entity_id: entity } }) });
  }

  entities(): Promise<readonly RegistryEntry[]> {
    return this.call('config/entity_registry/list');
  }

  devices(): Promise<readonly Device[]> {
    return this.call('config/device_registry/list');
  }

  stateOf(entity: string): string | undefined {
    return this.states.get(entity)?.state;
  }

  /** Waits until the entity is in that state. */
  async shows(entity: string, wanted: string | RegExp | ((state: string) => boolean), limit = 10_000): Promise<EntityState> {
    const fits = (state: string) => (typeof wanted === 'string' ? state === wanted : typeof wanted === 'function' ? wanted(state) : wanted.test(state));
    return await until(`${entity} is ${String(wanted)}`, () => {
      const state = this.states.get(entity);
      return state && fits(state.state) ? state : null;
    }, limit).catch(() => {
      throw new Error(`${entity} never was ${String(wanted)}; it is ${this.stateOf(entity) ?? 'not there'}.`);
    });
  }

  /** Does it again until the entity is in that state: "previous" goes to the beginning first when a track has been on for a while. */
  async actUntil(action: string, on: string, entity: string, wanted: string): Promise<void> {
    for (let tries = 0; tries < 6; tries++) {
      await this.act(action, on);
      const isThere = await this.shows(entity, wanted, 2500).then(() => true, () => false);
      if (isThere) return;
    }
    await this.shows(entity, wanted);
  }

  forget(): void {
    this.changes.length = 0;
  }

  #hear(message: Answer): void {
    if (message.type === 'event' && message.event) {
      const { entity_id, new_state } = message.event.data;
      if (new_state) {
        this.states.set(entity_id, new_state);
        this.changes.push(new_state);
      } else {
        this.states.delete(entity_id);
      }
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    waiting?.(message);
  }

  [Symbol.dispose](): void {
    this.hangUp();
  }
}
