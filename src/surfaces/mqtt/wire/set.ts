import type { Action } from './action.ts';
import { badValue, MqttError } from './error.ts';
import { isWritableKey, writableKeys } from './keys.ts';
import { parsers, type Part, type Slot, slots } from './parsers.ts';
import { type JsonObject, parseMaybeObject, parseObject, parseText } from './values.ts';

/** Echoed in the answer, whatever it is. */
export type Transaction = string | number;

export interface SetRequest {
  /** In the order they are done: volume always before sound. Empty when something was refused. */
  readonly actions: readonly Action[];
  /** Values that make no sense: nothing of the message is done. */
  readonly refused: readonly MqttError[];
  /** Keys nobody knows: the rest is done. */
  readonly skipped: readonly MqttError[];
  readonly transaction: Transaction | null;
}

/** Reads `<zone>/set`. Throws `MqttError` for what is no JSON object; all else is in the result. */
export function parseSet(payload: Uint8Array): SetRequest {
  const object = parseObject(parseText(payload));
  return readKeys(object, readTransaction(object));
}

/** Reads `<zone>/set/<key>`: one bare value. A JSON object is taken as such for keys that want one. */
export function parseSetKey(key: string, payload: Uint8Array): SetRequest {
  const text = parseText(payload);
  const object = parseMaybeObject(text);
  return readKeys({ [key]: object ?? text }, object ? readTransaction(object) : null);
}

/** `transaction` of a message: text or number, else none. */
export function readTransaction(object: JsonObject): Transaction | null {
  const { transaction } = object;
  return typeof transaction === 'string' || typeof transaction === 'number' ? transaction : null;
}

function readKeys(object: JsonObject, transaction: Transaction | null): SetRequest {
  const refused: MqttError[] = [];
  const skipped: MqttError[] = [];
  const parts: Part[] = [];
  for (const [key, value] of Object.entries(object)) {
    if (key === 'transaction') continue;
    if (!isWritableKey(key)) {
      skipped.push(unknownKey(key));
      continue;
    }
    const outcome = parsers[key](value);
    if (outcome === null) refused.push(badValue(key, writableKeys[key].expected));
    else if (outcome instanceof MqttError) refused.push(outcome);
    else parts.push(...outcome);
  }
  const arranged = refused.length > 0 ? [] : arrange(parts);
  if (arranged instanceof MqttError) return { actions: [], refused: [arranged], skipped, transaction };
  return { actions: arranged, refused, skipped, transaction };
}

function unknownKey(key: string): MqttError {
  return new MqttError('not-found', 'mqtt/unknown-key', `"${key.slice(0, 64)}" is not a key of this topic, so it was left out. See docs/mqtt.md for those that are.`, key.slice(0, 64));
}

const said: Partial<Record<Slot, string>> = { load: 'thing to play', transport: 'transport', limit: 'volume limit', sleep: 'sleep timer', announce: 'announcement' };

/** Puts the parts into the one order they are done in, or says why they do not go together. */
function arrange(parts: readonly Part[]): readonly Action[] | MqttError {
  const [only] = parts;
  // Most messages: nothing that could contradict it.
  if (only && parts.length === 1 && only.slot !== 'load') return [only.action];
  const inSlot = (slot: Slot) => parts.filter((part) => part.slot === slot).map(({ action }) => action);
  // Play is what loading does anyway.
  const [load] = inSlot('load');
  const moves = inSlot('transport').filter((action) => !(load && isPlay(action)));
  if (moves.length + (load ? 1 : 0) > 1) return inSlot('load').length > 1 ? contradiction('more than one key sets the thing to play') : contradiction('it asks for two things at once, such as play and stop');
  for (const slot of slots) if (slot !== 'transport' && inSlot(slot).length > 1) return contradiction(`more than one key sets the ${said[slot] ?? slot}`);
  if (inSlot('fade').length > 0 && inSlot('volume').some(({ kind }) => kind === 'fade-in')) return contradiction('it asks for two fades');
  if (inSlot('transfer').length > 0 && (load ?? moves[0])) return contradiction('what is moved to another zone cannot be changed in the same message');
  const seek = inSlot('seek')[0];
  const move = moves[0];
  const isStop = move?.kind === 'command' && move.command.kind === 'stop';
  const gives = inSlot('source').some((action) => action.kind === 'source' && action.source === 'none');
  if (gives && (load || (move && !isStop))) return contradiction('it gives the zone back and asks for something of it');
  const loaded = load ? begin(load, seek, inSlot('shuffle')[0]) : null;
  if (loaded instanceof MqttError) return loaded;
  if (!load && seek && move?.kind === 'command' && ['next', 'previous', 'stop'].includes(move.command.kind)) return contradiction('a seek cannot go with next, previous or stop');
  return slots.flatMap((slot): readonly Action[] => {
    if (slot === 'load') return loaded ? [loaded] : [];
    // What is loaded brings its source along, and nothing is begun to be stopped.
    if (slot === 'source' && (load ?? isStop)) return [];
    if (slot === 'transport') return move ? [move] : [];
    if (loaded && (slot === 'seek' || (slot === 'shuffle' && loaded.command.kind === 'play' && loaded.command.shuffle !== undefined))) return [];
    return inSlot(slot);
  });
}

/** What is loaded begins at the place and in the order the same message asks for. */
function begin(load: Action, seek: Action | undefined, shuffle: Action | undefined): (Action & { readonly kind: 'command' }) | MqttError {
  if (load.kind !== 'command') return contradiction('the thing to play is none');
  const { command } = load;
  if (command.kind !== 'play') return seek ? contradiction('a seek needs a URI that plays at once') : load;
  if (seek && (seek.kind !== 'command' || seek.command.kind !== 'seek')) return contradiction('a relative seek cannot go with something new to play');
  const at = seek?.kind === 'command' && seek.command.kind === 'seek' ? { at: seek.command.to } : {};
  const order = shuffle?.kind === 'command' && shuffle.command.kind === 'shuffle' ? { shuffle: shuffle.command.on } : {};
  return { kind: 'command', command: { ...command, ...at, ...order } };
}

function isPlay(action: Action): boolean {
  return action.kind === 'command' && action.command.kind === 'play' && action.command.uri === undefined;
}

function contradiction(why: string): MqttError {
  return new MqttError('invalid', 'mqtt/contradiction', `The message contradicts itself: ${why}. Nothing of it was done.`);
}

/** Whether a message is nothing but a new absolute or relative volume: a slider being dragged. */
export function isVolumeOnly({ actions, refused, skipped }: SetRequest): boolean {
  const [only] = actions;
  return actions.length === 1 && refused.length === 0 && skipped.length === 0 && (only?.kind === 'volume-by' || (only?.kind === 'command' && only.command.kind === 'volume'));
}

