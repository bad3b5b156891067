import { decode, encode, pushes, type Input } from './proto/index.ts';

/** Payloads of small dealer messages (connect-control.md §1.5). */

/** Payload of `spotify:user:attributes:update`: new values of account attributes. @throws WireError */
export function decodeAttributesUpdate(bytes: Uint8Array): ReadonlyMap<string, string> {
  return new Map(Object.entries(decode(pushes.UserAttributesUpdate, bytes).pairs));
}

export function encodeAttributesUpdate(pairs: ReadonlyMap<string, string>): Buffer {
  return encode(pushes.UserAttributesUpdate, { pairs: Object.fromEntries(pairs) });
}

/** Payload of `spotify:user:attributes:mutated`: names of attributes valued "0" or "1" that flipped. @throws WireError */
export function decodeAttributesMutation(bytes: Uint8Array): readonly string[] {
  return decode(pushes.UserAttributesMutation, bytes).fields.map((field) => field.name);
}

export function encodeAttributesMutation(names: readonly string[]): Buffer {
  return encode(pushes.UserAttributesMutation, { fields: names.map((name) => ({ name })) });
}

/** Payload of `hm://playlist/v2/playlist/…`: the uri of the playlist that changed. @throws WireError */
export function decodePlaylistModification(bytes: Uint8Array): { readonly uri: string } {
  return { uri: decode(pushes.PlaylistModificationInfo, bytes).uri.toString('utf8') };
}

export function encodePlaylistModification({ uri, ...rest }: Omit<Input<pushes.PlaylistModificationInfo>, 'uri'> & { readonly uri: string }): Buffer {
  return encode(pushes.PlaylistModificationInfo, { ...rest, uri: Buffer.from(uri, 'utf8') });
}
