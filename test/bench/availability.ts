import { openHouse, pair, until, type House } from '../scenario/house.ts';
import { makeTunes } from '../scenario/tunes.ts';
import type { Bench } from './bench.ts';

const crashes = 20;
/** 99.9 % of a day leave 86.4 s; 60 of them are for disconnects (`test/matrix/disconnects.test.ts`). */
const allowed = 26.4;
const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * The daemon is killed while it plays and started again by something like the Supervisor of Home Assistant. Seconds until a
 * play command of a phone that watched all of it is carried out again, summed; nobody pairs or repairs anything meanwhile.
 */
export const availabilityFigures: Bench = {
  names: ['availability.after_20_crashes_s', 'availability.worst_crash_s'],
  async run() {
    const tunes = await makeTunes([60, 60]);
    await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, logLevel: 'info' });
    await pair(house);
    const speaker = [...house.phone.devices.keys()][0] ?? '';
    const play = () => house.phone.play(house.cloud.contexts.everything, { on: speaker });
    await play();
    const times: number[] = [];
    for (let count = 0; count < crashes; count++) {
      await until('music plays', () => house.mirror['state'] === 'playing');
      await house.daemon.stop('SIGKILL');
      const began = performance.now();
      await house.restart();
      await obeys(house, play);
      times.push((performance.now() - began) / 1000);
    }
    process.stderr.write(`back after ${times.map((time) => time.toFixed(1)).join(', ')} s\n`);
    return [
      { name: 'availability.after_20_crashes_s', value: times.reduce((sum, time) => sum + time, 0), unit: 's', goal: allowed, peer: null },
      { name: 'availability.worst_crash_s', value: Math.max(...times), unit: 's', goal: null, peer: null },
    ];
  },
};

/** Presses until it works. */
async function obeys(house: House, press: () => Promise<void>): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    try {
      await press();
      return;
    } catch (error) {
      if (performance.now() > end) throw new Error(`The speaker did not come back by itself. It said:\n${house.daemon.output.slice(-4000)}`, { cause: error });
      await wait(0.02);
    }
  }
}
