/** Everything is below this path. */
export const base = '/api/v1';
/** Where the socket is. */
export const eventsPath = `${base}/events`;
