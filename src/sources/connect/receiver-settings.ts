import type { Bitrate, CloudEndpoints, NetworkOptions } from '#spotify';
import type { OpenAccounts } from './accounts/accounts.ts';
import type { DeviceFacts } from './report.ts';
import type { Normalisation } from './resolve.ts';

/** What a zone's receiver has to be told. */
export interface ReceiverSettings {
  /** 40 hex digits, the same for ever. */
  readonly deviceId: string;
  readonly endpoints: CloudEndpoints;
  readonly network?: NetworkOptions | undefined;
  readonly bitrate: Bitrate;
  readonly normalisation: Normalisation;
  /** Whether something goes on where a context ends; as the account is set when absent. */
  readonly autoplay?: boolean | undefined;
  readonly deviceType: DeviceFacts['deviceType'];
  /** Port and address phones pair on; port 0 for any free one. */
  readonly pairing: { readonly port: number; readonly address: string };
  /** Who may play and who is remembered; this zone's own, with the usual rules, when there is none for the whole daemon. */
  readonly accounts?: OpenAccounts | undefined;
}
