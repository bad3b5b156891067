import type { z } from 'zod';
import type { RequestName, requests } from '../../src/surfaces/http/wire/index.ts';
import type { AutomationPicture, HousePicture, Outcome, PresetPicture, Request, ZonePicture } from './picture.ts';

/** Fields of a request as they may be written. */
type FieldsInput<Name extends RequestName> = z.input<(typeof requests)[Name]['fields']>;

const statuses = ['stopped', 'loading', 'playing', 'paused', 'stalled'] as const satisfies readonly ZonePicture['status'][];
const alarmStates = ['idle', 'ringing', 'snoozed'] as const satisfies readonly AutomationPicture['alarm'][];

/** What a daemon says, as far as it concerns us. */
export type Message =
  | { readonly kind: 'whole'; readonly picture: HousePicture }
  | { readonly kind: 'zone'; readonly zone: ZonePicture }
  | { readonly kind: 'presets'; readonly presets: readonly PresetPicture[] }
  | { readonly kind: 'automations'; readonly automations: readonly AutomationPicture[] }
  | Answer;

export interface Answer {
  readonly kind: 'answer';
  readonly id: string;
  readonly outcome: Outcome;
}

/** The picture after a message; null while there is none. */
export function apply(picture: HousePicture | null, message: Exclude<Message, Answer>): HousePicture | null {
  if (message.kind === 'whole') return message.picture;
  if (picture === null) return null;
  switch (message.kind) {
    case 'zone':
      return { ...picture, zones: picture.zones.map((zone) => (zone.id === message.zone.id ? message.zone : zone)) };
    case 'presets':
      return { ...picture, presets: message.presets };
    case 'automations':
      return { ...picture, automations: message.automations };
  }
}

/** Where a daemon's events are: `http://host:8484` → `ws://host:8484/api/v1/events?by=homekit`. */
export function socketUrl(base: string): string {
  const url = new URL(base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/events`;
  url.search = '?by=homekit';
  url.hash = '';
  return url.href;
}

/** Null for what is no message of ours, or one of a kind we do not know; `now` is Unix ms of our own clock. */
export function readMessage(text: string, now: number): Message | null {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return null;
  }
  const message = record(said);
  switch (message['kind']) {
    case 'hello': {
      const daemon = record(message['daemon']);
      const instance = daemon['id'];
      if (typeof instance !== 'string' || instance === '' || !Array.isArray(message['zones'])) return null;
      return {
        kind: 'whole',
        picture: {
          instance,
          name: word(daemon['name'], instance),
          version: word(daemon['version'], ''),
          mayControl: message['scope'] === 'control',
          ahead: number(daemon['now'], now) - now,
          zones: message['zones'].flatMap((zone) => readZone(zone) ?? []),
          presets: readPresets(message['presets']),
          automations: readAutomations(message['automations']),
        },
      };
    }
    case 'zone': {
      const zone = readZone(message['zone']);
      return zone && { kind: 'zone', zone };
    }
    case 'presets':
      return { kind: 'presets', presets: readPresets(message['presets']) };
    case 'automations':
      return { kind: 'automations', automations: readAutomations(message['automations']) };
    case 'answer': {
      const { id } = message;
      if (typeof id !== 'string') return null;
      const error = message['error'];
      return { kind: 'answer', id, outcome: error === undefined ? { kind: 'done' } : { kind: 'refused', why: word(record(error)['message'], 'Tonearm refused it.') } };
    }
    default:
      return null;
  }
}

/** The daemon's own words for what we ask. */
type SocketRequest = { [Name in RequestName]: { readonly id: string; readonly do: Name; readonly with: FieldsInput<Name> } }[RequestName];

export function writeRequest(id: string, request: Request): string {
  return JSON.stringify(socketRequest(id, request));
}

function socketRequest(id: string, request: Request): SocketRequest {
  if (request.kind === 'zone') return { id, do: 'zone/command', with: { zone: request.zone, commands: [...request.commands] } };
  const { id: automation, action } = request;
  if (action === 'enable' || action === 'disable') return { id, do: 'automation/enable', with: { automation, on: action === 'enable' } };
  return { id, do: `automation/${action}`, with: { automation } };
}

function readZone(value: unknown): ZonePicture | null {
  const { id, name, state: given } = record(value);
  if (typeof id !== 'string' || typeof name !== 'string') return null;
  const state = record(given);
  const status = statuses.find((one) => one === state['status']);
  if (status === undefined) return null;
  const { uri, title, artists } = record(state['track']);
  const { at, measured } = record(state['position']);
  const { level, limit, muted } = record(state['volume']);
  const { preset, accepts } = state;
  return {
    id,
    name,
    status,
    track: typeof uri === 'string' ? { uri, title: word(title, ''), artists: words(artists) } : null,
    position: { at: number(at, 0), measured: number(measured, 0) },
    level: share(level, 0),
    limit: share(limit, 1),
    muted: muted === true,
    preset: typeof preset === 'string' ? preset : null,
    accepts: new Set(words(accepts)),
  };
}

function readPresets(value: unknown): readonly PresetPicture[] {
  return entries(value).flatMap(({ id, name, zones }) => (typeof id === 'string' ? [{ id, name: word(name, id), ...(Array.isArray(zones) && { zones: words(zones) }) }] : []));
}

function readAutomations(value: unknown): readonly AutomationPicture[] {
  return entries(record(value)['automations']).flatMap(({ id, name, enabled, alarm }) => {
    if (typeof id !== 'string') return [];
    const state = alarmStates.find((one) => one === record(alarm)['state']) ?? null;
    return [{ id, name: word(name, id), enabled: enabled === true, alarm: state }];
  });
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function entries(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function words(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function word(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function share(value: unknown, otherwise: number): number {
  return Math.min(Math.max(number(value, otherwise), 0), 1);
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}
