import type { Millis, Track } from '#core';
import { toTonearmError, withTimeout, type Clock, type TonearmError } from '#foundation';
import type { Resolved, Session } from '#spotify';
import type { Metadata, Row } from './context/row.ts';
import { metadataOf, refreshRow, resolveRow, trackOf, type Normalisation, type ResolvedRow } from './resolve.ts';

export interface LoadsPorts {
  readonly session: Session;
  readonly clock: Clock;
  readonly normalisation: Normalisation;
  /** `at`: where the listener stopped, when that was asked. */
  readonly loaded: (id: string, row: ResolvedRow, at: Millis) => void;
  readonly failed: (id: string, error: TonearmError) => void;
  readonly foreseen: (uri: string, shown: { readonly track: Track; readonly metadata: Metadata }) => void;
}

interface Load {
  readonly abort: AbortController;
  resolved: ResolvedRow | null;
}

/** Where a listener stopped is waited for so long; the music matters more. */
const resumePatience = 2000;
/** Metadata is believed for so long: what may be played changes seldom. */
const foreseenFor = 30 * 60_000;

/** What is being made ready to be heard, by load id; and the metadata of what may be wanted next. */
export class Loads implements Disposable {
  readonly #ports: LoadsPorts;
  readonly #loads = new Map<string, Load>();
  #foreseen: { readonly uri: string; readonly resolved: Resolved; readonly until: number } | null = null;
  #foreseeing: AbortController | null = null;

  constructor(ports: LoadsPorts) {
    this.#ports = ports;
  }

  /** How many there are; for leak tests. */
  get size(): number {
    return this.#loads.size;
  }

  /** The recipe of a load; null while it is not known. */
  recipe(id: string): ResolvedRow['playable'] | null {
    return this.#loads.get(id)?.resolved?.playable ?? null;
  }

  /** `resumes`: asks as well where the listener stopped, side by side with the rest. */
  start(id: string, row: Row, resumes = false): void {
    const { session, clock, normalisation, loaded, failed } = this.#ports;
    const load: Load = { abort: new AbortController(), resolved: null };
    this.#loads.set(id, load);
    const { signal } = load.abort;
    const known = this.#foreseen?.uri === row.uri && this.#foreseen.until > clock.monotonic() ? this.#foreseen.resolved : null;
    const named = (resolved: Resolved) => {
      if (!signal.aborted) this.#ports.foreseen(row.uri, { track: trackOf(resolved), metadata: metadataOf(resolved) });
    };
    Promise.all([resolveRow(session, row, normalisation, signal, known, named), resumes ? this.#placeIn(row, signal) : 0]).then(
      ([resolved, at]) => {
        if (signal.aborted) return;
        load.resolved = resolved;
        loaded(id, resolved, at);
      },
      (error: unknown) => {
        if (!signal.aborted) failed(id, toTonearmError(error));
      },
    );
  }

  forget(id: string): void {
    this.#loads.get(id)?.abort.abort(new DOMException('Something else was chosen.', 'AbortError'));
    this.#loads.delete(id);
  }

  /** Fresh addresses for a load. Null when nobody wants them any more. */
  async refresh(id: string): Promise<ResolvedRow['playable'] | null> {
    const load = this.#loads.get(id);
    if (!load?.resolved) return null;
    const { signal } = load.abort;
    try {
      const resolved = await refreshRow(this.#ports.session, load.resolved, signal);
      if (signal.aborted) return null;
      load.resolved = resolved;
      return resolved.playable;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  /** Asks for the metadata of one row ahead; whatever goes wrong shows when it is loaded. */
  foresee({ uri }: Row): void {
    const { session, clock, foreseen } = this.#ports;
    this.#foreseeing?.abort(new DOMException('Something else comes next.', 'AbortError'));
    const { signal } = (this.#foreseeing = new AbortController());
    session.metadata(uri, signal).then(
      (resolved) => {
        if (signal.aborted) return;
        this.#foreseen = { uri, resolved, until: clock.monotonic() + foreseenFor };
        foreseen(uri, { track: trackOf(resolved), metadata: metadataOf(resolved) });
      },
      () => undefined,
    );
  }

  async #placeIn({ uri }: Row, signal: AbortSignal): Promise<Millis> {
    const { session, clock } = this.#ports;
    const late = { code: 'connect/place-unknown', message: 'Spotify did not say in time where this episode was left; it starts at its beginning.' };
    try {
      return await withTimeout(clock, resumePatience, late, signal, (both) => session.resumePoint(uri, both));
    } catch {
      return 0;
    }
  }

  /** What was found out ahead may not be true any more. */
  forgetForeseen(): void {
    this.#foreseeing?.abort(new DOMException('The rules have changed.', 'AbortError'));
    this.#foreseen = null;
  }

  [Symbol.dispose](): void {
    this.#foreseeing?.abort(new DOMException('The device is closing.', 'AbortError'));
    this.#foreseen = null;
    for (const id of [...this.#loads.keys()]) this.forget(id);
  }
}
