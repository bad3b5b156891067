/** Commands of the owner: who is remembered, logging in and out, answers to guests, the key. */
export { commands, isCommand, runCommand, type CommandName, type CommandWorld } from './commands.ts';
export { openTerminal, type Terminal } from './terminal.ts';
