/** The language of the house: commands, snapshots, ports. Pure: no I/O, no timers. */
export * from './accounts.ts';
export * from './account-requests.ts';
export * from './automations.ts';
export * from './command.ts';
export * from './control.ts';
export * from './deck.ts';
export * from './host.ts';
export * from './log-lines.ts';
export * from './messages.ts';
export * from './output.ts';
export * from './playable.ts';
export * from './player.ts';
export * from './presets.ts';
export * from './tags.ts';
export * from './track.ts';
export * from './units.ts';
