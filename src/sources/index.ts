/** What can play. One folder each; they do not know each other. */
export { openReceiver, type Receiver } from './connect/receiver.ts';
export type { ReceiverSettings } from './connect/receiver-settings.ts';
export { loginSeat } from './connect/accounts/login-seat.ts';
export { openAccounts, usualAccounts, type AccountsOptions, type AccountsSettings, type OpenAccounts } from './connect/accounts/accounts.ts';
export { openSounds, type SoundsOptions } from './sounds/sounds.ts';
export { SoundsSettings } from './sounds/settings.ts';
