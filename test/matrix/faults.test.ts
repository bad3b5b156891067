import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CatalogueEntry } from '#simulator';
import { openFrom, readAll } from '../../src/audio/test-kit/decode-all.ts';
import { encodeVorbis, synthesise } from '../../src/audio/test-kit/tune.ts';
import { Chance } from '../kit/chance.ts';
import type { ListeningRoomOptions } from '../kit/listening-room.ts';
import { activities, runCell } from './cell.ts';
import { boundOf, excess, keyOf, readBounds, writeDocument, type Bound } from './document.ts';
import { EngineDeck } from './engine-deck.ts';
import { faults, services } from './trouble.ts';

const page = new URL('../../docs/fault-matrix.md', import.meta.url);
const isUpdate = process.env['UPDATE_DOCS'] === '1';
/** Seconds, at half a megabit per second: what is fetched ahead lasts 15 s. */
const length = 56;
let loud: ListeningRoomOptions;
let bounds: Map<string, Bound>;

beforeAll(async () => {
  bounds = readBounds(await readFile(page, 'utf8').catch(() => ''));
  const file = await encodeVorbis(synthesise(length), 44_100, 10);
  const { samples } = await readAll(await openFrom(file, 'vorbis'));
  const catalogue = Array.from({ length: 4 }, (_, n): CatalogueEntry => ({ title: `Song ${n}`, artists: ['Somebody'], album: 'Song', number: n + 1, duration: length * 1000, files: [{ format: 2, content: { bytes: file } }] }));
  loud = { catalogue, speaker: { openDeck: (clock) => new EngineDeck(clock, samples) } };
}, 120_000);

// The same pauses in every run.
beforeEach(() => {
  const chance = new Chance(1);
  vi.spyOn(Math, 'random').mockImplementation(() => chance.next());
  return () => void vi.restoreAllMocks();
});

describe.each(services)('%s', (service) => {
  describe.each(faults)('%s', (fault) => {
    test.each(activities)('%s', async (activity) => {
      const key = keyOf(service, fault, activity);
      if (isUpdate) bounds.delete(key);
      const outcome = await runCell(service, fault, activity, service === 'CDN' ? loud : {});
      if (isUpdate) bounds.set(key, boundOf(outcome));
      expect(bounds.has(key), 'docs/fault-matrix.md says that this cell passes').toBe(true);
      expect(excess(outcome, bounds.get(key)!)).toEqual([]);
    });
  });
});

test('docs/fault-matrix.md is as it is generated', async () => {
  if (isUpdate) await writeFile(page, writeDocument(bounds));
  const text = await readFile(page, 'utf8');
  expect(text).toBe(writeDocument(readBounds(text)));
  expect(text).not.toContain('| fails |');
});

afterAll(() => {
  vi.restoreAllMocks();
});
