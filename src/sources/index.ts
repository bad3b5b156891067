/** What can play. One folder each; they do not know each other. */
export { openReceiver, type Receiver, type ReceiverSettings } from './connect/receiver.ts';
export { loginSeat } from './connect/accounts/login-seat.ts';
export { openAccounts, usualAccounts, type AccountsOptions, type AccountsSettings, type OpenAccounts } from './connect/accounts/accounts.ts';
