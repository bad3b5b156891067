/** Topics' payloads and what they mean. Pure: bytes in, values out, and back. */
export * from './action.ts';
export * from './error.ts';
export * from './event.ts';
export * from './keys.ts';
export { slots } from './parsers.ts';
export * from './response.ts';
export * from './set.ts';
export * from './state.ts';
export { parseText } from './values.ts';
