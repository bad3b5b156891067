import { describe, expect, it } from 'vitest';
import { Secret } from '#foundation';
import { openLog, type LogOptions } from './log.ts';

function record(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  return { lines, log: openLog({ level: 'info', format: 'json', write: (line) => void lines.push(line), ...options }) };
}

describe('the log', () => {
  it('writes one JSON object per line with level, time, part and fields', () => {
    const { lines, log } = record();
    log.child('spotify').child('dealer').warn('Connection lost', { attempt: 2, token: 'planted', wrapped: new Secret('planted') });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    const { time, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(Date.parse(String(time))).toBeGreaterThan(0);
    expect(rest).toEqual({ level: 'warn', part: 'spotify/dealer', attempt: 2, token: '[secret]', wrapped: '[secret]', msg: 'Connection lost' });
  });

  it('does not repeat a name that is given in full', () => {
    const { lines, log } = record();
    log.child('zones').child('zones/kitchen').info('Ready');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ part: 'zones/kitchen' });
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = record({ level: 'warn' });
    log.info('no');
    log.debug('no');
    log.error('yes');
    expect(lines).toHaveLength(1);
  });

  it('writes text as one line for people', () => {
    const { lines, log } = record({ format: 'text' });
    log.child('host').info('Made "it"', { path: '/x', name: 'two words', error: new Error('no such thing') });
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}info {3}host {2}Made "it" {2}path=\/x {2}name="two words" {2}error="no such thing"/);
    expect(lines[0]?.split('\n')).toHaveLength(2);
  });

  it('colours only when asked', () => {
    const plain = record({ format: 'text' });
    const coloured = record({ format: 'text', colour: true });
    plain.log.info('x');
    coloured.log.info('x');
    expect(plain.lines[0]).not.toContain('\u001b');
    expect(coloured.lines[0]).toContain('\u001b[32m');
  });

  it('lets no message forge a line or move the cursor', () => {
    const { lines, log } = record({ format: 'text' });
    log.info('name\n12:00:00.000  info  forged\u001b[2J', { by: 'a\nb' });
    expect(lines[0]?.trimEnd().split('\n')).toHaveLength(1);
    expect(lines[0]).not.toContain('\u001b');
  });
});
