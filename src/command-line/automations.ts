import type { AutomationsPicture, Forecast, RunView } from '#core';
import { TonearmError } from '#foundation';
import type { Desk } from './desk.ts';

/** `2026-11-23 06:30` */
type SayTime = (moment: number) => string;

/** As clocks there show it; the system's own where none is given. */
function clocksOf(timeZone: string | undefined): SayTime {
  return (moment) => new Date(moment).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone });
}

const things = ['list', 'next', 'history', 'run', 'enable', 'disable', 'skip'] as const;

/** `tonearm automations …`: asks the running daemon and says its answer, with times as its schedules mean them. */
export async function manageAutomations(desk: Desk, [what = 'list', id]: readonly (string | undefined)[], isJson: boolean, say: (text: string) => void, timezone?: string): Promise<void> {
  const thing = things.find((one) => one === what);
  if (!thing) throw wrongUsage(`"${what.slice(0, 40)}" is nothing that can be done with automations.`);
  if (!desk.isRunning) throw new TonearmError({ kind: 'unavailable', code: 'command/not-running', message: 'Tonearm is not running, so nothing is planned. Start it first; "tonearm --check" reads the configuration without starting.' });
  if (id === undefined && thing !== 'list' && thing !== 'history') throw wrongUsage('Say which automation is meant, by its id; "tonearm automations" lists them.');
  const local = clocksOf(timezone);
  const answer = await desk.ask(`automation/${thing}`, id === undefined ? {} : { id });
  if (isJson) say(JSON.stringify(answer, null, 2));
  else if (thing === 'list') say(listLines(answer as unknown as AutomationsPicture, local).join('\n'));
  else if (thing === 'next') say(forecastLines(answer as unknown as Forecast, local).join('\n'));
  else if (thing === 'history') say(historyLines((answer as unknown as { readonly runs: readonly RunView[] }).runs, local).join('\n'));
  else say(done[thing]);
}

const done = { run: 'It has begun; "tonearm automations history" shows what comes of it.', enable: 'It is on.', disable: 'It is off, and stays so over restarts.', skip: 'The next planned time will be passed over.' } as const;

/** Pure, as are the others below. */
export function listLines({ automations, enabled, guestMode, quiet }: AutomationsPicture, say: SayTime): string[] {
  const general = [enabled ? '' : 'Automations are switched off: nothing happens by itself.', guestMode ? 'Guest mode is on: presence sets nothing off.' : '', quiet ? 'Quiet hours are on.' : ''].filter((line) => line !== '');
  if (automations.length === 0) return ['There are no automations and no alarms. docs/automations.md has some to copy.'];
  return [
    ...general,
    ...automations.map(({ id, name, kind, enabled: isOn, next, skipsNext, last }) => {
      const when = !isOn ? 'off' : next === null ? 'when it happens' : `next ${say(next)}${skipsNext ? ' (one is passed over)' : ''}`;
      return `${name}  (${id}${kind === 'alarm' ? ', alarm' : ''})  ${when}${last === null ? '' : `, last ${say(last.at)}: ${last.result}`}`;
    }),
  ];
}

export function forecastLines({ automation, firings }: Forecast, say: SayTime): string[] {
  if (firings.length === 0) return [`No times are planned for ${automation}: it runs when something happens. "tonearm automations history ${automation}" shows when it did, and why not.`];
  return firings.map(({ at, runs, why }) => `${say(at)}  ${runs ? 'runs' : 'does not run'}: ${why}`);
}

export function historyLines(runs: readonly RunView[], say: SayTime): string[] {
  if (runs.length === 0) return ['Nothing has happened yet.'];
  return runs.flatMap(({ automation, at, trigger, result, why, steps }) => [`${say(at)}  ${automation}  ${result}: ${why}`, `    set off by ${trigger}`, ...steps.map(({ what, outcome }) => `    ${what}: ${outcome}`)]);
}

function wrongUsage(what: string): TonearmError {
  return new TonearmError({ kind: 'invalid', code: 'command/wrong-usage', message: `${what}\nUsage: tonearm automations [list | next ID | history [ID] | run ID | enable ID | disable ID | skip ID] [--json]` });
}
