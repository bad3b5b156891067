/** Commands of the owner: who is remembered, logging in and out, answers to guests, the key. */
import type { RestoreWorld } from './restore.ts';

export { commands, isCommand, runCommand, type CommandName, type CommandWorld } from './commands.ts';
export { openTerminal, type Terminal } from './terminal.ts';

/** Puts a backup in its place. Apart, because it needs no configuration, and what it takes is rarely needed. */
export async function runRestore(argv: readonly string[], world: RestoreWorld): Promise<void> {
  const { restore } = await import('./restore.ts');
  await restore(argv, world);
}
