import { decodeListCurrentStates, decodeResumeReport, encodeCurrentStates, type ResumeState } from '#spotify/wire';
import { assertProtobufBody } from '../http/body.ts';
import { answerBytes, answerJson, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused, decodeOr400 } from '../refused.ts';

/** Where listeners stopped, by user and episode (connect-control §7.3). */
export class ResumePoints {
  readonly #points = new Map<string, { readonly position: number | 'finished'; readonly updated: number }[]>();

  /** Revisions of an episode, oldest first. */
  of(user: string, uri: string): readonly { readonly position: number | 'finished'; readonly updated: number }[] {
    return this.#points.get(`${user} ${uri}`) ?? [];
  }

  /** `position` in ms, or that it was heard to its end. */
  add(user: string, uri: string, position: number | 'finished', updated: number): void {
    const key = `${user} ${uri}`;
    this.#points.set(key, [...(this.#points.get(key) ?? []), { position, updated }]);
  }
}

/** Small endpoints that receivers call: resume points, time, telemetry, bandwidth hints (connect-control §7). */
export function webRoutes({ journal, time }: Parts, points: ResumePoints): Route[] {
  const common = { service: 'web', authorisation: 'client' } as const;
  return [
    {
      ...common,
      name: 'web/resume-read',
      method: 'POST',
      path: '/herodotus/spotify.resumption.v1.CurrentStateService/ListCurrentStates',
      clause: 'connect-control §7.3',
      handle(exchange) {
        assertProtobufBody(exchange, 'connect-control §7.3');
        const uri = decodeOr400('connect-control §7.3', 'ListCurrentStatesRequest', () => decodeListCurrentStates(exchange.body));
        if (uri === null) throw new Refused(400, 'connect-control §7.3', 'the filter is not cs.uri == "…"');
        if (uri.includes(':track:')) journal.refuse({ service: 'web', clause: 'connect-control §7.6', what: `a resume point of ${uri}`, refused: false, phone: exchange.phone });
        const revisions = points.of(exchange.account?.name ?? '', uri);
        const states: ResumeState[] = revisions.length === 0 ? [] : [{ uri, revisions }];
        return answerBytes(encodeCurrentStates(states));
      },
    },
    {
      ...common,
      name: 'web/resume-write',
      method: 'POST',
      path: '/herodotus/spotify.resumption.v1.ResumePointRevisionService/CreateResumePointRevision',
      clause: 'connect-control §7.3',
      handle(exchange) {
        assertProtobufBody(exchange, 'connect-control §7.3');
        const report = decodeOr400('connect-control §7.3', 'CreateResumePointRevisionRequest', () => decodeResumeReport(exchange.body));
        const user = exchange.account?.name ?? '';
        const breach = (what: string) => journal.refuse({ service: 'web', clause: 'connect-control §7.6', what, refused: false, phone: exchange.phone });
        if (!report.uri.startsWith('spotify:episode:')) breach(`a resume point written for ${report.uri}`);
        if (typeof report.position === 'number' && report.position % 1000 !== 0) breach('a position that is no whole second');
        if (points.of(user, report.uri).at(-1)?.position === 'finished' && report.position !== 'finished') {
          journal.record('web', 'position after finished', { uri: report.uri }, exchange.phone);
        }
        points.add(user, report.uri, report.position, time.now());
        return answerBytes(Buffer.alloc(0));
      },
    },
    { ...common, name: 'web/time', method: 'GET', path: '/melody/v1/time', clause: 'connect-control §7.1', handle: () => answerJson({ timestamp: time.now() }) },
    { ...common, name: 'web/events', method: 'POST', path: '/gabo-receiver-service/v3/events/', clause: 'connect-control §7.1', handle: () => answerBytes(Buffer.alloc(0)) },
    { ...common, name: 'web/fortune', method: 'GET', path: '/net-fortune/v2/fortune', clause: 'connect-session §11.3', handle: () => answerJson({ version: '1', remoteConfig: {} }) },
    { ...common, name: 'web/signals', method: 'POST', path: '/playlist/v2/playlist/{id}/signals', clause: 'connect-session §11.3', handle: () => answerBytes(Buffer.alloc(0)) },
  ];
}
