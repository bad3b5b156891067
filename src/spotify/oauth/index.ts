/** Logging in without a phone beside the speaker: in a browser, or with a code on another screen (`connect-session.md §9`). */
import type { Clock } from '#foundation';
import type { CloudEndpoints, NetworkOptions } from '../ports.ts';
import { HttpClient } from '../web/http-client.ts';
import { OAuth } from './oauth.ts';

export { OAuth, type DevicePoll, type DeviceStart, type Grant, type OAuthOptions } from './oauth.ts';
export { challengeOf, makeProof, type Proof } from './pkce.ts';
export { readRedirect, type Returned } from './redirect.ts';
export { playbackScopes, webScopes } from './scopes.ts';

/** A client of the accounts service with connections of its own, to be closed after use: logins are rare. */
export function openOAuth({ endpoints, network, clock, version, clientId, scopes }: {
  readonly endpoints: Pick<CloudEndpoints, 'accounts' | 'certificates'>;
  readonly network?: Pick<NetworkOptions, 'proxy'> | undefined;
  readonly clock: Clock;
  readonly version: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}): OAuth {
  const http = new HttpClient({ clock, userAgent: `tonearm/${version}`, certificates: endpoints.certificates, proxy: network?.proxy });
  return new OAuth({ http, url: endpoints.accounts, clientId, scopes });
}
