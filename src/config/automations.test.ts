import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noPrograms } from '../../test/kit/no-programs.ts';
import { findDoubts } from './doubts.ts';
import { loadConfig } from './load.ts';
import { formatProblem } from './problem.ts';

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
    ['then: [{ stop: kitchn }]', '5: automations[0].then[0].stop: names the zone "kitchn", which is not there. There is "kitchen", "bath". Did you mean "kitchen"?'],
    ['then: [{ waitUntil: { playback: stopped, zone: baht } }]', '5: automations[0].then[0].waitUntil.zone: names the zone "baht", which is not there. There is "kitchen", "bath". Did you mean "bath"?'],
    ['then: [{ run: onne }]', '5: automations[0].then[0].run: names the automation "onne", which is not there. Did you mean "one"?'],
    ['when: [{ alarm: ringing, id: one }]', '5: automations[0].when[0].id: names the alarm "one", which is not there.'],
    ['then: [{ run: nobody }]', '5: automations[0].then[0].run: names the automation "nobody", which is not there.'],
    ['then: [{ run: one }]', '5: automations[0].then: sets itself off again: one → one.'],
    ['then: [{ request: "http://lamp.home/{{zone.title}}" }]', '5: automations[0].then[0].request: must be an address such as http://lamp.home/on?title={{zone.title}}; what is filled in stands behind its "?".'],
    ['then: [{ request: "http://lamp.home", headers: { "x y": 1 } }]', '5: automations[0].then[0].headers.x y: must be the name of a header, such as authorization; how long the body is, Tonearm says itself.'],
    ['then: [{ program: amp, environment: { "A B": 1 } }]', '5: automations[0].then[0].environment.A B: must be the name of a variable, such as AMP_ROOM.'],
    ['then: [{ program: bin/amp }]', '5: automations[0].then[0].program: must begin with the full path of a program, as in /usr/local/bin/amp, or with its name alone, which is looked for on PATH.'],
    ['then: [{ prgram: amp }]', '5: automations[0].then[0].prgram: there is no setting of this name. Did you mean "program"?'],
    ['then: []', '5: automations[0].then: needs at least 1 of these.'],
  ])('%s', async (part, sentence) => {
    expect(await problems(rule(part))).toEqual([sentence]);
  });

  it('suggests what was meant by a person, a room or the zone of an alarm', async () => {
    const presence = 'presence: { sources: [{ id: a, kind: person, person: anna, topic: a }, { id: b, kind: room, room: bath, topic: b }] }';
    expect(await problems(`${rule('when: [{ presence: { person: ana, to: present } }, { presence: { room: baht, to: absent } }]')}${presence}\nalarms: [{ id: wake, zone: Kitchn, time: "07:00" }]\n`)).toEqual([
      '5: automations[0].when[0].presence.person: names "ana", whom nothing under "presence" knows. It knows "anna". Did you mean "anna"?',
      '5: automations[0].when[1].presence.room: names the room "baht", which no source under "presence" watches. They watch "bath". Did you mean "bath"?',
      '8: alarms[0].zone: names the zone "Kitchn", which is not there. It rings in one of "kitchen", "bath". Did you mean "kitchen"?',
    ]);
  });

  it('knows where an alarm rings', async () => {
    expect(await problems('zones: [{ name: Kitchen }, { name: Bath }]\nalarms:\n  - { id: one, time: "07:00" }\n  - { id: two, zone: bedroom, time: "07:00" }\n')).toEqual([
      '3: alarms[0]: does not say in which zone. It rings in one of "kitchen", "bath".',
      '4: alarms[1].zone: names the zone "bedroom", which is not there. It rings in one of "kitchen", "bath".',
    ]);
  });

  it('knows where the tags of a reader play, and what they run', async () => {
    expect(await problems('zones: [{ name: Kitchen }, { name: Bath }]\nautomations: [{ id: night, zone: all, then: [{ stop: true }] }]\ntags:\n  readers:\n    - { id: a, topic: a }\n    - { id: b, topic: b, zone: Kitchn }\n  known:\n    - { tag: 0012, run: nigth }\n')).toEqual([
      '5: tags.readers[0]: does not say in which zone. Its tags play in one of "kitchen", "bath".',
      '6: tags.readers[1].zone: names the zone "Kitchn", which is not there. Its tags play in one of "kitchen", "bath". Did you mean "kitchen"?',
      '8: tags.known[0].run: names the automation "nigth", which is not there. Did you mean "night"?',
    ]);
    expect(await problems('tags:\n  readers: [{ id: a, topic: a }, { id: a, topic: "b/#/c" }]\n  known:\n    - { tag: "04 a2", play: x }\n    - { tag: 04:A2, play: y }\n    - { tag: "-", play: x, run: y }\n')).toEqual([
      '2: tags.readers[1].topic: must be an MQTT topic; + stands for one level, # at the end for all that follow.',
      '6: tags.known[2].tag: must be what the reader says of it: 1 to 100 letters and digits; "-", ":" and blanks do not count.',
      '6: tags.known[2]: needs exactly one of play and run.',
      '2: tags.readers[1].id: is used twice: "a".',
      '5: tags.known[1].tag: is there twice: "04A2".',
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

describe('what may be wrong', () => {
  const text = `zones: [{ name: Kitchen }, { name: Bath }]
presets:
  - { name: Morning, uri: "spotify:playlist:37i9dQZF1DXc5e2bJhV6pu" }
  - { name: Evening songs, uri: "spotify:playlist:37i9dQZF1DXc5e2bJhV6pu", zones: [bath] }
automations:
  - id: one
    zone: kitchen
    then:
      - preset: morning
      - { preset: Mornin, zone: bath }
      - preset: evening-songs
      - preset: News
      - play: spotify:track:37i9dQZF1DXc5e2bJhV6pu
alarms:
  - { id: wake, zone: kitchen, time: "07:00", play: Mornng }
  - { id: late, zone: kitchen, time: "09:00", play: { preset: Nwes } }
  - { id: link, zone: kitchen, time: "09:00", play: "https://open.spotify.com/track/37i9dQZF1DXc5e2bJhV6pu" }
holidays: { files: [free.ics] }
tags:
  readers: [{ id: shelf, topic: shelf, zone: bath }]
  known: [{ tag: '01', play: evening songs }, { tag: '02', play: Polka }, { tag: '03', play: 'music:x' }]
`;
  const doubts = async (added: unknown): Promise<string[]> => {
    const path = join(folder, 'configuration.yaml');
    await writeFile(path, text);
    const found = await findDoubts(await loadConfig({ path, environment: {}, defaultData: folder }), added, noPrograms);
    return found.map((doubt) => formatProblem(doubt).replace(`${path}:`, '').replaceAll(folder, '').replace(/^(\d+):\d+:/, '$1:'));
  };

  it('is a preset nobody knows, with the nearest one, and a calendar nobody understands; those added since are known', async () => {
    await writeFile(join(folder, 'free.ics'), 'BEGIN:VEVENT\nDTSTART:20260501\nSUMMARY:Fridays\nRRULE:FREQ=WEEKLY\nEND:VEVENT\n');
    const always = [
      '10: automations[0].then[1].preset: the automation "one" plays the preset "Mornin", which is not there now. Did you mean "Morning"?',
      '11: automations[0].then[2].preset: the automation "one" plays the preset "evening-songs", which is not offered in "kitchen".',
    ];
    const calendar = '18: holidays.files[0]: “Fridays” (2026-05-01) repeats in a way that is not understood (FREQ=WEEKLY): only its first time counts. List the others under "dates".';
    expect(await doubts(null)).toEqual([
      ...always,
      '12: automations[0].then[3].preset: the automation "one" plays the preset "News", which is not there now.',
      '15: alarms[0].play: the alarm "wake" plays the preset "Mornng", which is not there now. Did you mean "Morning"?',
      '16: alarms[1].play.preset: the alarm "late" plays the preset "Nwes", which is not there now.',
      '21: tags.known[1].play: the tag "02" plays the preset "Polka", which is not there now.',
      calendar,
    ]);
    expect(await doubts([{ id: 'news', name: 'News', uri: 'x:y' }, 'rubbish', null])).toEqual([
      ...always,
      '15: alarms[0].play: the alarm "wake" plays the preset "Mornng", which is not there now. Did you mean "Morning"?',
      '16: alarms[1].play.preset: the alarm "late" plays the preset "Nwes", which is not there now. Did you mean "News"?',
      '21: tags.known[1].play: the tag "02" plays the preset "Polka", which is not there now.',
      calendar,
    ]);
  });

  it('is not a calendar that is missing: that is told as a mistake', async () => {
    await rm(join(folder, 'free.ics'));
    await expect(doubts(null)).rejects.toMatchObject({ code: 'automations/calendar-unreadable' });
  });
});
