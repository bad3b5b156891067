import { systemClock } from '#foundation';
import { surfaces } from '#surfaces';
import { fakeHost, fakeZone, playing } from '../contract/surface-fake-player.ts';

/** A process of its own with the mqtt surface in it, so that it can be killed. Bundled by the test; argv: address. */
const [mqtt] = surfaces;
const zones = [fakeZone(systemClock, 'kitchen', playing(systemClock))];
void mqtt?.open({ url: process.argv[2], keepalive: 5 }, { zones, host: fakeHost(systemClock), instance: 'dead' });
