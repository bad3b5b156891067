/** The scope of playing; the access point asks for no other (`connect-session.md §9.3`). */
export const playbackScopes: readonly string[] = ['streaming'];

/** For looking things up and showing playlists. Nothing that changes an account. */
export const webScopes: readonly string[] = ['playlist-read-private', 'playlist-read-collaborative', 'user-library-read', 'user-read-private', 'user-top-read', 'user-read-recently-played'];
