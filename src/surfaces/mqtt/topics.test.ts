import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderEntityTable, renderRequestTable } from './docs-tables.ts';
import { type OutName, renderKeyTable, renderTopicTable, type TopicName, type TopicRow, Topics, topicTable } from './topics.ts';

const topics = new Topics('tonearm');
const rows = Object.entries(topicTable) as [TopicName, TopicRow][];

/** MQTT's own rule (MQTT 5 §4.7). */
function matches(filter: string, topic: string): boolean {
  const want = filter.split('/');
  const have = topic.split('/');
  for (const [at, level] of want.entries()) {
    if (level === '#') return true;
    if (at >= have.length || (level !== '+' && level !== have[at])) return false;
  }
  return want.length === have.length;
}

describe('topics', () => {
  it('names them', () => {
    expect(topics.of('bridgeState')).toBe('tonearm/bridge/state');
    expect(topics.of('zoneState', { zone: 'kitchen' })).toBe('tonearm/kitchen');
    expect(new Topics('a/b').of('zoneSetKey', { zone: 'kitchen', key: 'volume' })).toBe('a/b/kitchen/set/volume');
  });

  it.each<[string, object | null]>([
    ['tonearm/kitchen/set', { row: 'zoneSet', zone: 'kitchen' }],
    ['tonearm/kitchen/set/volume', { row: 'zoneSetKey', zone: 'kitchen', key: 'volume' }],
    ['tonearm/kitchen/get', { row: 'zoneGet', zone: 'kitchen' }],
    ['tonearm/group/all/set', { row: 'groupSet' }],
    ['tonearm/group/all/set/volume', { row: 'groupSetKey', key: 'volume' }],
    ['tonearm/bridge/request/info', { row: 'bridgeRequest', name: 'info' }],
    ['tonearm/bridge/request/player/rename', { row: 'bridgeRequest', name: 'player/rename' }],
    ['tonearm/bridge/request', null],
    ['tonearm/bridge/request/', null],
    ['tonearm/bridge/set', null],
    ['tonearm/bridge/set/volume', null],
    ['tonearm/group/set', null],
    ['tonearm/group/other/set', null],
    ['tonearm//set', null],
    ['tonearm/kitchen/set/', null],
    ['tonearm/kitchen/set/a/b', null],
    ['tonearm/kitchen', null],
    ['tonearm/kitchen/state', null],
    ['tonearmx/kitchen/set', null],
    ['other/kitchen/set', null],
  ])('reads %s', (topic, expected) => {
    expect(topics.parse(topic)).toEqual(expected);
  });

  it('hears exactly what it can read', () => {
    for (const { topic: filter } of topics.filters()) {
      expect(topics.parse(filter.replace('#', 'info').replace('+', 'kitchen').replace('+', 'volume')), filter).not.toBeNull();
    }
  });

  it('never hears itself: no loop is possible', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/).filter((text) => text !== 'bridge' && text !== 'group');
    const name = fc.stringMatching(/^[a-z_]{1,8}(\/[a-z_]{1,8})?$/);
    const outs = rows.filter(([, { direction }]) => direction === 'out').map(([row]) => row as OutName);
    fc.assert(
      fc.property(fc.oneof(id, fc.constantFrom('set', 'get', 'all', 'request', 'state')), name, fc.constantFrom(...outs), (zone, request, row) => {
        const topic = topics.of(row, { zone, name: request });
        expect(topics.parse(topic)).toBeNull();
        for (const { topic: filter } of topics.filters()) expect(matches(filter, topic)).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  it('never shows two things on one topic', () => {
    const outs = rows.filter(([, { direction }]) => direction === 'out').map(([row]) => topics.of(row, { zone: 'kitchen', name: 'x' }));
    expect(new Set(outs).size).toBe(outs.length);
  });
});

describe('docs/mqtt.md', () => {
  const file = new URL('../../../docs/mqtt.md', import.meta.url);
  let text = readFileSync(file, 'utf8');

  it.each([
    ['topics', renderTopicTable],
    ['keys', renderKeyTable],
    ['entities', renderEntityTable],
    ['requests', renderRequestTable],
  ])('has the table of %s as the code has it; UPDATE_DOCS=1 writes it', (name, render) => {
    if (process.env['UPDATE_DOCS'] === '1') {
      text = text.replace(new RegExp(`(<!-- ${name}: generated -->\\n)[\\s\\S]*?(\\n?<!-- /${name} -->)`), (_, head: string, tail: string) => `${head}${render()}${tail}`);
      writeFileSync(file, text);
    }
    const found = new RegExp(`<!-- ${name}: generated -->\\n([\\s\\S]*?)\\n<!-- /${name} -->`).exec(text)?.[1];
    expect(found?.trim()).toBe(render());
  });
});
