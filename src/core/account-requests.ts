import { z } from 'zod';
import { TonearmError } from '#foundation';
import type { Accounts, AccountsPicture, LoginView } from './accounts.ts';

/** How much of a user name a surface may show. */
export type ShowName = (name: string) => string;

const Name = z.string().min(1).max(256);
const Zone = z.string().min(1).max(64).optional();
const Id = z.string().min(1).max(64);

interface Row {
  readonly about: string;
  /** What a bare text stands for, where it can only mean one thing. */
  readonly bare?: ((text: string) => unknown) | undefined;
  run(accounts: Accounts, fields: unknown, show: ShowName, signal: AbortSignal | undefined): Promise<Readonly<Record<string, unknown>>>;
}

function row<Schema extends z.ZodType>(about: string, schema: Schema, run: (accounts: Accounts, fields: z.output<Schema>, show: ShowName, signal?: AbortSignal) => unknown, bare?: Row['bare']): Row {
  return {
    about,
    bare,
    async run(accounts, given, show, signal) {
      const parsed = schema.safeParse(typeof given === 'string' && bare ? bare(given) : given);
      if (!parsed.success) {
        throw new TonearmError({ kind: 'invalid', code: 'accounts/bad-request', message: `The request was not understood: ${z.prettifyError(parsed.error).replace(/\s+/g, ' ')} It takes ${about}.` });
      }
      return (await run(accounts, parsed.data, show, signal)) as Readonly<Record<string, unknown>>;
    },
  };
}

/** Everything that can be asked about accounts, once for every surface: names, fields and what comes back. */
export const accountRequests = {
  list: row('nothing', z.strictObject({}), (accounts, _fields, show) => shownPicture(accounts.picture, show)),
  login: row(
    '{"method": "code" or "browser", "zone"?: id, "purpose"?: "playback" or "web"}',
    z.strictObject({ method: z.enum(['code', 'browser']).default('code'), purpose: z.enum(['playback', 'web']).optional(), zone: Zone }),
    async (accounts, fields, show) => shownLogin(await accounts.login(fields), show),
    (method) => ({ method }),
  ),
  paste: row('{"id": of the login, "address": where the browser ended}', z.strictObject({ id: Id, address: z.string().min(1).max(8192) }), async (accounts, { id, address }, show) => shownLogin(await accounts.paste(id, address), show)),
  wait: row('{"id": of the login}; answers when it is over', z.strictObject({ id: Id }), async (accounts, { id }, show, signal) => shownLogin(await accounts.wait(id, signal), show), (id) => ({ id })),
  cancel: row('{"id": of the login}', z.strictObject({ id: Id }), async (accounts, { id }, show, signal) => {
    accounts.cancel(id);
    // It takes a moment; what is said is how it ended.
    return shownLogin(await accounts.wait(id, signal), show);
  }, (id) => ({ id })),
  logout: row('{"account": name or id, or "all": true; "zone"?: id}', z.strictObject({ account: Name.optional(), all: z.literal(true).optional(), zone: Zone }), async (accounts, { account, all, zone }) => {
    // Everybody at once is never what an empty message means.
    if (account === undefined && all !== true && zone === undefined) {
      throw new TonearmError({ kind: 'invalid', code: 'accounts/bad-request', message: 'Say who is to be logged out: "account", "zone", or "all": true.' });
    }
    return { removed: await accounts.logout({ account, zone }) };
  }, (account) => ({ account })),
  use: row('{"account": name or id, "zone"?: id}', z.strictObject({ account: Name, zone: Zone }), async (accounts, fields) => {
    await accounts.use(fields);
    return {};
  }, (account) => ({ account })),
  answer: row('{"allow": true or false, "question"?: id}', z.strictObject({ allow: z.boolean(), question: Id.optional() }), (accounts, { allow, question }, show) => {
    const { id, zone, account } = accounts.answer(question, allow);
    return { question: id, zone, account: show(account), allowed: allow };
  }, (text) => ({ allow: /^(yes|on|true)$/i.test(text) ? true : /^(no|off|false)$/i.test(text) ? false : text })),
} as const satisfies Readonly<Record<string, Row>>;

export type AccountRequest = keyof typeof accountRequests;

export function isAccountRequest(name: string): name is AccountRequest {
  return Object.hasOwn(accountRequests, name);
}

/** Has it done and gives what is to be answered. Rejects with `accounts/…` codes. */
export function answerAccountRequest(accounts: Accounts, name: AccountRequest, fields: unknown, show: ShowName, signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
  return accountRequests[name].run(accounts, fields, show, signal);
}

export function shownLogin(login: LoginView, show: ShowName): Readonly<Record<string, unknown>> {
  return { ...login, account: login.account === null ? null : show(login.account), ends: iso(login.ends) };
}

export function shownPicture({ accounts, web, logins, questions }: AccountsPicture, show: ShowName): Readonly<Record<string, unknown>> {
  return {
    accounts: accounts.map(({ name, since, used, forgotten, ...rest }) => ({ ...rest, name: show(name), since: iso(since), used: iso(used), forgotten: forgotten === null ? null : iso(forgotten) })),
    web: web.map(({ name, since, ends, ...rest }) => ({ ...rest, name: name === null ? null : show(name), since: iso(since), ends: iso(ends) })),
    // The page of a login is for whoever began it.
    logins: logins.map((login) => shownLogin({ ...login, qr: null, page: null }, show)),
    questions: questions.map(({ account, active, asked, ends, ...rest }) => ({ ...rest, account: show(account), active: show(active), asked: iso(asked), ends: iso(ends) })),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
