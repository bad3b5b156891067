import type { Events, TonearmError } from '#foundation';
import type { Bitrate, Cluster, CommandRequest, Context, Input, PutStateRequest } from '#spotify/wire';
import type { DealerMessage } from './dealer/dealer.ts';
import type { CloudEndpoints, Credentials, Identity, NetworkOptions, SessionHost } from './ports.ts';
import type { Resolved } from './web/metadata.ts';
import type { StoredFile } from './web/storage.ts';

export interface SessionOptions {
  readonly identity: Identity;
  readonly endpoints: CloudEndpoints;
  readonly credentials: Credentials;
  readonly host: SessionHost;
  readonly network?: NetworkOptions | undefined;
  /** Wished kbit/s of music; 320 unless told. */
  readonly bitrate?: Bitrate | undefined;
  /** Gives up opening, or ends the session. */
  readonly signal?: AbortSignal | undefined;
  /** Told of what is wrong while it is tried again, also before `openSession` has resolved. */
  readonly onTrouble?: ((error: TonearmError) => void) | undefined;
}

export interface SessionEvents {
  /** The command channel is up with a fresh connection id: register the device anew. */
  connected: { readonly connectionId: string };
  /** The command channel is down; it reconnects by itself. */
  disconnected: { readonly reason: TonearmError };
  /** A phone's command. The first `reply` counts; without one it is declined after 8 s. */
  request: { readonly request: CommandRequest; readonly raw: unknown; readonly reply: (success: boolean) => void };
  message: DealerMessage;
  account: { readonly attributes: ReadonlyMap<string, string>; readonly country: string | null };
  /** Credentials refused, or not a Premium account: over for good. */
  ended: { readonly error: TonearmError };
}

/** One account logged in for one device: everything the cloud does for it. */
export interface Session extends AsyncDisposable {
  /** Canonical name. */
  readonly username: string;
  /** Two letters, once known. */
  readonly country: string | null;
  /** Product info, kept up to date. */
  readonly attributes: ReadonlyMap<string, string>;
  /** `null` while the command channel is down. */
  readonly connectionId: string | null;
  /** Reusable ones: keep these, not what the phone sent. */
  readonly credentials: Credentials;
  readonly events: Events<SessionEvents>;
  /** Server time in Unix milliseconds (`connect-control.md §10.4`). */
  now(): number;
  /** Connection id there, and country and product known or waited for 5 s (`connect-session.md §5.2`). */
  ready(signal: AbortSignal): Promise<void>;
  /** See `ConnectState.put` for the codes to act upon. */
  putState(request: Input<PutStateRequest> | (() => Input<PutStateRequest>), signal: AbortSignal): Promise<Cluster>;
  putInactive(signal: AbortSignal): Promise<void>;
  removeDevice(signal: AbortSignal): Promise<void>;
  resolveContext(uri: string, signal: AbortSignal): Promise<Context>;
  fetchPage(hmUrl: string, signal: AbortSignal): Promise<Context>;
  autoplay(contextUri: string, recent: readonly string[], signal: AbortSignal): Promise<Context>;
  /** `spotify/restricted` (forbidden), `spotify/not-found`, `spotify/no-file` say why it cannot be played. */
  metadata(uri: string, signal: AbortSignal): Promise<Resolved>;
  /** 16 bytes; `spotify/key-refused` (forbidden), `spotify/key-throttled` (unavailable, `retryAfter`). */
  audioKey(gid: Uint8Array, fileId: Uint8Array, signal: AbortSignal): Promise<Buffer>;
  storage(fileId: Uint8Array, format: number, signal: AbortSignal): Promise<StoredFile>;
  /** Where the listener stopped in an episode, in milliseconds; 0 when that cannot be told. */
  resumePoint(uri: string, signal: AbortSignal): Promise<number>;
  /** Keeps it for the next time. Never fails but by its signal or the end of the session. */
  keepResumePoint(uri: string, position: number | 'finished', signal: AbortSignal): Promise<void>;
}
