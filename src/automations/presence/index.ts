export { openPresence } from './presence.ts';
export { PresenceSettings } from './settings.ts';
