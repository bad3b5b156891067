import { z } from 'zod';

/** What a key lets its holder do: `read` looks, `control` also acts. */
export const Scope = z.enum(['read', 'control']);
export type Scope = z.output<typeof Scope>;

/** Whom a client may say it is: what zones show as `by`. */
export const By = z.enum(['http', 'web', 'homekit', 'home-assistant']);
export type By = z.output<typeof By>;
