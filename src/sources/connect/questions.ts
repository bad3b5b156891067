import { isAbort, toTonearmError, type Clock, type TonearmError } from '#foundation';
import type { Session } from '#spotify';
import type { Context } from '#spotify/wire';
import { loadContext, loadPage } from './context/load.ts';
import { sourceOf } from './context/rows.ts';
import type { TrackList } from './context/track-list.ts';
import type { DeviceEffect, DeviceInput } from './device-state.ts';

export interface QuestionPorts {
  readonly session: Pick<Session, 'resolveContext' | 'fetchPage' | 'autoplay'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly answer: (input: DeviceInput) => void;
}

type Effect<Type extends DeviceEffect['type']> = Extract<DeviceEffect, { readonly type: Type }>;

/** For so long a context that Spotify said no to is not asked for again (connect-control.md §4.2). */
const rememberNo = 60_000;
const mostRemembered = 20;
/** A no; trouble on the way is none. */
const definite: readonly string[] = ['not-found', 'forbidden', 'invalid'];

/**
 * What plays from where, asked of the cloud. One question about the context at a time: a newer one makes the older one pointless.
 * What goes on at its end is asked beside it.
 */
export class Questions implements Disposable {
  readonly #ports: QuestionPorts;
  #abort = new AbortController();
  #further = new AbortController();
  readonly #refused = new Map<string, { readonly error: TonearmError; readonly until: number }>();

  constructor(ports: QuestionPorts) {
    this.#ports = ports;
  }

  resolve({ generation, context, until, isWhole, isAnew }: Effect<'resolve'>): void {
    const { session, clock } = this.#ports;
    const ports = {
      clock,
      resolveContext: (uri: string, signal: AbortSignal) => this.#resolveOnce(uri, signal),
      fetchPage: (url: string, signal: AbortSignal) => session.fetchPage(url, signal),
    };
    this.#ask(generation, async (signal) => ({ type: 'resolved', generation, context: await loadContext(ports, context, { until, isWhole, isAnew }, signal) }));
  }

  fetchPage({ generation, url }: Effect<'fetchPage'>, { context: { uri }, rows }: TrackList): void {
    const { session } = this.#ports;
    const ports = { fetchPage: (page: string, signal: AbortSignal) => session.fetchPage(page, signal) };
    this.#ask(generation, async (signal) => ({ type: 'page', generation, ...(await loadPage(ports, { uri, rows }, url, signal)) }));
  }

  autoplay({ ticket, contextUri, recent }: Effect<'autoplay'>): void {
    const { session, answer } = this.#ports;
    this.#further.abort(new DOMException('Something else was chosen.', 'AbortError'));
    const { signal } = (this.#further = new AbortController());
    session.autoplay(contextUri, recent, signal).then(
      (context) => {
        if (!signal.aborted) answer({ type: 'continued', ticket, context: sourceOf(context) });
      },
      (error: unknown) => {
        if (!signal.aborted) answer({ type: 'notContinued', ticket, error: toTonearmError(error) });
      },
    );
  }

  [Symbol.dispose](): void {
    for (const abort of [this.#abort, this.#further]) abort.abort(new DOMException('The device is closing.', 'AbortError'));
  }

  async #resolveOnce(uri: string, signal: AbortSignal): Promise<Context> {
    const { session, clock } = this.#ports;
    const known = this.#refused.get(uri);
    if (known && known.until > clock.monotonic()) throw known.error;
    this.#refused.delete(uri);
    try {
      return await session.resolveContext(uri, signal);
    } catch (thrown) {
      const error = toTonearmError(thrown);
      if (!isAbort(thrown) && definite.includes(error.kind)) {
        this.#refused.set(uri, { error, until: clock.monotonic() + rememberNo });
        for (const oldest of [...this.#refused.keys()].slice(0, -mostRemembered)) this.#refused.delete(oldest);
      }
      throw thrown;
    }
  }

  #ask(generation: number, work: (signal: AbortSignal) => Promise<DeviceInput>): void {
    const { answer } = this.#ports;
    this.#abort.abort(new DOMException('Something else was chosen.', 'AbortError'));
    const { signal } = (this.#abort = new AbortController());
    const failed = (error: TonearmError): DeviceInput => ({ type: 'unresolved', generation, error });
    work(signal).then(
      (input) => {
        if (!signal.aborted) answer(input);
      },
      (error: unknown) => {
        if (!signal.aborted) answer(failed(toTonearmError(error)));
      },
    );
  }
}
