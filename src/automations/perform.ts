import type { CommandInput, Millis, ZoneView } from '#core';
import { Command } from '#core';
import { abortable, sleep, toTonearmError, TonearmError, withEither, withTimeout } from '#foundation';
import type { Acting, Doing, Outcome } from './acting.ts';
import type { Action } from './actions.ts';
import { sayDuration } from './duration.ts';
import { isPlaying } from './facts.ts';
import { program, request } from './far-side.ts';
import { fillPayload } from './fill.ts';

type Zoned = Extract<Action, { readonly zone?: unknown }>;
type Doable = Exclude<Action, { wait: unknown } | { waitUntil: unknown }>;

/** So long a message may be on its way to the broker. */
const patience = 5000;

/** Does one thing. Rejects only when the run was aborted; what fails is said in the outcome. */
export async function perform(action: Doable, run: Acting, doing: Doing): Promise<Outcome> {
  if ('run' in action) {
    doing.setOff(action.run, [...run.cause.chain, run.rule.id]);
    return { what: `run ${action.run}`, outcome: 'set off' };
  }
  if ('enable' in action || 'disable' in action) {
    const isOn = 'enable' in action;
    const id = isOn ? action.enable : action.disable;
    await doing.enable(id, isOn, run.key);
    return { what: `${isOn ? 'enable' : 'disable'} ${id}`, outcome: 'done' };
  }
  if ('publish' in action) return publish(action, run, doing);
  if ('request' in action) return request(action, ownZone(run, doing), run, doing);
  if ('program' in action) return program(action, ownZone(run, doing), run, doing);
  if ('transfer' in action) {
    const from = action.from ?? zonesOf(undefined, run, doing)[0]?.id;
    return inZones(`transfer to ${action.transfer}`, from === undefined ? [] : [from], run, doing, async (zone) => {
      if (!isPlaying(zone.player.state) && zone.player.state.status !== 'paused') return 'nothing plays there';
      await send(zone, [{ kind: 'transfer', to: action.transfer }], run);
      run.began(action.transfer);
      return 'transferred';
    });
  }
  if ('pause' in action) return inZones('pause', idsOf(action.pause, run, doing), run, doing, (zone) => pause(action, zone, run, doing));
  if ('resume' in action) return inZones('resume', idsOf(action.resume, run, doing), run, doing, (zone) => resume(action, zone, run, doing));
  if ('stop' in action) return inZones('stop', idsOf(action.stop, run, doing), run, doing, (zone) => stop(action, zone, run, doing));
  if ('next' in action) {
    return inZones('next', idsOf(action.next, run, doing), run, doing, async (zone) => {
      await send(zone, [{ kind: 'next' }], run);
      return 'skipped';
    });
  }
  return inZones(sayAction(action), idsOf(action.zone, run, doing), run, doing, (zone) => inZone(action, zone, run, doing));
}

async function inZone(action: Exclude<Zoned, { transfer: unknown }>, zone: ZoneView, run: Acting, doing: Doing): Promise<string> {
  if ('play' in action || 'preset' in action) return play(action, zone, run);
  if ('fade' in action) return fade(zone, { to: action.fade, over: action.over, curve: action.curve }, run, doing);
  if ('announce' in action) {
    await send(zone, [{ kind: 'announce', uri: action.announce, chime: action.chime, ...(action.volume !== undefined && { level: action.volume }) }], run);
    return 'said';
  }
  if ('limit' in action) await send(zone, [{ kind: 'limit', level: action.limit }], run);
  else if ('sleep' in action) await send(zone, [{ kind: 'sleep', after: action.sleep, fade: Math.min(action.fadeOut, action.sleep) }], run);
  else if ('mute' in action) await send(zone, [{ kind: 'mute', muted: action.mute }], run);
  else await send(zone, [{ kind: 'volume', level: action.volume }], run);
  return 'done';
}

/** Volume is set before it sounds, and put back when nothing came of it. */
async function play(action: Extract<Action, { play: string } | { preset: string }>, zone: ZoneView, run: Acting): Promise<string> {
  const { level } = zone.player.state.volume;
  const target = action.volume ?? level;
  const start: CommandInput =
    'preset' in action
      ? { kind: 'preset', preset: action.preset }
      : { kind: 'play', uri: action.play, ...(action.at !== undefined && { at: action.at }), ...(action.from !== undefined && { from: action.from }), ...(action.shuffle !== undefined && { shuffle: action.shuffle }) };
  const first = action.fadeIn !== undefined ? 0 : action.volume;
  run.began(zone.id);
  try {
    await send(zone, [...(first === undefined ? [] : [{ kind: 'volume', level: first } as const]), start], run);
  } catch (error) {
    if (first !== undefined && first !== level) await send(zone, [{ kind: 'volume', level }], run).catch(() => undefined);
    throw error;
  }
  if (action.fadeIn === undefined) return 'started';
  await send(zone, [{ kind: 'fade', to: target, over: action.fadeIn }], run);
  return `started, comes up to ${percent(target)} in ${sayDuration(action.fadeIn)}`;
}

