/** What can play. One folder each; they do not know each other. */
export { openReceiver, type Receiver, type ReceiverSettings } from './connect/receiver.ts';
