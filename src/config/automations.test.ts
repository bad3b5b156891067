import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tonearm-automations-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What is said about a configuration, without the file's name and the column. */
async function problems(text: string): Promise<string[]> {
  const path = join(folder, 'configuration.yaml');
  await writeFile(path, text);
  try {
    await loadConfig({ path, environment: {}, defaultData: folder });
    return [];
  } catch (error) {
    return (error as Error).message.split('\n').slice(1).map((line) => line.trim().replace(`${path}:`, '').replace(/^(\d+):\d+:/, '$1:'));
  }
}

const rule = (part: string) => `zones: [{ name: Kitchen }, { name: Bath }]\nautomations:\n  - id: one\n    zone: kitchen\n    ${part.includes('then:') ? part : `${part}\n    then: [{ volume: 3 }]`}\n`;

describe('what people get wrong in automations', () => {
  it.each([
    ['when: [{ cron: "99 * * * *" }]', '5: automations[0].when[0].cron: must be a schedule: 99 is no minute; a schedule is "minute hour day month weekday", with seconds in front if wanted: "30 6 * * MON-FRI".'],
    ['when: [{ cron: "6:30" }]', '5: automations[0].when[0].cron: must be a schedule: pattern includes illegal characters; a schedule is "minute hour day month weekday", with seconds in front if wanted: "30 6 * * MON-FRI".'],
    ['when: [{ cron: "@daily", timezone: Berlin }]', '5: automations[0].when[0].timezone: must be a time zone such as Europe/Berlin.'],
    ['when: [{ sun: sunset }]', '5: automations[0].when[0].sun: needs to know where you are: set location with latitude and longitude.'],
    ['when: [{ sun: noon }]', '5: automations[0].when[0].sun: must be sunrise, sunset, dawn or dusk, with an offset if wanted ("sunset+15m", "sunrise-00:30"), but is "noon".'],
    ['when: [{ prescence: { room: bath, to: present } }]', '5: automations[0].when[0].prescence: there is no setting of this name. Did you mean "presence"?'],
    ['when: [{ presence: { room: bath, to: present } }]', '5: automations[0].when[0].presence.room: names the room "bath", which no source under "presence" watches.'],
    ['when: [{ presence: { to: present } }]', '5: automations[0].when[0].presence: needs exactly one of person, room and house.'],
    ['when: [{ mqtt: "a/#/b" }]', '5: automations[0].when[0].mqtt: must be an MQTT topic; + stands for one level, # at the end for all that follow.'],
    ['if: [{ between: "22:00" }]', '5: automations[0].if[0].between: must be two different times of day such as "22:00-07:00", in quotes, but is "22:00".'],
    ['if: [{ any: [{ days: [monday] }] }]', '5: automations[0].if[0].any[0].days[0]: must be mon, tue, wed, thu, fri, sat or sun, but is "monday".'],
    ['mode: twice', '5: automations[0].mode: must be single, restart, queued or parallel, but is "twice".'],
    ['then: [{ plya: x }]', '5: automations[0].then[0].plya: there is no setting of this name. Did you mean "play"?'],
    ['then: [{ wait: soon }]', '5: automations[0].then[0].wait: must be a length of time such as 90s, 5m or 1h30m, but is "soon".'],
    ['then: [{ fade: 30 }]', '5: automations[0].then[0].over: a text is missing.'],
    ['then: [{ volume: 120 }]', '5: automations[0].then[0].volume: must be 100 or less, but is 120.'],
    ['then: [{ stop: kitchn }]', '5: automations[0].then[0].stop: names the zone "kitchn", which is not there. There is "kitchen", "bath".'],
    ['then: [{ run: nobody }]', '5: automations[0].then[0].run: names the automation "nobody", which is not there.'],
    ['then: [{ run: one }]', '5: automations[0].then: sets itself off again: one → one.'],
    ['then: []', '5: automations[0].then: needs at least 1 of these.'],
  ])('%s', async (part, sentence) => {
    expect(await problems(rule(part))).toEqual([sentence]);
  });

  it('knows where an alarm rings', async () => {
    expect(await problems('zones: [{ name: Kitchen }, { name: Bath }]\nalarms:\n  - { id: one, time: "07:00" }\n  - { id: two, zone: bedroom, time: "07:00" }\n')).toEqual([
      '3: alarms[0]: does not say in which zone. It rings in one of "kitchen", "bath".',
      '4: alarms[1].zone: names the zone "bedroom", which is not there. It rings in one of "kitchen", "bath".',
    ]);
  });

  it('knows where an automation belongs, and that ids are used once', async () => {
    expect(await problems('zones: [{ name: Kitchen }, { name: Bath }]\nautomations:\n  - { id: one, then: [{ volume: 3 }] }\n  - { id: one, zone: all, then: [{ volume: 3 }] }\nalarms:\n  - { id: one, zone: bath, time: "07:00" }\n')).toEqual([
      '4: automations[1].id: is used twice: every automation and alarm needs an id of its own, and "one" is one already.',
      '6: alarms[0].id: is used twice: every automation and alarm needs an id of its own, and "one" is one already.',
      '3: automations[0].then[0]: does not say in which zone. Give it, or the automation, a zone: one of "kitchen", "bath", or all.',
    ]);
  });
});
