import { z } from 'zod';
import type { Accounts, Automations, Control, HomeMessage, HomeMessageCarrier, Host, LogLines, Presets, ZoneView } from '#core';
import { type Scope, Secret, TonearmError } from '#foundation';
import type { ApiKeys } from './api-keys.ts';

/** What every surface is given: the zones to show and drive, and the world. */
export interface SurfaceContext {
  readonly zones: readonly ZoneView[];
  readonly host: Pick<Host, 'clock' | 'log' | 'store' | 'version' | 'health'>;
  /** Who may play, and ways to log in. */
  readonly accounts?: Accounts | undefined;
  readonly presets?: Presets | undefined;
  readonly automations?: Automations | undefined;
  /** The daemon itself; absent where nobody may restart it. */
  readonly control?: Control | undefined;
  /** A surface with a broker carries what other parts want to hear and say there, until disposed. */
  readonly carry?: ((carrier: HomeMessageCarrier) => HomeMessageLine) | undefined;
  /** Gets the bytes of a cover over the network, as the owner set it up; absent where covers are not to be fetched. */
  readonly fetchCover?: WebFetch | undefined;
  /** Figures of how the process is, beside memory; for health reports. */
  readonly vitals?: (() => Readonly<Record<string, unknown>>) | undefined;
  /** What was said lately, without secrets, and what is said now. */
  readonly lines?: LogLines | undefined;
  /** Changes the key of what is stored encrypted; resolves with how many values that were. */
  readonly rotateKey?: (() => Promise<number>) | undefined;
  /**
   * Stable name of this installation, letters and digits: two Tonearms on one network must differ.
   * A surface that needs one and gets none makes its own and keeps it in the store.
   */
  readonly instance?: string;
  /** Makes a service known on the network. */
  readonly announce?: Host['announce'] | undefined;
  /** Who may use the API. A surface that needs them and gets none opens its own. */
  readonly apiKeys?: ApiKeys | undefined;
  /** Where the owner finds our own pages, if there are any. */
  readonly url?: string;
}

/** Rejects for what cannot be had: no connection, no picture, more than `limit` bytes. */
export type WebFetch = (url: string, options: { readonly signal: AbortSignal; readonly limit: number; /** How many are followed; none unless told. */ readonly redirects?: number }) => Promise<Uint8Array>;

/** What a carrier tells those it carries for. */
export interface HomeMessageLine extends Disposable {
  up(): void;
  down(): void;
  born(): void;
  /** Once for each filter it fits. */
  hear(message: HomeMessage, filter: string): void;
}

/** A way in and out, with its settings' type forgotten: unlike surfaces fit in one list. */
export interface Surface {
  /** Also the key of its settings in the configuration. */
  readonly name: string;
  readonly config: z.ZodType;
  /**
   * Rejects only for what the owner must mend (`invalid`: settings, an unreadable file; `conflict`: a port in use).
   * A far side that is away is a state of the surface and never an error here.
   */
  open(settings: unknown, context: SurfaceContext): Promise<AsyncDisposable>;
}

export interface SurfaceDefinition<Schema extends z.ZodType> {
  readonly name: string;
  readonly config: Schema;
  open(settings: z.output<Schema>, context: SurfaceContext): Promise<AsyncDisposable>;
}

/** Ties schema and `open` together; settings are typed inside `open` and nowhere else. */
export function defineSurface<Schema extends z.ZodType>(definition: SurfaceDefinition<Schema>): Surface {
  const { name, config } = definition;
  return {
    name,
    config,
    async open(settings, context) {
      const parsed = config.safeParse(asWritten(settings));
      if (!parsed.success) {
        throw new TonearmError({
          kind: 'invalid',
          code: 'surface/bad-settings',
          message: `The settings of "${name}" cannot be used, so it was not started: ${z.prettifyError(parsed.error)}`,
        });
      }
      return definition.open(parsed.data, context);
    },
  };
}

/** Settings were checked once with the whole file, which has wrapped what is secret. */
function asWritten(part: unknown): unknown {
  if (part instanceof Secret) return (part as Secret<unknown>).reveal();
  if (Array.isArray(part)) return part.map(asWritten);
  return isPlain(part) ? Object.fromEntries(Object.entries(part).map(([key, one]) => [key, asWritten(one)])) : part;
}

const isPlain = (part: unknown): part is object => typeof part === 'object' && part !== null && Object.getPrototypeOf(part) === Object.prototype;

/** Opens each surface that has settings, in listed order; the scope owns what was opened. */
export async function openEach(
  surfaces: readonly Surface[],
  settings: Readonly<Record<string, unknown>>,
  context: SurfaceContext,
  scope: Pick<Scope, 'use'>,
): Promise<void> {
  for (const surface of surfaces) {
    const own = settings[surface.name];
    if (own !== undefined) scope.use(await surface.open(own, context));
  }
}
