import { expect, it } from 'vitest';
import type { ListeningRoom } from '../kit/listening-room.ts';
import { allIsWell, asked, command, lookAfter, NEW_DEVICE, openLife, playing, raw, speakerId, told } from './life-room.ts';

let room: ListeningRoom;
lookAfter(() => room);

it('20 takeover by another device, pushed without player_state: silent within 500 ms, /inactive sent once', async () => {
  room = await openLife();
  await playing(room);
  await room.run(5000);
  room.cloud.faults.set('connect-state/push-without-player-state');
  const taken = room.clock.monotonic();
  await room.do(room.phone.takeOver());
  await room.run(10_000);
  expect(room.deck.isSounding).toBe(false);
  expect((room.deck.heard.at(-1)?.until ?? 0) - taken).toBeLessThan(500);
  expect(asked(room, /\/inactive$/)).toHaveLength(1);
  expect(room.speaker.count('inactive')).toBe(1);
  expect(room.phone.cluster.activeDeviceId).toBe(room.phone.deviceId);
  expect(room.phone.devices.has(speakerId)).toBe(true);
  expect(room.cloud.refusals).toEqual([]);
});

it('21 stale push 50 ms after the claim: keeps playing', async () => {
  room = await openLife();
  const { phone, cloud } = room;
  await room.do(phone.playHere(room.albumOf('Song 0'), { track: 'Song 5' }));
  await room.run(5000);
  cloud.faults.set('connect-state/stale-push', { device: speakerId, count: 1 });
  await room.do(phone.transfer(speakerId));
  await room.plays('Song 5');
  await room.run(20_000);
  expect(cloud.journal.find('fault connect-state/stale-push')).toHaveLength(1);
  expect(room.deck.isSounding).toBe(true);
  expect(room.deck.gaps).toEqual([]);
  expect(room.speaker.count('inactive')).toBe(0);
  allIsWell(room);
});

it('23 mute pongs: reconnects within 45 s, the music goes on', async () => {
  room = await openLife();
  await playing(room);
  // In the middle of a ping period, as it usually is.
  await room.run(10_000);
  room.cloud.faults.set('dealer/mute', { device: speakerId });
  const mute = room.clock.now();
  await room.until(() => !room.state.account.connected, 120_000);
  room.cloud.faults.clear('dealer/mute');
  await room.until(() => room.state.account.connected);
  const again = told(room, mute).at(-1);
  expect(again?.put.putStateReason).toBe(NEW_DEVICE);
  expect((again?.at ?? Infinity) - mute).toBeLessThanOrEqual(45_000);
  expect(room.deck.heard).toHaveLength(1);
  allIsWell(room);
});

it('34 unknown endpoint, malformed JSON, missing logging_params: false, false, works', async () => {
  room = await openLife();
  await playing(room);
  expect(await command(room, { endpoint: 'make_coffee' })).toBe(false);
  expect(await raw(room, Buffer.from('{"message_id": 77, "command": {'))).toBe('failed');
  expect(await raw(room, { message_id: 2_147_483_650, sent_by_device_id: room.phone.deviceId, command: { endpoint: 'pause' } })).toBe('succeeded');
  await room.run(1000);
  expect(room.state.status).toBe('paused');
  expect(told(room).at(-1)?.put).toMatchObject({ lastCommandMessageId: 2_147_483_650, lastCommandSentByDeviceId: room.phone.deviceId });
  // Numbers as text, unknown keys, nothing that is not needed.
  expect(await raw(room, { message_id: '2147483651', colour: 'green', command: { endpoint: 'seek_to', value: '42000', mood: [1] } })).toBe('succeeded');
  await room.run(1000);
  expect(room.state.position.at).toBe(42_000);
  expect(room.state.account.connected).toBe(true);
});
