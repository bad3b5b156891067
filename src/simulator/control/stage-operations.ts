import { z } from 'zod';
import { TonearmError } from '#foundation';
import type { Cloud } from '../cloud-contract.ts';
import { checked, type Operation } from './operation.ts';

const Strings = z.record(z.string(), z.string());
const ContextRow = z.strictObject({ uri: z.string().optional(), uid: z.string().optional(), gid: z.string().optional(), metadata: Strings.optional() });
const Page = z.strictObject({ page_url: z.string().optional(), next_page_url: z.string().optional(), metadata: Strings.optional(), tracks: z.array(ContextRow).optional() });
const Document = z.strictObject({
  uri: z.string(),
  url: z.string().optional(),
  metadata: Strings.optional(),
  restrictions: z.record(z.string(), z.array(z.string())).optional(),
  pages: z.array(Page),
});
const RawCommand = z.strictObject({ device: z.string(), from: z.string().default(''), body: z.unknown() });
const ResumePoint = z.strictObject({ user: z.string(), uri: z.string(), position: z.union([z.number().int().min(0), z.literal('finished')]) });

/** What there is to play from, what the clocks say, and commands no phone would send. */
export function stageOperations({ contexts, resumePoints, time, accounts, commands, connectState }: Cloud): Operation[] {
  const accountOf = (device: string) => {
    const account = accounts.all.find((each) => connectState.of(each).devices.has(device));
    if (account) return account;
    throw new TonearmError({ kind: 'not-found', code: 'simulator/no-device', message: `No user has a device "${device}"; GET /status lists them.` });
  };
  return [
    { method: 'GET', path: '/context', about: '?uri= what a context resolves to', run: ({ query }) => contexts.resolve(query.get('uri') ?? contexts.everything) },
    {
      method: 'PUT',
      path: '/context',
      about: '{uri, pages, url?, metadata?, restrictions?} lays a context down, as resolvers write it',
      run({ body }) {
        const document = checked(Document, body);
        contexts.set(document as Parameters<typeof contexts.set>[0]);
        return contexts.resolve(document.uri);
      },
    },
    {
      method: 'PUT',
      path: '/context/page',
      about: '{url, page} lays down what an hm:// address answers',
      run({ body }) {
        const { url, page } = checked(z.strictObject({ url: z.string(), page: Page }), body);
        contexts.setPage(url, page as Parameters<typeof contexts.setPage>[1]);
        return contexts.page(url);
      },
    },
    { method: 'GET', path: '/resume-points', about: '?user= ?uri= where a listener stopped', run: ({ query }) => resumePoints.of(query.get('user') ?? '', query.get('uri') ?? '') },
    {
      method: 'POST',
      path: '/resume-points',
      about: '{user, uri, position (ms, or "finished")} lays a resume point down',
      run({ body }) {
        const { user, uri, position } = checked(ResumePoint, body);
        resumePoints.add(user, uri, position, time.now());
        return resumePoints.of(user, uri);
      },
    },
    { method: 'GET', path: '/time', about: "the cloud's clock", run: () => ({ now: time.now(), shift: time.shift }) },
    {
      method: 'PUT',
      path: '/time',
      about: "{shift (ms)} sets the cloud's clock forward, as if everybody else's were slow",
      run({ body }) {
        time.shift = checked(z.strictObject({ shift: z.number() }), body).shift;
        return { now: time.now(), shift: time.shift };
      },
    },
    {
      method: 'POST',
      path: '/command',
      about: '{device, from?, body} sends any JSON as a player command, and tells what became of it',
      async run({ body }) {
        const { device, from, body: command } = checked(RawCommand, body);
        const ackId = commands.sendRaw(accountOf(device), from, device, command);
        return { ackId, outcome: ackId === null ? 'gone' : await commands.outcome(ackId) };
      },
    },
  ];
}
