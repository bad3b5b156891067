import { TonearmError } from '#foundation';

/** Foreign bytes that cannot be what they claim to be. The only error a decoder of this folder throws. */
export class WireError extends TonearmError {
  constructor(code: `wire/${string}`, message: string, cause?: unknown) {
    super({ kind: 'corrupt', code, message, ...(cause === undefined ? {} : { cause }) });
  }
}
