import { describe, expect, it } from 'vitest';
import type { HomeMessage } from '#core';
import { openHomeMessages } from './home-messages.ts';
import { fitsFilter, isFilter } from './topic-filter.ts';

const message = (topic: string): HomeMessage => ({ topic, payload: Buffer.from('x'), retained: false });

function open() {
  const errors: unknown[] = [];
  const { messages, carry } = openHomeMessages((error) => errors.push(error));
  const asked: string[] = [];
  let has = true;
  const attach = () =>
    carry({
      subscribe: (filter) => void asked.push(`+${filter}`),
      unsubscribe: (filter) => void asked.push(`-${filter}`),
      publish: () => Promise.resolve(has),
    });
  return { messages, attach, asked, errors, lose: () => void (has = false) };
}

describe('messages of the home', () => {
  it('are asked for once at the broker, however many listen', () => {
    const { messages, attach, asked } = open();
    const one = messages.subscribe('a/+', () => undefined);
    const line = attach();
    const two = messages.subscribe('a/+', () => undefined);
    messages.subscribe('b', () => undefined);
    expect(asked).toEqual(['+a/+', '+b']);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(asked).toHaveLength(2);
    two[Symbol.dispose]();
    expect(asked).toEqual(['+a/+', '+b', '-a/+']);
    line[Symbol.dispose]();
  });

  it('reach those who listen for them, and one that fails disturbs nobody', () => {
    const { messages, attach, errors } = open();
    const heard: string[] = [];
    const line = attach();
    messages.subscribe('a', () => {
      throw new Error('planted');
    });
    const gone = messages.subscribe('a', () => heard.push('gone'));
    messages.subscribe('a', () => heard.push('second'));
    messages.subscribe('b', () => heard.push('other'));
    gone[Symbol.dispose]();
    line.hear(message('a'), 'a');
    expect(heard).toEqual(['second']);
    expect(errors).toHaveLength(1);
  });

  it('know whether there is a line, and tell when it comes and goes', () => {
    const { messages, attach } = open();
    const told: string[] = [];
    for (const name of ['up', 'down', 'born'] as const) messages.events.on(name, () => told.push(name));
    expect(messages.isUp).toBe(false);
    const line = attach();
    line.down();
    expect(told).toEqual([]);
    line.up();
    expect(messages.isUp).toBe(true);
    line.born();
    line.down();
    line.up();
    line[Symbol.dispose]();
    expect(messages.isUp).toBe(false);
    line.up();
    expect(told).toEqual(['up', 'born', 'down', 'up', 'down']);
  });

  it('say whether the broker has what was said', async () => {
    const { messages, attach, lose } = open();
    expect(await messages.publish({ topic: 'a', payload: 'x' })).toBe(false);
    attach();
    expect(await messages.publish({ topic: 'a', payload: 'x' })).toBe(true);
    lose();
    expect(await messages.publish({ topic: 'a', payload: 'x' })).toBe(false);
  });

  it.each(['', 'a/#/b', 'a/b#', 'a+/b', '#/a', 'a\0b'])('are not asked for with %j', (filter) => {
    expect(isFilter(filter)).toBe(false);
    expect(() => open().messages.subscribe(filter, () => undefined)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'surface/bad-filter' }) as Error);
  });
});

it.each<[string, string, boolean]>([
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/b', 'a/b/c', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a', false],
  ['a/+', 'a/', true],
  ['+/+', '/a', true],
  ['+', '/a', false],
  ['a/+/c', 'a/b/c', true],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['#', 'a/b', true],
  ['#', '$SYS/uptime', false],
  ['+/uptime', '$SYS/uptime', false],
  ['$SYS/#', '$SYS/uptime', true],
  ['+/+/#', 'a', false],
])('the filter %s and the topic %s: %s', (filter, topic, fits) => {
  expect(isFilter(filter)).toBe(true);
  expect(fitsFilter(filter, topic)).toBe(fits);
});
