/** Thrown by handlers to refuse a request the way the cloud does; noted as a breach of `clause`. */
export class Refused extends Error {
  readonly status: number;
  /** Where the rule is written: `connect-session §8.1`. */
  readonly clause: string;
  readonly body: string | Uint8Array | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    clause: string,
    what: string,
    { body, headers = {} }: { readonly body?: string | Uint8Array; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(what);
    this.name = 'Refused';
    this.status = status;
    this.clause = clause;
    this.body = body;
    this.headers = headers;
  }
}

/** Runs a decoder; what it throws becomes a 400 for `clause`. */
export function decodeOr400<T>(clause: string, what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new Refused(400, clause, `${what} cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);
  }
}
