import { type ErrorKind, TonearmError } from '#foundation';

/** Why a message could not be used. Codes begin with `mqtt/` and are stable: they are what `error` in a response holds. */
export class MqttError extends TonearmError {
  /** The key of the message it is about, if it is about one. */
  readonly key: string | undefined;

  constructor(kind: ErrorKind, code: `mqtt/${string}`, message: string, key?: string) {
    super({ kind, code, message });
    this.key = key;
  }
}

export function badValue(key: string, expected: string): MqttError {
  return new MqttError('invalid', 'mqtt/bad-value', `"${key}" was not understood: expected ${expected}. Nothing of this message was done.`, key);
}
