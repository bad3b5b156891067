/** What the plugin takes from the daemon's sources: small things fit for any project, bundled. The types of its language are in picture.ts. */
export { Backoff } from '../../src/foundation/backoff.ts';
export { type Clock, every, sleep, systemClock } from '../../src/foundation/clock.ts';
export { Emitter, type Events } from '../../src/foundation/events.ts';
