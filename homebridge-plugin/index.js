/**
 * Homebridge's side of Tonearm. A thin client: it plays nothing and keeps nothing, it shows what the daemon says.
 * @typedef {import('homebridge').API} API
 * @typedef {import('homebridge').DynamicPlatformPlugin} DynamicPlatformPlugin
 * @typedef {import('homebridge').Logging} Logging
 * @typedef {import('homebridge').PlatformAccessory} PlatformAccessory
 * @typedef {import('homebridge').PlatformConfig} PlatformConfig
 */

const plugin = 'homebridge-tonearm';
const platform = 'Tonearm';

/** @implements {DynamicPlatformPlugin} */
class TonearmPlatform {
  #log;
  /** Accessories Homebridge remembers from before, by UUID. @type {Map<string, PlatformAccessory>} */
  #accessories = new Map();

  /**
   * @param {Logging} log
   * @param {PlatformConfig} config
   * @param {API} api
   */
  constructor(log, config, api) {
    this.#log = log;
    if (typeof config.url !== 'string' || config.url === '') {
      log.info('Not configured yet: give the address of your Tonearm in the settings of this plugin. Until then it does nothing.');
      return;
    }
    api.on('didFinishLaunching', () => this.#launched());
  }

  /**
   * Called for each remembered accessory before `didFinishLaunching`. Nothing on the network happens here.
   * @param {PlatformAccessory} accessory
   */
  configureAccessory(accessory) {
    this.#accessories.set(accessory.UUID, accessory);
  }

  #launched() {
    this.#log.info('This version shows no players in Home yet.');
  }
}

/**
 * What Homebridge calls with its API when it loads the plugin.
 * @param {API} api
 */
export default (api) => {
  api.registerPlatform(plugin, platform, TonearmPlatform);
};
