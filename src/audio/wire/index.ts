/** Messages between the main thread and the audio thread: plain data only, recipes down, positions up. */
export * from './messages.ts';
