import type { API, Logging, PlatformConfig } from 'homebridge';
import { openFinder } from './finder.ts';
import { systemClock } from './foundation.ts';
import { platformName, pluginName } from './identity.ts';
import { TonearmPlatform } from './platform.ts';
import { dial } from './socket.ts';

class Platform extends TonearmPlatform {
  constructor(log: Logging, config: PlatformConfig, api: API) {
    super(log, config, api, { clock: systemClock, dial, openFinder });
  }
}

/** What Homebridge calls with its API when it loads the plugin. */
// eslint-disable-next-line no-restricted-syntax -- Homebridge takes the default export.
export default (api: API): void => {
  api.registerPlatform(pluginName, platformName, Platform);
};
