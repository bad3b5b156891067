/** Where PCM goes: one folder each, a line each in `settings.ts` and `open-output.ts`. */
export { OutputSettings, type ConcreteOutput } from './settings.ts';
export { fixedRate, openOutput, probeOutput, releaseAfter } from './open-output.ts';
export { chooseOutput, type OutputChoice } from './choose-output.ts';
export type { OutputWorld } from './output-world.ts';
export { deviceSigns } from './device-signs.ts';
export { outputChoices } from './output-choices.ts';
