/** What Tonearm was told: every part's settings in one file, read, completed, checked. */
export { configurationName, isKept, largestBackup, manifestName, readmeName, valueOfFile } from './backup-names.ts';
export { findDoubts } from './doubts.ts';
export { firstConfiguration, writeFirstConfiguration } from './first-run.ts';
export { openControl, type ControlParts, type OpenControl } from './control.ts';
export { checkConfig, loadConfig, type Config, type ConfigSource, type LoadedConfig, type ZoneConfig } from './load.ts';
export { defaultLocations } from './locations.ts';
export { ConfigError, formatProblem, type ConfigProblem } from './problem.ts';
export { loadSettingsSchema, type SchemaNode } from './schema-tree.ts';
export { slugOf } from './slug.ts';