/** Until it is there, or somebody else has another idea of the volume. `back`: the level when the run ends before; where it is when absent. */
async function fade(zone: ZoneView, { to, over, curve = 'perceptual', back }: { readonly to: number; readonly over: Millis; readonly curve?: 'perceptual' | 'linear'; readonly back?: number }, run: Acting, doing: Doing): Promise<string> {
  const { player } = zone;
  const own = originOf(run);
  const taken: { by: string | null } = { by: null };
  const listening = player.events.on('changed', ({ state, previous }) => {
    if (state.volume.level !== previous.volume.level || state.volume.muted !== previous.volume.muted) if (state.by.changed !== own) taken.by ??= state.by.changed;
  });
  try {
    await send(zone, [{ kind: 'fade', to, over, curve }], run);
    const fadeEnds = player.state.volume.fading?.ends;
    // Whoever took over did not ask for the rest of it.
    const leave = async () => {
      const { fading, level } = player.state.volume;
      if (fading !== null && fading.ends === fadeEnds) await send(zone, [{ kind: 'volume', level: back ?? level }], run).catch(() => undefined);
    };
    const ends = doing.clock.monotonic() + over;
    while (player.state.volume.fading !== null && taken.by === null && !run.hasLost(zone.id)) {
      const rest = ends + 2000 - doing.clock.monotonic();
      if (rest <= 0) break;
      const change = new AbortController();
      const changed = player.events.on('changed', ({ state }) => {
        if (state.volume.fading === null || run.hasLost(zone.id)) change.abort();
      });
      try {
        await withEither(run.signal, change.signal, (both) => sleep(doing.clock, rest, both));
      } catch (error) {
        if (!run.signal.aborted) continue;
        await leave();
        throw error;
      } finally {
        changed[Symbol.dispose]();
      }
    }
    if (run.hasLost(zone.id)) await leave();
  } finally {
    listening[Symbol.dispose]();
  }
  const { level } = player.state.volume;
  return taken.by === null ? `at ${percent(level)}` : `${taken.by} took the volume over at ${percent(level)}`;
}

function pause({ reason, forget }: Extract<Action, { pause: unknown }>, zone: ZoneView, run: Acting, { interrupts, clock }: Doing): Promise<string> {
  const was = isPlaying(zone.player.state) ? 'playing' : 'silent';
  const isOurs = interrupts.begin(zone.id, { was, reason: reason ?? run.rule.id, run: run.key, now: clock.now(), forget });
  if (!isOurs) return Promise.resolve(was === 'playing' ? 'paused' : 'nothing plays there');
  return send(zone, [{ kind: 'pause' }], run).then(
    () => 'paused',
    (error: unknown) => {
      interrupts.forget(zone.id);
      throw error;
    },
  );
}

async function resume({ reason, fadeIn }: Extract<Action, { resume: unknown }>, zone: ZoneView, run: Acting, doing: Doing): Promise<string> {
  const outcome = doing.interrupts.end(zone.id, { reason: reason ?? run.rule.id, run: run.key, now: doing.clock.now(), isLive: doing.isLive });
  if (outcome === 'none') return 'left alone: it was not paused by this, or somebody acted meanwhile';
  if (outcome === 'others') return 'not yet: something else still interrupts';
  const { level } = zone.player.state.volume;
  if (fadeIn === undefined) {
    await send(zone, [{ kind: 'play' }], run);
    return 'goes on';
  }
  try {
    await send(zone, [{ kind: 'volume', level: 0 }, { kind: 'play' }], run);
  } catch (error) {
    await send(zone, [{ kind: 'volume', level }], run).catch(() => undefined);
    throw error;
  }
  await send(zone, [{ kind: 'fade', to: level, over: fadeIn }], run);
  return `goes on, comes up to ${percent(level)}`;
}

async function stop({ onlyIf, fadeOut }: Extract<Action, { stop: unknown }>, zone: ZoneView, run: Acting, doing: Doing): Promise<string> {
  const isMine = () => zone.player.state.by.started === originOf(run);
  const { state } = zone.player;
  if (onlyIf === 'startedByMe' && state.source !== null && !isMine()) return `left alone: ${state.by.started ?? 'nobody'} has begun what plays`;
  if (state.source === null && !isPlaying(state)) return 'nothing plays there';
  if (fadeOut === undefined || !isPlaying(state)) {
    await send(zone, [{ kind: 'stop' }], run);
    return 'stopped';
  }
  const { level } = state.volume;
  const faded = await fade(zone, { to: 0, over: fadeOut, back: level }, run, doing);
  // Who touches the volume while it fades out wants to go on listening.
  if (faded.includes('took the volume over')) return `left alone: ${faded}`;
  if (run.hasLost(zone.id)) return 'left alone, a person has taken over';
  try {
    if (onlyIf === 'startedByMe' && !isMine()) return 'left alone: somebody else plays there now';
    await send(zone, [{ kind: 'stop' }], run);
  } finally {
    await send(zone, [{ kind: 'volume', level }], run);
  }
  return 'faded out and stopped';
}

