/** As npm and Homebridge know the plugin. */
export const pluginName = 'homebridge-tonearm';
/** As the block in Homebridge's configuration is called. */
export const platformName = 'Tonearm';
