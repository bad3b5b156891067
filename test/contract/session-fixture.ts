import { Scope, Secret, systemClock, type Clock, type Log, type LogFields, type LogLevel, type TonearmError } from '#foundation';
import { openCloud, type Account, type CatalogueEntry, type Cloud, type CloudOptions } from '#simulator';
import { defaultClientId, openSession, type Identity, type Session, type SessionHost, type SessionOptions } from '#spotify';
import { AuthType, DeviceType, MemberType, PutStateReason, type Input, type PutStateRequest } from '#spotify/wire';
import { noPrograms } from '../kit/no-programs.ts';

export const identity: Identity = { deviceId: 'a1'.repeat(20), name: 'Kitchen', brand: 'Tonearm', model: 'Tonearm', version: '0.1.0', clientId: defaultClientId };

const bytes = (seed: number, length = 4000) => Buffer.from(Array.from({ length }, (_, at) => (at * seed) & 0xff));
const vorbis = (seed: number) => ({ format: 2, content: { bytes: bytes(seed) } });

/** A few items, among them the odd ones. */
export const catalogue: readonly CatalogueEntry[] = [
  {
    title: 'Plain',
    artists: ['Somebody', 'Somebody Else'],
    album: 'Album',
    number: 1,
    duration: 200_000,
    explicit: true,
    files: [vorbis(3), { format: 0, content: { bytes: bytes(5) } }],
    loudness: { integrated: -9.5, peak: -0.5, albumIntegrated: -10, albumPeak: -0.25 },
  },
  { title: 'Second', artists: ['Somebody'], album: 'Album', number: 2, duration: 180_000, files: [vorbis(7)], filesIn: 'track', loudness: null },
  { title: 'Relinked', artists: ['Somebody'], album: 'Album', number: 3, duration: 170_000, files: [vorbis(11)], restrictions: [{ forbidden: ['SE'] }], alternatives: ['Stand-in'] },
  { title: 'Stand-in', artists: ['Somebody'], album: 'Other Album', duration: 170_000, files: [vorbis(13)], listed: false },
  { title: 'Forbidden', artists: ['Somebody'], album: 'Album', number: 4, duration: 160_000, files: [vorbis(17)], restrictions: [{ allowed: [] }] },
  { title: 'Flac only', artists: ['Somebody'], album: 'Album', number: 5, duration: 150_000, files: [{ format: 16, content: { bytes: bytes(19) } }] },
  { title: 'Short id', artists: ['Somebody'], album: 'Album', number: 6, duration: 150_000, files: [{ format: 2, id: Buffer.alloc(16, 9), content: { bytes: bytes(23) } }] },
  { kind: 'episode', title: 'Talk', artists: ['Publisher'], album: 'Show', duration: 1_800_000, files: [{ format: 0, content: { bytes: bytes(29) } }] },
];

export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
}

/** Everything a test of a session needs, and everything that must be looked at afterwards. */
export class Table implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly account: Account;
  readonly host: SessionHost;
  readonly lines: LogLine[] = [];
  readonly troubles: TonearmError[] = [];
  readonly stored = new Map<string, unknown>();
  readonly #scope = new Scope();

  private constructor(cloud: Cloud, clock: Clock) {
    this.cloud = this.#scope.use(cloud);
    this.account = cloud.accounts.get('listener');
    const values = (prefix: string) => ({
      read: (name: string) => Promise.resolve(this.stored.get(prefix + name) ?? null),
      write: (name: string, value: unknown) => Promise.resolve(void this.stored.set(prefix + name, value)),
    });
    this.host = {
      clock,
      log: recorder(this.lines),
      store: { ...values('plain/'), sealed: values('sealed/') },
      programs: noPrograms,
    };
  }

  static async open(options: CloudOptions = {}, clock: Clock = systemClock): Promise<Table> {
    return new Table(await openCloud({ catalogue, ...options }), clock);
  }

  /** As a phone's pairing would: with the credentials of its blob. */
  async session(options: Partial<SessionOptions> = {}): Promise<Session> {
    const { data } = this.cloud.accounts.pairingCredential(this.account);
    const session = await openSession({
      identity,
      endpoints: this.cloud.endpoints,
      credentials: { username: this.account.name, type: AuthType.stored, data: new Secret<Uint8Array>(data) },
      host: this.host,
      onTrouble: (error) => this.troubles.push(error),
      ...options,
    });
    return this.#scope.use(session);
  }

  uri(title: string): string {
    return this.cloud.catalogue.get(title).uri;
  }

  /** How often something was asked of the cloud. */
  count(name: string): number {
    return this.cloud.counters.view.byName[name] ?? 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

/** The least a strict cloud accepts as a new device. */
export function hello(session: Session, reason: number = PutStateReason.NEW_DEVICE): Input<PutStateRequest> {
  return {
    memberType: MemberType.CONNECT_STATE,
    putStateReason: reason,
    clientSideTimestamp: session.now(),
    device: {
      deviceInfo: {
        canPlay: true,
        volume: 32_768,
        name: identity.name,
        deviceId: identity.deviceId,
        deviceType: DeviceType.SPEAKER,
        deviceSoftwareVersion: identity.version,
        spircVersion: '3.2.6',
        clientId: identity.clientId,
        brand: identity.brand,
        model: identity.model,
        license: 'premium',
        capabilities: { canBePlayer: true, isControllable: true, isObservable: true, commandAcks: true, supportsGzipPushes: true, supportsCommandRequest: true, supportsTransferCommand: true, supportsPlaylistV2: true, supportsSetOptionsCommand: true, gaiaEqConnectId: true, volumeSteps: 64, supportedTypes: ['audio/track', 'audio/episode'] },
      },
      playerState: { sessionId: 'session', playbackSpeed: 1, isSystemInitiated: true, options: {}, playOrigin: {}, suppressions: {}, timestamp: session.now() },
    },
  };
}

/** A signal that ends a test that hangs. */
export function patience(ms = 10_000): AbortSignal {
  return AbortSignal.timeout(ms);
}

/** Lets sockets and promises work until `test` holds. */
export async function until(test: () => boolean, most = 10_000): Promise<void> {
  const end = performance.now() + most;
  while (!test()) {
    if (performance.now() > end) throw new Error(`never came: ${test.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function recorder(lines: LogLine[]): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => void lines.push({ level, text: `${message} ${JSON.stringify(fields ?? {}, show)}` });
  const log: Log = { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}

/** Errors with everything in them, so that nothing can hide in a cause. */
function show(_key: string, value: unknown): unknown {
  return value instanceof Error ? { ...Object.fromEntries(Object.entries(value)), message: value.message, cause: value.cause, stack: value.stack } : value;
}
