import { encodeAttributesMutation, encodeAttributesUpdate, encodeLogout, encodePlaylistModification, encodeSetVolume } from '#spotify/wire';
import type { Account } from '../accounts.ts';
import type { Dealer } from './dealer.ts';

const bytes = { 'Content-Type': 'application/octet-stream' } as const;

/** Everything the cloud tells devices that is neither a command nor a cluster (connect-control §1.5). False: not connected. */
export class Pushes {
  readonly #dealer: Dealer;

  constructor(dealer: Dealer) {
    this.#dealer = dealer;
  }

  /** The user took the device off the account. */
  logout(device: string): boolean {
    return this.#dealer.push(device, { uri: 'hm://connect-state/v1/connect/logout', headers: bytes, payload: encodeLogout({ commandOptions: { messageId: 1 } }) });
  }

  /** Any volume at all, also one out of range. */
  volume(device: string, volume: number): boolean {
    return this.#dealer.push(device, { uri: 'hm://connect-state/v1/connect/volume', headers: bytes, payload: encodeSetVolume({ volume }) });
  }

  /** A playlist has changed: all devices of the user hear of it. */
  playlistChanged(account: Account, uri: string): void {
    const payload = encodePlaylistModification({ uri });
    this.#toAll(account, { uri: `hm://playlist/v2/playlist/${uri.split(':').at(-1) ?? ''}`, headers: bytes, payload });
  }

  /** Account attributes have new values. */
  attributes(account: Account, values: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(values)) account.attributes.set(key, value);
    this.#toAll(account, { uri: 'spotify:user:attributes:update', headers: bytes, payload: encodeAttributesUpdate(new Map(Object.entries(values))) });
  }

  /** Attributes valued "0" or "1" have flipped. */
  flipped(account: Account, names: readonly string[]): void {
    for (const name of names) account.attributes.set(name, account.attributes.get(name) === '1' ? '0' : '1');
    this.#toAll(account, { uri: 'spotify:user:attributes:mutated', headers: bytes, payload: encodeAttributesMutation(names) });
  }

  /** Any text as a frame. */
  raw(device: string, text: string): boolean {
    const connection = this.#dealer.ofDevice(device);
    connection?.push(text);
    return connection !== null;
  }

  /** Closes the socket of a device in order, as before a redeployment. */
  close(device: string, code = 1001, reason = 'going to be redeployed'): boolean {
    const connection = this.#dealer.ofDevice(device);
    connection?.close(code, reason);
    return connection !== null;
  }

  #toAll(account: Account, message: Parameters<Dealer['push']>[1]): void {
    for (const connection of this.#dealer.connections) {
      if (connection.account === account && connection.phone === null && connection.device !== null) this.#dealer.push(connection.device, message);
    }
  }
}
