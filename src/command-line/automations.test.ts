import { describe, expect, it } from 'vitest';
import { forecastLines, historyLines, listLines, manageAutomations } from './automations.ts';
import type { Desk } from './desk.ts';

const say = (moment: number) => new Date(moment).toISOString().slice(0, 16);
const at = Date.parse('2026-11-23T05:30:00Z');
const run = { automation: 'morning', at, ended: at, trigger: 'cron 30 6 * * *', result: 'skipped', why: 'Not so: no holiday (it is Christmas).', steps: [{ what: 'if no holiday', outcome: 'no: it is Christmas', at }] } as const;
const rule = { id: 'morning', name: 'Morning', kind: 'rule', enabled: true, next: at, skipsNext: true, last: run, zones: ['kitchen'], alarm: null } as const;
const picture = { automations: [rule], enabled: true, guestMode: false, quiet: true, people: [], rooms: [] } as const;
const desk = (isRunning: boolean, asked: string[] = []): Desk => ({
  isRunning,
  ask: (name) => {
    asked.push(name);
    return Promise.resolve(name === 'automation/list' ? { ...picture } : {});
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

describe('tonearm automations', () => {
  it('lists, foretells and remembers', () => {
    expect(listLines(picture, say)).toEqual(['Quiet hours are on.', 'Morning  (morning)  next 2026-11-23T05:30 (one is passed over), last 2026-11-23T05:30: skipped']);
    expect(listLines({ ...picture, automations: [{ ...rule, enabled: false, last: null }], quiet: false }, say)).toEqual(['Morning  (morning)  off']);
    expect(forecastLines({ automation: 'morning', firings: [{ at, runs: false, why: 'It is a holiday (Christmas).' }] }, say)).toEqual(['2026-11-23T05:30  does not run: It is a holiday (Christmas).']);
    expect(historyLines([run], say)).toEqual(['2026-11-23T05:30  morning  skipped: Not so: no holiday (it is Christmas).', '    set off by cron 30 6 * * *', '    if no holiday: no: it is Christmas']);
  });

  it('says times as the home’s clocks show them, whatever the shell is set to', async () => {
    for (const [zone, time] of [['Pacific/Kiritimati', '19:30'], ['America/Anchorage', '20:30']] as const) {
      const said: string[] = [];
      await manageAutomations(desk(true), [], false, (text) => said.push(text), zone);
      expect(said.join()).toContain(`${time} (one is passed over)`);
    }
  });

  it('asks the daemon, and says so when there is none', async () => {
    const asked: string[] = [];
    const said: string[] = [];
    await manageAutomations(desk(true, asked), [], false, (text) => said.push(text));
    await manageAutomations(desk(true, asked), ['skip', 'morning'], false, (text) => said.push(text));
    expect(asked).toEqual(['automation/list', 'automation/skip']);
    expect(said[1]).toBe('The next planned time will be passed over.');
    await expect(manageAutomations(desk(true), ['next'], false, () => undefined)).rejects.toMatchObject({ code: 'command/wrong-usage' });
    await expect(manageAutomations(desk(true), ['dance'], false, () => undefined)).rejects.toMatchObject({ code: 'command/wrong-usage' });
    await expect(manageAutomations(desk(false), [], false, () => undefined)).rejects.toMatchObject({ kind: 'unavailable', code: 'command/not-running' });
  });
});
