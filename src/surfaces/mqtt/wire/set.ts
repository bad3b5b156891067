import type { Action } from './action.ts';
import { badValue, MqttError, notSupported } from './error.ts';
import { parsers, type Part, writableKeys } from './keys.ts';
import { type JsonObject, parseObject, parseText } from './values.ts';

/** Echoed in the answer, whatever it is. */
export type Transaction = string | number;

export interface SetRequest {
  /** In the order they are done: volume always before sound. Empty when something was refused. */
  readonly actions: readonly Action[];
  /** Values that make no sense: nothing of the message is done. */
  readonly refused: readonly MqttError[];
  /** Keys nobody knows or that do not work yet: the rest is done. */
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
  if (key === 'play_media') {
    const value = parseObject(text);
    return readKeys({ play_media: value }, readTransaction(value));
  }
  return readKeys({ [key]: text }, null);
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
    const parse = Object.hasOwn(parsers, key) ? parsers[key] : undefined;
    const row = Object.hasOwn(writableKeys, key) ? writableKeys[key] : undefined;
    if (!row) skipped.push(unknownKey(key));
    else if (!parse) skipped.push(notSupported(key));
    else {
      const outcome = parse(value);
      if (outcome === null) refused.push(badValue(key, row.expected));
      else if (outcome instanceof MqttError) refused.push(outcome);
      else parts.push(...outcome);
    }
  }
  const arranged = refused.length > 0 ? [] : arrange(parts);
  if (arranged instanceof MqttError) return { actions: [], refused: [arranged], skipped, transaction };
  return { actions: arranged, refused, skipped, transaction };
}

function unknownKey(key: string): MqttError {
  return new MqttError('not-found', 'mqtt/unknown-key', `"${key.slice(0, 64)}" is not a key of this topic, so it was left out. See docs/mqtt.md for those that are.`, key.slice(0, 64));
}

/** Puts the parts into the one order they are done in, or says why they do not go together. */
function arrange(parts: readonly Part[]): readonly Action[] | MqttError {
  const one = (slot: Part['slot']) => parts.filter((part) => part.slot === slot);
  for (const slot of ['volume', 'mute', 'shuffle', 'repeat', 'seek', 'load'] as const) {
    if (one(slot).length > 1) return contradiction(`more than one key sets the ${slot === 'load' ? 'thing to play' : slot}`);
  }
  const [load] = one('load');
  const [seek] = one('seek');
  const transport = one('transport').filter(({ action }) => !(load && isPlay(action)));
  if (transport.length + (load ? 1 : 0) > 1) return contradiction('it asks for two things at once, such as play and stop');
  const [move] = transport;
  const rest = (['volume', 'mute', 'shuffle', 'repeat'] as const).flatMap(one).map(({ action }) => action);
  if (load && seek) {
    if (load.action.kind !== 'command' || load.action.command.kind !== 'play') return contradiction('a seek needs something that plays at once');
    if (seek.action.kind !== 'command' || seek.action.command.kind !== 'seek') return contradiction('a relative seek cannot go with something new to play');
    return [...rest, { kind: 'command', command: { ...load.action.command, at: seek.action.command.to } }];
  }
  if (seek && move?.action.kind === 'command' && ['next', 'previous', 'stop'].includes(move.action.command.kind)) {
    return contradiction('a seek cannot go with next, previous or stop');
  }
  return [...rest, ...[seek, load, move].flatMap((part) => (part ? [part.action] : []))];
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

