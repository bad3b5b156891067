/** A fault that takes nothing but its scope. */
interface Plain {
  readonly nothing?: never;
}

/** The switches by name, with what each of them takes. Numbers are milliseconds, bytes or codes of the protocol as said. */
export interface FaultParameters {
  'directory/bad-json': Plain;
  'directory/empty': Plain;
  'directory/dead-first': Plain;
  'access-point/unreachable': Plain;
  'access-point/wrong-signature': Plain;
  'access-point/wrong-key': Plain;
  'access-point/rc4': Plain;
  'access-point/hashcash': Plain;
  'access-point/fingerprint': Plain;
  'access-point/short-public-key': Plain;
  'access-point/public-key-out-of-range': Plain;
  'access-point/refuse-before': { readonly code: number; readonly retryDelay?: number; readonly description?: string };
  'access-point/refuse-after': { readonly code: number; readonly retryDelay?: number; readonly description?: string };
  'access-point/upgrade': Plain;
  'access-point/silence': { readonly from: 'connect' | 'hello' | 'response' | 'login' };
  'access-point/close': { readonly after: 'connect' | 'hello' | 'challenge' | 'response' | 'login' };
  'access-point/frame-length': { readonly length: number };
  'access-point/one-byte': Plain;
  'access-point/coalesce': Plain;
  'access-point/login-failure': { readonly code: number; readonly retryDelay?: number; readonly description?: string };
  'access-point/no-country': Plain;
  'access-point/no-product': Plain;
  'access-point/push-delay': { readonly by: number };
  'access-point/no-ping': Plain;
  'access-point/no-pong-ack': Plain;
  'access-point/flip-mac': Plain;
  'access-point/flip-ciphertext': Plain;
  'access-point/repeat-packet': Plain;
  'access-point/skip-nonce': Plain;
  'access-point/oversize': Plain;
  'access-point/drop': Plain;
  'access-point/hang': Plain;
  'access-point/cut': Plain;
  'access-point/garbage': Plain;
  'access-point/key-refuse': { readonly bytes?: number };
  'access-point/key-throttle': { readonly after?: number };
  'access-point/key-delay': { readonly by: number };
  'access-point/key-silence': Plain;
  'access-point/key-reorder': Plain;
  'access-point/key-wrong-sequence': Plain;
  'access-point/key-short': Plain;
  'access-point/key-wrong': Plain;
  'client-token/challenge': { readonly length?: number };
  'client-token/unsolvable': Plain;
  'client-token/refresh-after': { readonly seconds: number };
  'login5/error': { readonly code: number };
  'login5/challenge': { readonly length?: number };
  'login5/code-challenge': Plain;
  'login5/no-member': Plain;
  'login5/expires-in': { readonly seconds: number };
  'accounts/deny': Plain;
  'accounts/slow-down': Plain;
  'dealer/refuse': { readonly status: number; readonly retryAfter?: number };
  'dealer/hang': Plain;
  'dealer/cut': Plain;
  'dealer/garbage': Plain;
  'dealer/no-connection-id': Plain;
  'dealer/mute': Plain;
  'dealer/delay': { readonly by: number };
  'dealer/duplicate': Plain;
  'dealer/reorder': Plain;
  'dealer/lose': Plain;
  'dealer/bad-json': Plain;
  'dealer/binary': Plain;
  'connect-state/stale-push': Plain;
  'connect-state/push-without-player-state': Plain;
  'connect-state/inactive-422': Plain;
  'connect-state/push-to-sender': Plain;
  'connect-state/need-full-state': Plain;
  'connect-state/rate-limit': { readonly retryAfter?: number };
  'connect-state/unknown-connection': Plain;
  'connect-state/resend': Plain;
  'connect-state/transfer-empty': Plain;
  'context/loading': Plain;
  'context/empty': Plain;
  'context/unknown-key': Plain;
  'metadata/entry-status': { readonly status: number };
  'storage/expired': Plain;
  'storage/restricted': Plain;
  'storage/empty': Plain;
  'storage/old-result': Plain;
  'storage/dead-host': Plain;
  'storage/no-expiry': Plain;
  'cdn/no-ranges': Plain;
  'cdn/slow': { readonly bytesPerSecond: number };
  'cdn/truncate': { readonly bytes: number };
  'cdn/reset': { readonly bytes: number };
  'cdn/wrong-range': Plain;
  'cdn/corrupt': { readonly from: number; readonly to: number };
}

export type FaultName = keyof FaultParameters;

