import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, Memory, parseMemory } from './memory.ts';

describe('numbers of inputs', () => {
  it('are the same for ever, whatever comes and goes', () => {
    const first = identify({}, ['jazz', 'news']);
    const second = identify(identify(first, ['sleep', 'news']), ['jazz', 'party']);
    expect([second['jazz'], second['news']]).toEqual([first['jazz'], first['news']]);
    expect(identify({}, ['news', 'jazz'])).toEqual(first);
    expect(identify(first, ['jazz'])).toBe(first);
  });

  it('differ, and none is that of the input that is always there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 300 }), (ids) => {
        const numbers = Object.values(identify({}, ids)).map(({ identifier }) => identifier);
        expect(new Set(numbers).size).toBe(ids.length);
        expect(numbers.every((number) => number >= 2 && number <= 0xffff)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('memory', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'tonearm-memory-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('survives a restart', async () => {
    const path = join(folder, 'deep', 'kept.json');
    const memory = await Memory.open(path, (sentence) => expect.fail(sentence));
    const numbers = memory.identify('house1/kitchen/television', ['jazz']);
    memory.keep({ kind: 'name', accessory: 'house1/kitchen/television', name: 'Radio' });
    memory.keep({ kind: 'input-name', accessory: 'house1/kitchen/television', input: 'jazz', name: 'My Jazz' });
    memory.keep({ kind: 'input-hidden', accessory: 'house1/kitchen/television', input: 'jazz', isHidden: true });
    await memory.settled();
    const again = await Memory.open(path, (sentence) => expect.fail(sentence));
    expect(again.accessory('house1/kitchen/television')).toEqual({ name: 'Radio', inputs: { jazz: { identifier: numbers.get('jazz'), name: 'My Jazz', isHidden: true } } });
    again.keep({ kind: 'name', accessory: 'house1/kitchen/television', name: null });
    again.keep({ kind: 'input-hidden', accessory: 'house1/kitchen/television', input: 'jazz', isHidden: false });
    await again.settled();
    expect(parseMemory(JSON.parse(await readFile(path, 'utf8')))).toEqual({ 'house1/kitchen/television': { inputs: { jazz: { identifier: numbers.get('jazz'), name: 'My Jazz' } } } });
  });

  it('says what is wrong with a broken file and begins anew', async () => {
    const path = join(folder, 'kept.json');
    await writeFile(path, '{');
    const said: string[] = [];
    const memory = await Memory.open(path, (sentence) => said.push(sentence));
    expect(said).toEqual([expect.stringContaining('cannot be read')]);
    expect(memory.identify('a', ['x']).get('x')).toBeGreaterThan(1);
    await memory.settled();
  });

  it('says when it cannot keep', async () => {
    await writeFile(join(folder, 'file'), '');
    const said: string[] = [];
    const memory = await Memory.open(join(folder, 'file', 'kept.json'), (sentence) => said.push(sentence));
    memory.keep({ kind: 'name', accessory: 'a', name: 'x' });
    await memory.settled();
    expect(said.at(-1)).toContain('could not be kept');
  });

  it.each([null, [], 7, { accessories: [] }, { accessories: { a: 7, b: { inputs: { x: { identifier: '1' }, y: 7, z: { identifier: 0 } }, name: 7 } } }])('takes what can be used of %j', (value) => {
    expect(Object.values(parseMemory(value)).every(({ inputs, name }) => Object.keys(inputs).length === 0 && name === undefined)).toBe(true);
  });
});
