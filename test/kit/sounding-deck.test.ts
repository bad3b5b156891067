import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DeckEvents, Playable } from '#core';
import { SoundingDeck, type SoundingDeckOptions } from './sounding-deck.ts';
import { VirtualClock } from './virtual-clock.ts';

let clock: VirtualClock;
let deck: SoundingDeck;
let said: string[];

function recipe(name: string, duration = 10_000): Playable {
  return { track: { uri: name, kind: 'track', title: name, artists: [], album: '', duration, covers: [], explicit: false }, bytes: { urls: ['http://127.0.0.1/'], live: false }, format: 'vorbis' };
}

function place(options: SoundingDeckOptions = {}): void {
  deck = new SoundingDeck(clock, { movedEvery: 1e9, ...options });
  said = [];
  const names: Exclude<keyof DeckEvents, 'output'>[] = ['playing', 'paused', 'stalled', 'moved', 'ended', 'failed', 'wanted'];
  for (const name of names) deck.events.on(name, (event) => said.push([clock.monotonic(), name, event.id, ...('position' in event ? [event.position] : [])].join(' ')));
}

const heard = () => deck.heard.map(({ uri, from, to, at }) => [uri, from, to, at]);

beforeEach(() => {
  clock = new VirtualClock();
  place();
});
afterEach(async () => {
  await deck[Symbol.asyncDispose]();
  expect(clock.pending).toBe(0);
  clock[Symbol.dispose]();
});

it('plays to the end, and what follows without a gap', async () => {
  deck.play(recipe('a'), { id: '1', at: 0, paused: false });
  await clock.run(5000);
  expect(deck.position).toBe(4960);
  deck.follow({ id: '2', playable: recipe('b') });
  await clock.run(20_000);
  expect(said).toEqual(['40 playing 1 0', '10040 ended 1', '10040 playing 2 0', '20040 ended 2']);
  expect(heard()).toEqual([['a', 0, 10_000, 40], ['b', 0, 10_000, 10_040]]);
  expect(deck.gaps).toEqual([0]);
  expect(deck.loaded).toBeNull();
});

it('pauses, resumes and seeks; a load that is to stay paused is silent', async () => {
  deck.play(recipe('a'), { id: '1', at: 3000, paused: true });
  await clock.run(1000);
  deck.seek(5000);
  await clock.run(1000);
  deck.resume();
  await clock.run(1040);
  deck.pause();
  await clock.run(1000);
  deck.resume();
  await clock.run(540);
  deck.seek(1000);
  await clock.run(440);
  expect(said).toEqual(['40 paused 1 3000', '1040 moved 1 5000', '1040 paused 1 5000', '2040 playing 1 5000', '3040 paused 1 6000', '4080 playing 1 6000', '4620 moved 1 1000', '4620 playing 1 1000']);
  expect(heard()).toEqual([['a', 5000, 6000, 2040], ['a', 6000, 6500, 4080], ['a', 1000, 1400, 4620]]);
});

it('pauses what is still being made ready', async () => {
  deck.play(recipe('a'), { id: '1', at: 3000, paused: false });
  await clock.run(20);
  deck.pause();
  await clock.run(1000);
  deck.resume();
  await clock.run(1000);
  expect(said).toEqual(['40 paused 1 3000', '1060 playing 1 3000']);
});

it('plays what it has when bytes stop, stalls, and goes on when they come back', async () => {
  place({ ahead: 2000 });
  deck.play(recipe('a', 60_000), { id: '1', at: 0, paused: false });
  await clock.run(5040);
  deck.cut();
  await clock.run(5000);
  deck.mend();
  await clock.run(1000);
  expect(said).toEqual(['40 playing 1 0', '8040 stalled 1 7000', '9040 wanted 1', '10080 playing 1 7000']);
  expect(heard()).toEqual([['a', 0, 7000, 40], ['a', 7000, 7960, 10_080]]);
});

it('fails when fresh addresses bring nothing, and when none come', async () => {
  place({ ahead: 2000 });
  deck.play(recipe('a', 60_000), { id: '1', at: 0, paused: false });
  await clock.run(1040);
  deck.cut();
  await clock.run(4500);
  deck.refresh('1', recipe('a', 60_000));
  await clock.run(10_000);
  expect(said.slice(1)).toEqual(['4040 stalled 1 3000', '5040 wanted 1', '9540 failed 1']);
  deck.play(recipe('b'), { id: '2', at: 0, paused: false });
  await clock.run(60_000);
  expect(said.slice(4)).toEqual(['19540 wanted 2', '49540 failed 2']);
});

it('moves once a second and says so', async () => {
  place({ movedEvery: 1000 });
  deck.play(recipe('a'), { id: '1', at: 0, paused: false });
  await clock.run(3100);
  expect(said.slice(1)).toEqual(['1040 moved 1 1000', '2040 moved 1 2000', '3040 moved 1 3000']);
});

it('forgets an older load when something newer is played', async () => {
  deck.play(recipe('a'), { id: '1', at: 0, paused: false });
  deck.follow({ id: '3', playable: recipe('c') });
  await clock.run(20);
  deck.play(recipe('b'), { id: '2', at: 9000, paused: false });
  await clock.run(2000);
  expect(said).toEqual(['60 playing 2 9000', '1060 ended 2']);
  deck.play(recipe('b'), { id: '4', at: 0, paused: false });
  await clock.run(500);
  deck.stop();
  await clock.run(5000);
  expect(said.slice(2)).toEqual(['2060 playing 4 0']);
});
