import { defineSurface } from '../surface.ts';
import { LoginPageSettings } from './settings.ts';

/**
 * A page for logging in from any browser. It shows one login at a time, to whoever knows the key in its address: begun on
 * the command line or over MQTT, over after some minutes. Nothing can be begun, listed or changed here.
 */
export const login = defineSurface({
  name: 'login',
  config: LoginPageSettings,
  // Most houses have no such page.
  open: async (settings, context) => (await import('./open.ts')).openLoginPage(settings, context),
});
