import { expect, it } from 'vitest';
import { openLog } from './log.ts';
import { LogRing } from './log-ring.ts';

it('keeps the last 500 lines in their order', () => {
  const ring = new LogRing();
  for (let at = 0; at < 750; at++) ring.add({ at, level: 'info', part: '', message: String(at) });
  expect(ring.recent.map(({ at }) => at)).toEqual(Array.from({ length: 500 }, (_, at) => at + 250));
});

it('hears what the log says, from its level on, without secrets', () => {
  const log = openLog({ level: 'info', format: 'json', write: () => undefined });
  const heard: string[] = [];
  log.lines.events.on('said', ({ part, message }) => void heard.push(`${part}: ${message}`));
  log.child('spotify').warn('Authorization: Bearer planted-planted', { password: 'planted', count: 3 });
  log.debug('Nobody asked.');
  expect(log.lines.recent).toMatchObject([{ level: 'warn', part: 'spotify', fields: { count: 3 } }]);
  expect(JSON.stringify([log.lines.recent, heard])).not.toContain('planted');
  expect(heard).toHaveLength(1);
});
