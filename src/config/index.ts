/** What Tonearm was told: every part's settings in one file, read, completed, checked. */
export { findDoubts } from './doubts.ts';
export { firstConfiguration, writeFirstConfiguration } from './first-run.ts';
export { openControl, type ControlParts } from './control.ts';
export { loadConfig, type Config, type ConfigSource, type LoadedConfig, type ZoneConfig } from './load.ts';
export { defaultLocations } from './locations.ts';
export { ConfigError, formatProblem, type ConfigProblem } from './problem.ts';
export { loadSettingsSchema, type SchemaNode } from './schema-tree.ts';
export { slugOf } from './slug.ts';
