/** Small things fit for any project. The list is closed: bytes, events, lifecycle, errors, backoff, log, clock, dialler, HTTP door. */
export * from './backoff.ts';
export * from './bytes.ts';
export * from './clock.ts';
export * from './dialler.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './http-door.ts';
export * from './installed.ts';
export * from './lifecycle.ts';
export * from './log.ts';
export { parseProxy } from './proxy.ts';
export * from './with-either.ts';
