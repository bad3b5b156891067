/** How the daemon ends a socket, beside the usual codes of WebSocket. */
export const closeCodes = {
  /** The daemon stops or starts again: come back in a moment. */
  goingAway: 1001,
  /** Frames of bytes are not understood. */
  notText: 1003,
  /** More at once than anybody needs. */
  tooMany: 1008,
  /** The key was revoked while the socket was open. */
  keyRevoked: 4401,
} as const;