async function publish({ publish: topic, payload, retained }: Extract<Action, { publish: string }>, run: Acting, doing: Doing): Promise<Outcome> {
  const zone = ownZone(run, doing);
  doing.said(topic, run.rule.id);
  const message = { topic, payload: fillPayload(payload, { automation: run.rule.id, trigger: run.cause.text, zone }).text, retained };
  const slow = { code: 'automations/slow-broker', message: 'The broker did not take the message in time.' };
  const isOut = await withTimeout(doing.clock, patience, slow, run.signal, () => doing.messages.publish(message)).catch((error: unknown) => {
    if (run.signal.aborted) throw error;
    return false;
  });
  const what = `publish ${topic}`;
  // A broker that is away must not keep the music from what comes next.
  return isOut ? { what, outcome: 'said' } : { what, outcome: 'not said: the broker is away' };
}

/** Each zone by itself: what fails in one does not keep it from the others. */
async function inZones(what: string, ids: readonly string[], run: Acting, doing: Doing, work: (zone: ZoneView) => Promise<string>): Promise<Outcome> {
  const outcomes = await Promise.all(
    ids.map(async (id): Promise<{ readonly text: string; readonly error: TonearmError | null }> => {
      const zone = doing.zones.find((one) => one.id === id);
      if (!zone) return { text: `${id}: there is no such zone`, error: new TonearmError({ kind: 'not-found', code: 'automations/no-such-zone', message: `There is no zone “${id}”. Correct the automation “${run.rule.id}”.` }) };
      if (run.hasLost(id)) return { text: `${id}: left alone, a person has taken over`, error: null };
      try {
        return { text: ids.length === 1 ? await work(zone) : `${id}: ${await work(zone)}`, error: null };
      } catch (error) {
        if (run.signal.aborted) throw run.signal.reason;
        const failure = toTonearmError(error, 'automations/action-failed');
        return { text: `${id}: ${failure.message}`, error: failure };
      }
    }),
  );
  const errors = outcomes.flatMap(({ error }) => (error ? [error] : []));
  const [error] = errors;
  return { what: `${what} in ${ids.join(', ')}`, outcome: outcomes.map(({ text }) => text).join('; '), ...(error && errors.length === outcomes.length && { error }) };
}

async function send(zone: ZoneView, commands: readonly CommandInput[], run: Acting): Promise<void> {
  await abortable(zone.player.dispatch(commands.map((command) => Command.parse(command)), originOf(run), run.signal), run.signal);
}

function originOf({ rule }: Acting): string {
  return `automation:${rule.id}`;
}

/** The zone a rule is about: the first of its own. */
function ownZone(run: Acting, doing: Doing): ZoneView | undefined {
  const first = zonesOf(undefined, run, doing)[0];
  return doing.zones.find(({ id }) => id === first?.id);
}

function idsOf(own: readonly string[] | undefined, run: Acting, doing: Doing): readonly string[] {
  return zonesOf(own, run, doing).map(({ id }) => id);
}

/** An action's own zones, else the rule's, else the only one there is. Unknown names stay, to be complained about. */
function zonesOf(own: readonly string[] | undefined, { rule }: Acting, { zones }: Doing): readonly { readonly id: string }[] {
  const wanted = own ?? rule.zone ?? (zones.length === 1 ? ['all'] : []);
  return wanted.includes('all') ? zones : wanted.map((id) => ({ id }));
}

function sayAction(action: Exclude<Zoned, { transfer: unknown }>): string {
  if ('play' in action) return `play ${action.play}`;
  if ('preset' in action) return `preset ${action.preset}`;
  if ('fade' in action) return `fade to ${percent(action.fade)} over ${sayDuration(action.over)}`;
  if ('announce' in action) return `announce ${action.announce}`;
  if ('limit' in action) return `limit ${percent(action.limit)}`;
  if ('sleep' in action) return `sleep in ${sayDuration(action.sleep)}`;
  if ('mute' in action) return action.mute ? 'mute' : 'unmute';
  return `volume ${percent(action.volume)}`;
}

function percent(level: number): string {
  return `${Math.round(level * 100)} %`;
}

