import { openHouse, pair, until } from '../scenario/house.ts';
import { makeTunes } from '../scenario/tunes.ts';
import type { Bench } from './bench.ts';
import { residentOf } from './daemon.ts';

/** Changes after which memory is looked at, and how many there are in all. */
const warm = 100;
const all = 1000;
const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * The daemon as it ships changes tracks because a phone says so: each time the key is asked for, bytes are fetched and
 * deciphered, sound is decoded and written, phone and MQTT are told, and only then comes the next.
 */
export const changesFigures: Bench = {
  names: ['memory.after_1000_changes_ratio'],
  async run() {
    const tunes = await makeTunes(Array.from({ length: 12 }, () => 20));
    await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, logLevel: 'info' });
    await pair(house);
    await house.phone.play(house.cloud.contexts.everything, { repeat: 'context' });
    const plays = (other: unknown) => house.mirror['state'] === 'playing' && house.mirror['title'] !== other;
    await until('music plays', () => plays(undefined));
    const began = performance.now();
    /** The least of some looks: a collection may be about to happen. */
    const resident = async () => {
      let least = Infinity;
      for (let look = 0; look < 20; look++) {
        await wait(0.5);
        least = Math.min(least, residentOf(house.daemon.pid));
      }
      return least;
    };
    let first = 0;
    for (let change = 1; change <= all; change++) {
      const { title } = house.mirror;
      await house.phone.next();
      await until('the next track plays', () => plays(title));
      if (change === warm) first = await resident();
      if (change % 100 === 0) process.stderr.write(`${change} changes after ${Math.round((performance.now() - began) / 1000)} s: ${residentOf(house.daemon.pid).toFixed(1)} MB\n`);
    }
    const last = await resident();
    process.stderr.write(`${first.toFixed(1)} MB after ${warm} changes, ${last.toFixed(1)} MB after ${all}\n`);
    return [{ name: 'memory.after_1000_changes_ratio', value: last / first, unit: 'ratio', goal: 1.05, peer: null }];
  },
};
