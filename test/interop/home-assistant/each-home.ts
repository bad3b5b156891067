import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { openHome, type Home, type HomeOptions } from './home.ts';
import { install, newest, older, type Release } from './install.ts';

/** Open while tests run, and only then. */
export interface Stay {
  readonly home: Home;
  readonly client: Client;
}

/** The same tests in a home with each Home Assistant we answer for; skipped, with the reason, where one cannot be installed. */
export async function inEachHome(title: string, settings: HomeOptions['settings'], tests: (stay: Stay, release: Release) => void): Promise<void> {
  for (const release of [newest, older]) {
    const installation = await install(release);
    const name = `Home Assistant ${release.version} ${title}`;
    if (typeof installation === 'string') {
      describe.skip(`${name}: ${installation}`, () => it('is there', () => undefined));
      continue;
    }
    describe(name, () => {
      let opened: Home | undefined;
      const stay: Stay = {
        get home() {
          if (!opened) throw new Error('The home is not open.');
          return opened;
        },
        get client() {
          return stay.home.homeAssistant.client;
        },
      };
      beforeAll(async () => {
        opened = await openHome({ installation, ...(settings && { settings }) });
        await opened.pairAll();
        for (const zone of ['kitchen', 'living_room']) await stay.client.shows(`sensor.${zone}_playback`, 'off', 60_000);
        await stay.client.shows('binary_sensor.tonearm_connection', 'on', 60_000);
      }, 600_000);
      afterAll(() => opened?.[Symbol.asyncDispose]());

      tests(stay, release);

      it('has nothing to complain about', () => {
        expect(stay.home.homeAssistant.complaints('homeassistant.components.mqtt', 'homeassistant.helpers.template')).toEqual([]);
      });
    });
  }
}
