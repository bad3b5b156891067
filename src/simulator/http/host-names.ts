import type { ServiceName } from '../journal.ts';

/** The real names of the services, for hosts files and certificates. */
export const realNames = {
  directory: 'apresolve.spotify.com',
  clientToken: 'clienttoken.spotify.com',
  login5: 'login5.spotify.com',
  accounts: 'accounts.spotify.com',
  accessPoint: 'ap-gew4.spotify.com',
  dealer: 'gew1-dealer.spotify.com',
  web: 'gew1-spclient.spotify.com',
  images: 'i.scdn.co',
} as const;

/** CDN hosts by the style of their addresses (connect-session §12.7). */
export const cdnNames = {
  verify: 'audio-cf.spotifycdn.com',
  token: 'audio-ak-spotify-com.akamaized.net',
  expires: 'audio-gm-off.spotifycdn.com',
  bare: 'audio4-fa.scdn.co',
  none: 'audio-fa.scdn.co',
} as const;

export type CdnStyle = keyof typeof cdnNames;

/** Every name a receiver may look up: one line of a hosts file. */
export const allNames: readonly string[] = [
  ...Object.values(realNames),
  'ap.spotify.com',
  'dealer.spotify.com',
  'spclient.wg.spotify.com',
  ...Object.values(cdnNames),
  'heads-fa.scdn.co',
];

const web: readonly RegExp[] = [/^spclient\.wg\.spotify\.com$/, /^[a-z0-9-]*spclient[0-9]*\.spotify\.com$/];
const patterns: Readonly<Record<Exclude<ServiceName, 'access-point'>, readonly RegExp[]>> = {
  directory: [/^apresolve\.spotify\.com$/],
  'client-token': [/^clienttoken\.spotify\.com$/],
  login5: [/^login5\.spotify\.com$/],
  accounts: [/^accounts\.spotify\.com$/],
  dealer: [/^dealer[0-9]*\.spotify\.com$/, /^[a-z0-9]+-dealer[0-9]*\.spotify\.com$/],
  'connect-state': web,
  metadata: web,
  context: web,
  storage: web,
  web,
  cdn: [/^(audio|heads)[a-z0-9-]*\.(scdn\.co|spotifycdn\.com|akamaized\.net)$/],
  images: [/^i\.scdn\.co$/],
  discovery: [],
};

/** Loopback names and addresses stand for every service. */
export function isLoopbackName(host: string): boolean {
  return host === '' || host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether this host name belongs to this service. */
export function mayServe(host: string, service: ServiceName): boolean {
  if (isLoopbackName(host)) return true;
  return service !== 'access-point' && patterns[service].some((pattern) => pattern.test(host));
}

/** Names the certificate authority signs for: ours to play, and nobody else's. */
export function isOurName(host: string): boolean {
  return isLoopbackName(host) || /(^|\.)(spotify\.com|scdn\.co|spotifycdn\.com|akamaized\.net)$/.test(host);
}
