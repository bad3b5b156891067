import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openHouse, pair, until } from './house.ts';
import { makeTunes } from './tunes.ts';

it('starts again within its process on SIGHUP: a new name, the same speaker, still logged in; a file that cannot be used changes nothing', async () => {
  const tunes = await makeTunes([20]);
  await using house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) } });
  await pair(house);
  const path = join(house.folder, 'configuration.yaml');
  const before = JSON.parse(await readFile(path, 'utf8')) as { readonly zones: readonly Record<string, unknown>[] };
  const [device] = [...house.phone.devices.keys()];
  const said = (text: string) => house.daemon.output.split(text).length - 1;

  await writeFile(path, JSON.stringify({ ...before, zones: [{ ...before.zones[0], name: 'Renamed', volumes: 3 }] }));
  process.kill(house.daemon.pid, 'SIGHUP');
  await until('the mistake is named', () => house.daemon.output.includes('was not read again'));
  expect(house.daemon.output).toContain('zones[0].volumes');
  expect(said('is ready')).toBe(1);

  await writeFile(path, JSON.stringify({ ...before, zones: [{ ...before.zones[0], name: 'Renamed' }] }));
  process.kill(house.daemon.pid, 'SIGHUP');
  await until('it is ready again', () => said('is ready') === 2);
  await until('phones see the new name', () => [...house.phone.devices.values()].some(({ name }) => name === 'Renamed'));
  expect([...house.phone.devices.keys()]).toEqual([device]);
  await house.phone.play(house.cloud.contexts.everything);
  await until('music plays', () => house.phone.cluster.playerState?.isPlaying === true);
  expect(await house.daemon.stop()).toBe(0);
});
