import type { Command, Preset } from '#core';

/** One command of a plan; those a preset stands for know which. */
export interface Step {
  readonly command: Exclude<Command, { kind: 'preset' }>;
  readonly preset: string | null;
}

/** A loud start must not happen: where the sound goes and how loud it may be and is come before what makes it. */
const stages: Partial<Record<Command['kind'], number>> = { output: 0, limit: 1, volume: 3, mute: 3, fade: 4 };
const presetVolume = 2;
const sound = 5;

/** In which order commands that came together are done. `find` throws for a preset there is not. Pure. */
export function planned(commands: readonly Command[], find: (idOrName: string) => Preset): readonly Step[] {
  const steps = commands.flatMap((command): { readonly stage: number; readonly step: Step }[] => {
    if (command.kind !== 'preset') return [{ stage: stages[command.kind] ?? sound, step: { command, preset: null } }];
    const { id, uri, from, shuffle, level } = find(command.preset);
    const play = { stage: sound, step: { command: { kind: 'play', uri, from, shuffle }, preset: id } } as const;
    // A volume that was said in so many words counts more than the usual one.
    return level === undefined ? [play] : [{ stage: presetVolume, step: { command: { kind: 'volume', level }, preset: id } }, play];
  });
  return steps.sort((a, b) => a.stage - b.stage).map(({ step }) => step);
}
