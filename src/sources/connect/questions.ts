import { toTonearmError, type Clock, type TonearmError } from '#foundation';
import type { Session } from '#spotify';
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

/** What plays from where, asked of the cloud. One question at a time: a newer one makes the older one pointless. */
export class Questions implements Disposable {
  readonly #ports: QuestionPorts;
  #abort = new AbortController();

  constructor(ports: QuestionPorts) {
    this.#ports = ports;
  }

  resolve({ generation, context, until, isWhole }: Effect<'resolve'>): void {
    const { session, clock } = this.#ports;
    const ports = {
      clock,
      resolveContext: (uri: string, signal: AbortSignal) => session.resolveContext(uri, signal),
      fetchPage: (url: string, signal: AbortSignal) => session.fetchPage(url, signal),
    };
    this.#ask(generation, async (signal) => ({ type: 'resolved', generation, context: await loadContext(ports, context, { until, isWhole }, signal) }));
  }

  fetchPage({ generation, url }: Effect<'fetchPage'>, { context: { uri }, rows }: TrackList): void {
    const { session } = this.#ports;
    const ports = { fetchPage: (page: string, signal: AbortSignal) => session.fetchPage(page, signal) };
    this.#ask(generation, async (signal) => ({ type: 'page', generation, ...(await loadPage(ports, { uri, rows }, url, signal)) }));
  }

  autoplay({ generation, contextUri, recent }: Effect<'autoplay'>): void {
    const { session } = this.#ports;
    this.#ask(generation, async (signal) => ({ type: 'resolved', generation, context: sourceOf(await session.autoplay(contextUri, recent, signal)) }));
  }

  [Symbol.dispose](): void {
    this.#abort.abort(new DOMException('The device is closing.', 'AbortError'));
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
