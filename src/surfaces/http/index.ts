import { Scope } from '#foundation';
import { defineSurface } from '../surface.ts';
import { HttpSettings } from './settings.ts';

/** The API: requests and a socket for programs with a key. See docs/api.md. */
export const http = defineSurface({
  name: 'http',
  config: HttpSettings,
  // What it takes is loaded where it is wanted.
  open: async (settings, context) => (settings.enabled ? (await import('./open.ts')).openHttp(settings, context) : new Scope()),
});
