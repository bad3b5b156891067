/** Where PCM goes: one folder each, one line each here. */
export { OutputSettings, type ConcreteOutput } from './settings.ts';
export { openOutput } from './open-output.ts';
export { chooseOutput, type OutputChoice } from './choose-output.ts';
export type { OutputWorld } from './output-definition.ts';
