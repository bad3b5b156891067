// Loads the plugin with Homebridge's own plugin manager, without its servers: HAP would listen on every address.
// Prints one JSON line: what was registered and said for the configuration given as argument.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { HomebridgeAPI } = require('homebridge/lib/api.js');
const { PluginManager } = require('homebridge/lib/pluginManager.js');
const { User } = require('homebridge/lib/user.js');
const { version } = require('homebridge/package.json');

const [folder, configuration] = process.argv.slice(2);
User.setStoragePath(folder);
const api = new HomebridgeAPI();
const registered = [];
for (const name of ['registerPlatformAccessories', 'publishExternalAccessories', 'updatePlatformAccessories', 'unregisterPlatformAccessories']) api.on(name, (accessories) => registered.push([name, accessories.length]));
const manager = new PluginManager(api, { activePlugins: ['homebridge-tonearm'], customPluginPath: new URL('../../homebridge-plugin', import.meta.url).pathname, strictPluginResolution: true });
await manager.initializeInstalledPlugins();
const plugin = manager.getPlugin('homebridge-tonearm');
const Platform = plugin?.getPlatformConstructor('Tonearm');
const said = [];
const log = Object.assign((...words) => said.push(words.join(' ')), Object.fromEntries(['info', 'warn', 'error', 'debug', 'success'].map((level) => [level, (...words) => said.push(words.join(' '))])));
const instance = new Platform(log, { platform: 'Tonearm', ...JSON.parse(configuration) }, api);
instance.configureAccessory({ UUID: 'remembered', services: [] });
api.signalFinished();
api.signalShutdown();
console.log(`\n${JSON.stringify({ homebridge: version, dynamic: typeof instance.configureAccessory === 'function', registered, said })}`);
