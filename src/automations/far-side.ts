import type { ZoneView } from '#core';
import { toTonearmError, withTimeout } from '#foundation';
import type { Acting, Doing, Outcome } from './acting.ts';
import type { Action } from './actions.ts';
import { sayDuration } from './duration.ts';
import { fillAddress, fillPayload, type Fillings } from './fill.ts';

/** Asks something of the web. What it answers is told and no more: whatever is away must not keep the music from what comes next. */
export async function request(action: Extract<Action, { request: string }>, zone: ZoneView | undefined, run: Acting, doing: Doing): Promise<Outcome> {
  const { host } = new URL(action.request.replace(/\?.*$/, ''));
  const method = action.method ?? (action.body === undefined ? 'GET' : 'POST');
  return tell(`request ${method} ${host}`, action.timeout, `${host} did not answer within ${sayDuration(action.timeout)}`, run, doing, async (signal) => {
    if (!doing.request) return 'not asked: there is no network here';
    const fillings = { automation: run.rule.id, trigger: run.cause.text, zone };
    const body = action.body === undefined ? undefined : fillPayload(action.body, fillings);
    const headers = { ...(body && { 'content-type': body.isJson ? 'application/json' : 'text/plain; charset=utf-8' }), ...action.headers };
    const status = await doing.request(fillAddress(action.request, fillings), { method, headers, ...(body && { body: body.text }), signal });
    return `${status >= 200 && status < 300 ? 'done' : 'refused'}: ${host} answered with status ${status}`;
  });
}

/** Starts a program of the owner's and waits for its end. */
export async function program(action: Extract<Action, { program: unknown }>, zone: ZoneView | undefined, run: Acting, doing: Doing): Promise<Outcome> {
  const [name = '', ...list] = action.program;
  const what = `program ${name}`;
  return tell(what, action.timeout, `ended by force: it was not done within ${sayDuration(action.timeout)}`, run, doing, async (signal) => {
    if (!doing.launch) return 'not started: there are no programs here';
    const environment = { ...whatIsOn({ automation: run.rule.id, trigger: run.cause.text, zone }), ...action.environment };
    const said = (text: string) => doing.log.info('A program said', { automation: run.rule.id, program: name, text });
    const { code, killedBy } = await doing.launch(name, list, { environment, signal, said });
    if (killedBy !== null) return `failed: it was ended by ${killedBy}`;
    return code === 0 ? 'done' : `failed: it ended with ${code}`;
  });
}

/** For programs, as `TONEARM_…`. */
function whatIsOn({ automation, trigger, zone }: Fillings): Readonly<Record<string, string>> {
  const state = zone?.player.state;
  const { track } = state ?? {};
  const facts = {
    AUTOMATION: automation,
    TRIGGER: trigger,
    ZONE: zone?.id,
    ZONE_NAME: zone?.name,
    STATUS: state?.status,
    VOLUME: state && String(Math.round(state.volume.level * 100)),
    TITLE: track?.title,
    ARTIST: track?.artists.join(', '),
    ALBUM: track?.album,
    URI: track?.uri,
  };
  // No operating system takes a zero byte there, and titles come from outside.
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`TONEARM_${name}`, (value ?? '').replaceAll('\0', '')]));
}

async function tell(what: string, limit: number, late: string, run: Acting, { clock }: Doing, work: (signal: AbortSignal) => Promise<string>): Promise<Outcome> {
  try {
    return { what, outcome: await withTimeout(clock, limit, { code: 'automations/too-late', message: late }, run.signal, work) };
  } catch (error) {
    if (run.signal.aborted) throw error;
    const { code, message } = toTonearmError(error, 'automations/action-failed');
    return { what, outcome: code === 'automations/too-late' ? message : `not done: ${message}` };
  }
}
