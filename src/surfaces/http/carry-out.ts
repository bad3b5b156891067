import { z } from 'zod';
import { answerAccountRequest, isAccountRequest, type Automations, type Command, type Control, type Presets, type Tags, tagWishOf, type ZoneView } from '#core';
import { base64, type Clock, maskUser, TonearmError, withTimeout } from '#foundation';
import type { SurfaceContext } from '../surface.ts';
import { type Caller, demand } from './gate.ts';
import { zoneOf } from './say.ts';
import type { AnswerOf, By, Info } from './wire/index.ts';
import { type Fields, requests, type RequestName } from './wire/requests.ts';

export type House = Pick<SurfaceContext, 'zones' | 'presets' | 'automations' | 'accounts' | 'control'> & {
  readonly health: SurfaceContext['host']['health'];
  readonly info: () => Info;
  readonly clock: Clock;
  /** Fires when the surface closes. */
  readonly closing: AbortSignal;
};

/** A command that takes longer has failed. Milliseconds. */
const patience = 30_000;

interface Occasion {
  readonly by: By;
  /** Commands are carried out also when whoever sent them has left. */
  readonly act: (zone: ZoneView, commands: readonly Command[]) => Promise<void>;
}

type Deeds = { readonly [Name in RequestName]: (house: House, fields: Fields<Name>, occasion: Occasion) => AnswerOf<Name> | Promise<AnswerOf<Name>> };

const deeds: Deeds = {
  info: ({ info }) => info(),
  conditions: ({ health }) => ({ conditions: (health?.conditions ?? []).map((condition) => ({ ...condition })) }),
  zones: ({ zones }) => ({ zones: zones.map(zoneOf) }),
  zone: (house, { zone }) => zoneOf(zoneNamed(house, zone)),
  'zone/command': async (house, { zone, commands }, { by, act }) => {
    const view = zoneNamed(house, zone);
    await act(view, Array.isArray(commands) ? commands : [commands]);
    return { revision: view.player.state.revision, by };
  },
  presets: ({ presets }) => ({ presets: presets?.list ?? [] }),
  'preset/add': async (house, fields) => presetsOf(house).add(fields),
  'preset/remove': async (house, { preset }) => nothing(presetsOf(house).remove(preset)),
  automations: (house) => rulesOf(house).picture,
  'automations/enable': (house, { on }) => nothing(rulesOf(house).enable(null, on)),
  'automations/guest-mode': (house, { on }) => nothing(rulesOf(house).setGuestMode(on)),
  'automations/snooze': (house, _fields, { by }) => nothing(rulesOf(house).snooze(null, by)),
  'automations/stop': (house, _fields, { by }) => nothing(rulesOf(house).stop(null, by)),
  'automations/history': (house, { count }) => ({ runs: rulesOf(house).history(null, count) }),
  'automation/enable': (house, { automation, on }) => nothing(rulesOf(house).enable(automation, on)),
  'automation/run': (house, { automation }, { by }) => nothing(rulesOf(house).run(automation, by)),
  'automation/skip': (house, { automation, on }) => nothing(rulesOf(house).skipNext(automation, on)),
  'automation/time': (house, { automation, time }) => nothing(rulesOf(house).setTime(automation, time)),
  'automation/snooze': (house, { automation }, { by }) => nothing(rulesOf(house).snooze(automation, by)),
  'automation/stop': (house, { automation }, { by }) => nothing(rulesOf(house).stop(automation, by)),
  tags: (house) => tagsOf(house).picture,
  'tags/learn': (house, wish) => tagsOf(house).learn(tagWishOf(wish)),
  'tag/forget': (house, { tag }) => nothing(tagsOf(house).forget(tag)),
  'tag/scan': (house, { tag, zone }) => tagsOf(house).scan(tag, zone),
  'automation/set': async (house, { rule, alarm = {} }) => {
    const id = await (rule ? controlOf(house).setAutomation('rule', rule) : controlOf(house).setAutomation('alarm', alarm));
    await house.automations?.forget(id);
    return { id };
  },
  'automation/remove': async (house, { automation }) => {
    await controlOf(house).removeAutomation(automation);
    await house.automations?.forget(automation);
    return {};
  },
  options: async (house, { options }) => {
    const control = controlOf(house);
    const { restarts } = await control.changeOptions(options);
    return { restarting: restarts, restartRequired: !restarts && control.restartRequired };
  },
  backup: async (house) => {
    const { zip, leftOut } = await controlOf(house).backup();
    return { zip: base64(zip), leftOut };
  },
  'automation/forecast': (house, { automation, count }) => rulesOf(house).forecast(automation, count),
  'automation/history': (house, { automation, count }) => ({ runs: rulesOf(house).history(automation, count) }),
};

/** Does what is asked and resolves with the answer. Rejects with a `TonearmError` that says why not. `signal`: who asked has left. */
export async function carryOut(house: House, caller: Caller, name: string, fields: unknown, signal: AbortSignal): Promise<object> {
  const account = name.startsWith('account/') ? name.slice('account/'.length) : null;
  if (account !== null && isAccountRequest(account) && house.accounts) {
    demand(caller, 'control');
    return answerAccountRequest(house.accounts, account, fields, maskUser, signal);
  }
  if (!isRequest(name)) throw new TonearmError({ kind: 'not-found', code: 'http/not-found', message: `There is no request "${name.slice(0, 64)}". docs/api.md lists those there are.` });
  const row = requests[name];
  demand(caller, row.scope);
  const parsed = row.fields.safeParse(fields);
  if (!parsed.success) throw new TonearmError({ kind: 'invalid', code: 'http/bad-request', message: `The request was not understood: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ').slice(0, 500)}` });
  // The table says that these are the fields of this request; the compiler cannot follow a name that is only known now.
  return (deeds[name] as (house: House, fields: unknown, occasion: Occasion) => object | Promise<object>)(house, parsed.data, { by: caller.by, act: (zone, commands) => act(house, zone, commands, caller.by) });
}

async function act({ clock, closing }: House, { name, player }: ZoneView, commands: readonly Command[], by: By): Promise<void> {
  const what = { code: 'http/command-timeout', message: `“${name}” did not do this within ${patience / 1000} seconds. It may still do it; look at its state, and try again.` };
  await withTimeout(clock, patience, what, closing, (signal) => player.dispatch(commands, by, signal));
}

function isRequest(name: string): name is RequestName {
  return Object.hasOwn(requests, name);
}

function zoneNamed({ zones }: House, id: string): ZoneView {
  const zone = zones.find((one) => one.id === id);
  if (!zone) throw new TonearmError({ kind: 'not-found', code: 'http/no-such-zone', message: `There is no zone "${id}". There are: ${zones.map((one) => one.id).join(', ')}.` });
  return zone;
}

function presetsOf({ presets }: House): Presets {
  return presets ?? never();
}

function rulesOf({ automations }: House): Automations {
  return automations ?? never();
}

function tagsOf({ automations }: House): Tags {
  if (automations?.tags) return automations.tags;
  throw new TonearmError({ kind: 'not-found', code: 'http/not-here', message: 'Tags are not set up. Put a section "tags" into the configuration; "tags: {}" is enough.' });
}

function controlOf({ control }: House): Control {
  return control ?? never();
}

function never(): never {
  throw new TonearmError({ kind: 'not-found', code: 'http/not-here', message: 'This Tonearm has no such part.' });
}

async function nothing(deed: Promise<void>): Promise<Record<string, never>> {
  await deed;
  return {};
}
