import { afterAll, describe, expect, it } from 'vitest';
import { Scope } from '#foundation';
import { pairs } from './peers.ts';
import { openStage, pairAll, unwell } from './stage.ts';
import { obstacle } from './start.ts';

/** The registry may be slow, and CI comes here with nothing installed. */
const patience = 20 * 60_000;
const why = obstacle();

/** The ends of what is promised; everything in between is `homekit.test.ts`. */
describe.skipIf(why !== '').each(pairs)(`$title${why && ` (${why})`}`, (peer) => {
  const scope = new Scope();
  afterAll(() => scope[Symbol.asyncDispose]());

  it('starts, pairs, lists, and carries a command each way', { timeout: patience }, async ({ skip }) => {
    let missing = '';
    const stage = (await openStage(scope, peer, { volume: 'fan', switches: true, zones: [{ zone: 'bath', face: 'none' }] }, (note) => (missing = note))) ?? skip(missing);
    const { ask, bridge, installed } = stage;
    await pairAll(stage, { bridge: 2, television: 31 });
    expect((await ask('list', 'television')).filter((path) => path.startsWith('Television.'))).toEqual(expect.arrayContaining(['Television.Active', 'Television.RemoteKey']));
    expect(await ask('list', 'bridge')).toEqual(expect.arrayContaining(['Kitchen Volume:Fan.RotationSpeed', 'Kitchen Jazz Radio:Switch.On']));
    await ask('subscribe', { name: 'television', paths: ['Television.Active', 'Television.CurrentMediaState'] });
    const jazz = (await ask('read', { name: 'television', path: 'InputSource/Jazz Radio.Identifier' })).value;
    const towards = await ask('homeToPhone', { name: 'television', path: 'Television.ActiveIdentifier', value: jazz, sees: 'playing' });
    await new Promise((resolve) => setTimeout(resolve, 700));
    const from = await ask('phoneToHome', { name: 'television', does: 'pause', path: 'Television.CurrentMediaState', value: 1 });
    console.info(`${peer.title} (${installed.version}): an input in Home → the phone sees it: ${Math.round(towards)} ms; pause on the phone → Home is told: ${Math.round(from)} ms`);
    expect(bridge.running?.output).not.toMatch(unwell);
  });
});
