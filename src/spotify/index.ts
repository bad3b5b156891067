/** The protocol stack: one account logged in for one device, and how phones find the speaker. Knows nothing of players. */
export * from './ports.ts';
export * from './session-contract.ts';
export { openSession } from './session.ts';
export type { Visitor } from './discovery/pairing-desk.ts';
export { openDiscovery, type Discovery, type DiscoveryHost, type DiscoveryOptions } from './discovery/discovery.ts';
export type { Bitrate, Resolved } from './web/metadata.ts';
export type { StoredFile } from './web/storage.ts';
export type { DealerMessage } from './dealer/dealer.ts';
export * from './oauth/index.ts';
