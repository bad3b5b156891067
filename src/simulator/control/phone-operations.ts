import { z } from 'zod';
import { TonearmError, anySignal } from '#foundation';
import type { Cloud } from '../cloud-contract.ts';
import type { PairingMischief } from '../phone/pairing.ts';
import type { Phone, PlayOptions } from '../phone/phone.ts';
import { checked, type Operation, type OperationInput } from './operation.ts';

const On = { on: z.string().optional() };
const Row = z.union([z.string(), z.number().int().min(0)]);
const Repeat = z.enum(['off', 'context', 'track']);
const PhoneBody = z.strictObject({ name: z.string().optional(), user: z.string().optional() });
const PairBody = z.strictObject({ url: z.string().optional(), speaker: z.string().optional(), within: z.number().default(20_000), mischief: z.string().optional() });
const ListRow = z.strictObject({ uri: z.string(), uid: z.string().optional(), provider: z.string().optional(), metadata: z.record(z.string(), z.string()).optional() });
const PlayBody = z.strictObject({
  context: z.string().optional(),
  track: Row.optional(),
  position: z.number().min(0).optional(),
  paused: z.boolean().optional(),
  shuffle: z.boolean().optional(),
  repeat: Repeat.optional(),
  withRows: z.boolean().optional(),
  ...On,
});

type Act = (phone: Phone, input: OperationInput) => unknown;

/** Phones, and what people do with them. */
export function phoneOperations(cloud: Cloud): Operation[] {
  const phoneOf = ({ parameters }: OperationInput): Phone => {
    const phone = cloud.phones.find(({ name }) => name === parameters['name']);
    if (phone) return phone;
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-phone', message: `There is no phone "${parameters['name'] ?? ''}"; POST /phones makes one.` });
  };
  const on = (body: unknown): string | undefined => checked(z.strictObject(On), body).on;
  const act = (name: string, about: string, run: Act): Operation => ({
    method: 'POST',
    path: `/phones/{name}/${name}`,
    about,
    async run(input) {
      const phone = phoneOf(input);
      return (await run(phone, input)) ?? viewOf(phone);
    },
  });
  return [
    { method: 'GET', path: '/phones', about: 'all phones and what they see', run: () => cloud.phones.map(viewOf) },
    {
      method: 'POST',
      path: '/phones',
      about: '{name?, user?} logs a phone in',
      run: async ({ body }) => viewOf(await cloud.openPhone(checked(PhoneBody, body) as Parameters<Cloud['openPhone']>[0])),
    },
    { method: 'GET', path: '/phones/{name}', about: 'what a phone sees', run: (input) => viewOf(phoneOf(input)) },
    { method: 'DELETE', path: '/phones/{name}', about: 'closes a phone', run: async (input) => (await phoneOf(input).leave(), {}) },
    { method: 'GET', path: '/phones/{name}/cluster', about: 'everything a phone was told', run: (input) => phoneOf(input).cluster },
    act('pair', '{url} or {speaker?, within?} pairs with a speaker, by address or found by mDNS', pair),
    act('info', '{url} asks a speaker who it is', (phone, { body, signal }) => phone.info(checked(z.strictObject({ url: z.string() }), body).url, signal)),
    act('reset', '{url} logs everybody out of a speaker', (phone, { body, signal }) => phone.resetUsers(checked(z.strictObject({ url: z.string() }), body).url, signal)),
    act('play', '{context?, track?, position?, paused?, shuffle?, repeat?, withRows?, on?} plays; without context everything there is', (phone, { body }) => {
      const { context = cloud.contexts.everything, ...options } = checked(PlayBody, body);
      return phone.play(context, options as PlayOptions);
    }),
    act('pause', '{on?}', (phone, { body }) => phone.pause(on(body))),
    act('resume', '{on?}', (phone, { body }) => phone.resume(on(body))),
    act('next', '{on?}', (phone, { body }) => phone.next(on(body))),
    act('previous', '{on?}', (phone, { body }) => phone.previous(on(body))),
    act('seek', '{position (ms), on?}', (phone, { body }) => {
      const { position, on } = checked(z.strictObject({ position: z.number(), ...On }), body);
      return phone.seek(position, on);
    }),
    act('volume', '{volume (0 to 65535), on?}', (phone, { body }) => {
      const { volume, on } = checked(z.strictObject({ volume: z.number().int(), ...On }), body);
      return phone.setVolume(volume, on);
    }),
    act('shuffle', '{value, on?}', (phone, { body }) => {
      const { value, on } = checked(z.strictObject({ value: z.boolean(), ...On }), body);
      return phone.shuffle(value, on);
    }),
    act('repeat', '{mode: off|context|track, on?}', (phone, { body }) => {
      const { mode, on } = checked(z.strictObject({ mode: Repeat, ...On }), body);
      return phone.repeat(mode, on);
    }),
    act('queue', '{uri, on?}', (phone, { body }) => {
      const { uri, on } = checked(z.strictObject({ uri: z.string(), ...On }), body);
      return phone.addToQueue(uri, on);
    }),
    act('set-queue', '{next: [{uri, uid?, provider?, metadata?}], on?} replaces what comes next', (phone, { body }) => {
      const { next, on } = checked(z.strictObject({ next: z.array(ListRow), ...On }), body);
      return phone.setQueue(next as Parameters<Phone['setQueue']>[0], on);
    }),
    act('skip-to', '{uri, uid, provider?, on?} a click on a row of what comes next', (phone, { body }) => {
      const { on, provider = 'context', ...row } = checked(z.strictObject({ uri: z.string(), uid: z.string(), provider: z.string().optional(), ...On }), body);
      return phone.skipTo({ ...row, provider }, on);
    }),
    act('transfer', '{to (device id; default: the only other one), paused?: restore|resume|pause}', (phone, { body }) => {
      const { to = [...phone.devices.keys()][0] ?? '', paused = 'restore' } = checked(z.strictObject({ to: z.string().optional(), paused: z.enum(['restore', 'resume', 'pause']).optional() }), body);
      return phone.transfer(to, { paused });
    }),
    act('take-over', '{} moves playback to the phone', (phone) => phone.takeOver()),
    act('play-here', '{context?, track?, position?, paused?, queue? (uris)} plays on the phone itself', (phone, { body }) => {
      const { context = cloud.contexts.everything, track = 0, position = 0, paused = false, queue = [] } = checked(PlayBody.extend({ queue: z.array(z.string()).optional() }), body);
      return phone.playHere(context, { track, position, paused, queue });
    }),
    act('stop-here', '{} the phone gives playback up', (phone) => phone.stopHere()),
    act('command', '{command: {endpoint, …}, on?} sends any player command', (phone, { body }) => {
      const { command, on } = checked(z.strictObject({ command: z.record(z.string(), z.unknown()), ...On }), body);
      return phone.command(command, on);
    }),
  ];
}

