import { decodeAutoplayRequest } from '#spotify/wire';
import { answerJson, type Answer, type Route } from '../http/exchange.ts';
import type { Parts } from '../parts.ts';
import { Refused, decodeOr400 } from '../refused.ts';
import { assertProtobufBody } from '../http/body.ts';

/** Contexts, pages of contexts, and what follows when one ends (connect-control §4). */
export function contextRoutes({ contexts, faults, journal }: Parts): Route[] {
  const answer = (document: object | null, what: string): Answer => {
    if (!document) throw new Refused(404, 'connect-control §4.1', `${what} is not known`);
    if (faults.take('context/loading')) return answerJson({ ...document, pages: [], loading: true });
    if (faults.take('context/empty')) return answerJson({ ...document, pages: [{ tracks: [] }] });
    // A later version of the cloud may say more (connect-control §4.11).
    if (faults.take('context/unknown-key')) return answerJson({ ...document, simulator_unknown_key: { anything: [1, 'two', null] } });
    return answerJson(document);
  };
  return [
    {
      name: 'context/autoplay',
      service: 'context',
      method: 'POST',
      path: '/context-resolve/v1/autoplay',
      authorisation: 'client',
      clause: 'connect-control §4.1',
      handle(exchange) {
        assertProtobufBody(exchange, 'connect-control §4.1');
        const request = decodeOr400('connect-control §4.1', 'AutoplayContextRequest', () => decodeAutoplayRequest(exchange.body));
        journal.record('context', 'autoplay', { contextUri: request.contextUri, recent: request.recentTrackUris }, exchange.phone);
        return answer(contexts.autoplay(request.contextUri), request.contextUri);
      },
    },
    {
      name: 'context/resolve',
      service: 'context',
      method: 'GET',
      path: '/context-resolve/v1/{uri…}',
      authorisation: 'client',
      clause: 'connect-control §4.1',
      handle({ path, parameters }) {
        const uri = parameters['uri'] ?? '';
        if (/%3a/i.test(path)) throw new Refused(404, 'connect-control §4.1', `${path}: colons of the uri must not be escaped`);
        return answer(contexts.resolve(uri), uri);
      },
    },
    {
      name: 'context/page',
      service: 'context',
      method: 'GET',
      path: '/{resource…}',
      authorisation: 'client',
      clause: 'connect-control §4.3',
      handle({ path, rawQuery, method }) {
        const url = `hm:/${path}${rawQuery === '' ? '' : `?${rawQuery}`}`;
        const page = contexts.page(url);
        if (!page) throw new Refused(404, 'connect-session §11.3', `${method} ${path}: no such endpoint or page`);
        return answer(page, url);
      },
    },
  ];
}
