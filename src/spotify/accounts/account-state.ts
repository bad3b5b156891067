import { Emitter, sleep, TonearmError, withEither, type Clock, type Events, type Log } from '#foundation';
import { decodeAttributesMutation, decodeAttributesUpdate } from '#spotify/wire';

export interface AccountStateEvents {
  changed: { readonly attributes: ReadonlyMap<string, string>; readonly country: string | null };
  /** The account may not play on speakers like this one. */
  unfit: { readonly error: TonearmError };
}

/** How long country and product are waited for (`connect-session.md §5.2`). */
const patience = 5000;
const prefix = 'spotify:user:attributes:';

/** What the cloud says about the account, kept up to date (`connect-session.md §5.7`, `connect-control.md §1.5`). */
export class AccountState {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #emitter: Emitter<AccountStateEvents>;
  #country: string | null = null;
  #attributes: ReadonlyMap<string, string> = new Map();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#emitter = new Emitter((error) => log.error('A listener of the account failed.', { error }));
  }

  get country(): string | null {
    return this.#country;
  }

  get attributes(): ReadonlyMap<string, string> {
    return this.#attributes;
  }

  get events(): Events<AccountStateEvents> {
    return this.#emitter;
  }

  setCountry(country: string): void {
    if (country === this.#country) return;
    this.#country = country;
    this.#changed();
  }

  setAttributes(attributes: ReadonlyMap<string, string>): void {
    this.#attributes = attributes;
    const type = attributes.get('type');
    if (type === undefined || type === 'premium') this.#changed();
    else this.#emitter.emit('unfit', { error: notPremium() });
  }

  /** Takes a push of the dealer if it is about settings of the account. */
  pushed(uri: string, payload: Uint8Array): void {
    if (!uri.startsWith(prefix)) return;
    try {
      const next = new Map(this.#attributes);
      if (uri === `${prefix}update`) for (const [name, value] of decodeAttributesUpdate(payload)) next.set(name, value);
      else if (uri === `${prefix}mutated`) {
        for (const name of decodeAttributesMutation(payload)) {
          const value = next.get(name);
          if (value === '0' || value === '1') next.set(name, value === '0' ? '1' : '0');
        }
      } else return;
      this.setAttributes(next);
    } catch (error) {
      this.#log.debug('A change of account settings could not be read; it was ignored.', { error });
    }
  }

  /** Resolves when country and product are known, or have been waited for long enough. */
  async known(signal: AbortSignal): Promise<void> {
    const isKnown = () => this.#country !== null && this.#attributes.size > 0;
    if (isKnown()) return;
    const stop = new AbortController();
    await withEither(signal, stop.signal, async (either) => {
      try {
        await Promise.race([this.#emitter.once('changed', { signal: either, test: isKnown }), sleep(this.#clock, patience, either)]);
      } finally {
        stop.abort();
      }
    });
  }

  #changed(): void {
    this.#emitter.emit('changed', { attributes: this.#attributes, country: this.#country });
  }
}

function notPremium(): TonearmError {
  return new TonearmError({
    kind: 'forbidden',
    code: 'spotify/not-premium',
    message: 'This account has no Spotify Premium, and Spotify lets only Premium accounts play on speakers like this one. Pair with a Premium account.',
  });
}
