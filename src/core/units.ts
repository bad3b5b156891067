import { z } from 'zod';

/** A length of time or a moment in milliseconds; moments are Unix time unless said otherwise. */
export type Millis = number;

/** Names something that can be played: `spotify:track:…`, `spotify:playlist:…`, a file or a web address. */
export const Uri = z.string().min(1).max(2048);
export type Uri = z.infer<typeof Uri>;

/** A place within a track, in milliseconds from its start. */
export const Position = z.number().min(0);

/** Who caused something: `phone`, `mqtt`, `http`, `homekit`, `mpd`, `web`, `tag`, `tonearm` itself, or `automation:<id>`. */
export type Origin = string;