export const faultNotes: Readonly<Record<FaultName, string>> = {
  'directory/bad-json': 'the directory answers 200 with text that is not JSON (connect-session §2.5)',
  'directory/empty': 'the directory answers with empty lists',
  'directory/dead-first': 'the first address of every list refuses connections',
  'access-point/unreachable': 'new connections are reset at once',
  'access-point/wrong-signature': 'the signature over the server key is wrong (§3.8)',
  'access-point/wrong-key': 'the signature is made with another RSA key',
  'access-point/rc4': 'the challenge offers RC4 instead of Shannon',
  'access-point/hashcash': 'the challenge asks for proof of work',
  'access-point/fingerprint': 'the challenge asks for a fingerprint',
  'access-point/short-public-key': 'the server public key has 95 bytes (still valid)',
  'access-point/public-key-out-of-range': 'the server public key is 1',
  'access-point/refuse-before': 'refuses instead of the challenge: code, retryDelay (s), description',
  'access-point/refuse-after': 'refuses in the clear after message 3: code, retryDelay, description',
  'access-point/upgrade': 'asks for a newer client instead of the challenge',
  'access-point/silence': 'says nothing any more: from connect, hello, response or login',
  'access-point/close': 'closes: after connect, hello, challenge, response or login',
  'access-point/frame-length': 'the length of message 2 lies',
  'access-point/one-byte': 'everything is delivered one byte at a time',
  'access-point/coalesce': 'all packets after the login come in one write',
  'access-point/login-failure': 'answers the login with AuthFailure: code, retryDelay, description',
  'access-point/no-country': 'never sends the country code',
  'access-point/no-product': 'never sends the product info',
  'access-point/push-delay': 'country and product come this much later',
  'access-point/no-ping': 'never pings',
  'access-point/no-pong-ack': 'never acknowledges a pong',
  'access-point/flip-mac': 'the next packet has a wrong MAC',
  'access-point/flip-ciphertext': 'the next packet has one wrong bit',
  'access-point/repeat-packet': 'the next packet is sent twice, byte for byte',
  'access-point/skip-nonce': 'the next packet is made with the nonce after the next',
  'access-point/oversize': 'the next packet says it is 65535 bytes long and never ends',
  'access-point/drop': 'resets the connection instead of the next packet',
  'access-point/hang': 'nothing passes in either direction; afterwards the connection is reset with the next byte',
  'access-point/cut': 'half of the next write arrives, then the connection is reset',
  'access-point/garbage': 'random bytes instead of what is due',
  'access-point/key-refuse': 'refuses audio keys with 00 01, or the given number',
  'access-point/key-throttle': 'refuses audio keys with 00 02, after so many granted',
  'access-point/key-delay': 'audio keys come this much later',
  'access-point/key-silence': 'never answers a key request',
  'access-point/key-reorder': 'keeps one key back until the next was sent',
  'access-point/key-wrong-sequence': 'answers with a sequence number nobody asked for',
  'access-point/key-short': 'the key has 15 bytes',
  'access-point/key-wrong': 'the key is another one',
  'client-token/challenge': 'asks for a hashcash of this length (default 10) first',
  'client-token/unsolvable': 'asks to evaluate a script',
  'client-token/refresh-after': 'tokens ask to be renewed after so many seconds',
  'login5/error': 'answers with this LoginError',
  'login5/challenge': 'asks for a hashcash of this length (default 10) first',
  'login5/code-challenge': 'asks for a code sent by SMS',
  'login5/no-member': 'answers with none of the three members',
  'login5/expires-in': 'access tokens live so many seconds',
  'accounts/deny': 'the user declines at /authorize',
  'accounts/slow-down': 'the device flow answers slow_down',
  'dealer/refuse': 'refuses the upgrade with this status, and Retry-After in seconds',
  'dealer/hang': 'answers no upgrade, and nothing passes over open sockets; afterwards they are reset with the next frame',
  'dealer/cut': 'half of the next frame arrives, then the connection is reset',
  'dealer/garbage': 'bytes that are no WebSocket frame instead of the next frame',
  'dealer/no-connection-id': 'does not send a connection id',
  'dealer/mute': 'does not answer pings',
  'dealer/delay': 'frames come this much later',
  'dealer/duplicate': 'the next pushed frame comes twice',
  'dealer/reorder': 'the next two pushed frames change places',
  'dealer/lose': 'the next pushed frame is lost',
  'dealer/bad-json': 'sends a broken text frame before the next pushed frame',
  'dealer/binary': 'sends a binary frame before the next pushed frame',
  'connect-state/stale-push': 'pushes the previous owner 50 ms after a claim',
  'connect-state/push-without-player-state': 'cluster pushes lack the player state',
  'connect-state/inactive-422': 'answers 422 to …/inactive',
  'connect-state/push-to-sender': 'a device that plays is told of its own states, too',
  'connect-state/need-full-state': 'clusters ask for the full player state',
  'connect-state/rate-limit': 'answers 429 to state PUTs, Retry-After in seconds',
  'connect-state/unknown-connection': 'answers 400 as if the connection id were unknown',
  'connect-state/resend': 'sends each transfer again after 15 s even when it was answered',
  'connect-state/transfer-empty': 'sends transfers without data',
  'context/loading': 'answers loading:true without tracks',
  'context/empty': 'answers without tracks',
  'context/unknown-key': 'answers hold a key that no version knows yet',
  'metadata/entry-status': 'every entry of extended metadata has this status',
  'storage/expired': 'the first address has expired',
  'storage/restricted': 'answers RESTRICTED',
  'storage/empty': 'answers without addresses',
  'storage/old-result': 'answers STORAGE',
  'storage/dead-host': 'the first address names a host that refuses connections',
  'storage/no-expiry': 'one address that does not expire, and no file id',
  'cdn/no-ranges': 'ignores Range and answers 200',
  'cdn/slow': 'sends so many bytes per second',
  'cdn/truncate': 'ends cleanly after so many bytes of the body',
  'cdn/reset': 'resets after so many bytes of the body',
  'cdn/wrong-range': 'Content-Range names another range',
  'cdn/corrupt': 'bytes from … to … of the file are wrong',
};