async function pair(phone: Phone, { body, signal }: OperationInput): Promise<unknown> {
  const { url, speaker, within, mischief } = checked(PairBody, body);
  const search = anySignal(signal, AbortSignal.timeout(within));
  const address = url ?? (await phone.discover({ signal: search, ...(speaker === undefined ? {} : { name: speaker }) })).url;
  const outcome = await phone.pair(address, mischief === undefined ? { signal } : { signal, mischief: mischief as PairingMischief });
  return { url: address, ...outcome };
}

/** What a person holding the phone sees. */
function viewOf(phone: Phone) {
  const { cluster } = phone;
  const state = cluster.playerState;
  return {
    name: phone.name,
    user: phone.user,
    deviceId: phone.deviceId,
    active: cluster.activeDeviceId,
    status: !state?.isPlaying ? 'stopped' : state.isPaused ? 'paused' : state.isBuffering ? 'loading' : 'playing',
    context: state?.contextUri ?? '',
    track: state?.track ? { uri: state.track.uri, uid: state.track.uid, provider: state.track.provider, title: state.track.metadata['title'] ?? null } : null,
    position: phone.position,
    duration: state?.duration ?? 0,
    shuffle: state?.options?.shufflingContext ?? false,
    repeat: state?.options?.repeatingTrack ? 'track' : state?.options?.repeatingContext ? 'context' : 'off',
    next: (state?.nextTracks ?? []).slice(0, 20).map(({ uri, uid, provider }) => ({ uri, uid, provider })),
    devices: [...phone.devices].map(([id, info]) => ({ id, name: info.name, type: info.deviceType, volume: info.volume })),
  };
}
