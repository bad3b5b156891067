import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { Config } from '#config';
import { TonearmError } from '#foundation';
import { manageAutomations } from './automations.ts';
import { openDesk, type Desk } from './desk.ts';
import { accountLines, keyLines, loginLines, type Accounts, type Login } from './say.ts';

/** What a command is given of the world around it. */
export interface CommandWorld {
  readonly config: Config;
  readonly version: string;
  /** For people, on stdout. */
  readonly say: (text: string) => void;
  /** What the log says meanwhile, on stderr. */
  readonly write: (line: string) => void;
  /** Resolves with a line somebody types, or null at the end of the input. */
  readonly readLine: (question: string, signal: AbortSignal) => Promise<string | null>;
  /** Whether a person looks at stdout. */
  readonly isTerminal: boolean;
}

interface CommandRow {
  readonly usage: string;
  readonly about: string;
}

export const commands = {
  login: { usage: 'login [--browser] [--web] [--zone ID]', about: 'log in with a code on another screen (or in a browser), for all zones or one; --web: for looking things up' },
  accounts: { usage: 'accounts [--json]', about: 'who is remembered, who is logged in, what ends when, who waits for an answer' },
  logout: { usage: 'logout NAME | --all [--zone ID]', about: 'end a login and wipe what is stored of it' },
  use: { usage: 'use NAME [--zone ID]', about: 'log a remembered account in again' },
  answer: { usage: 'answer yes|no [QUESTION]', about: 'let a guest in who waits, or not' },
  keys: { usage: 'keys [--json] | keys add NAME [--scope read|control] | keys remove ID', about: 'who may use the API; a new key is shown once' },
  automations: { usage: 'automations [list | next ID | history [ID] | run ID | enable ID | disable ID | skip ID] [--json]', about: 'what happens by itself, when next, and why it did or did not' },
  'rotate-key': { usage: 'rotate-key', about: 'encrypt what is stored with a new key' },
} as const satisfies Readonly<Record<string, CommandRow>>;

export type CommandName = keyof typeof commands;

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

const LoginAnswer = z.looseObject({
  id: z.string(),
  status: z.enum(['waiting', 'finishing', 'done', 'failed', 'cancelled']),
  method: z.enum(['code', 'browser']),
  address: z.string(),
  code: z.string().nullable(),
  page: z.string().nullable(),
  qr: z.object({ text: z.string() }).nullable(),
  account: z.string().nullable(),
  ends: z.string(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
}) satisfies z.ZodType<Login>;

const KeyRow = z.looseObject({ id: z.string(), name: z.string(), scope: z.enum(['read', 'control']), created: z.string().nullable(), used: z.string().nullable() });
const KeysAnswer = z.object({ keys: z.array(KeyRow) });
const KeyAnswer = KeyRow.extend({ key: z.string() });

/** Runs one command to its end; rejects with a `TonearmError` that says why it could not be done. */
export async function runCommand(name: CommandName, argv: readonly string[], world: CommandWorld): Promise<void> {
  const { values, positionals } = readArguments(name, argv);
  const desk = await openDesk(world.config, world);
  try {
    await carryOut(name, desk, values, positionals, world);
  } finally {
    await desk[Symbol.asyncDispose]();
  }
}

function readArguments(name: CommandName, argv: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        zone: { type: 'string' },
        browser: { type: 'boolean' },
        code: { type: 'boolean' },
        web: { type: 'boolean' },
        all: { type: 'boolean' },
        scope: { type: 'string' },
        json: { type: 'boolean' },
        // Read by whoever opened the configuration.
        config: { type: 'string' },
        data: { type: 'string' },
        'log-level': { type: 'string' },
      },
    });
    return { values, positionals };
  } catch (error) {
    throw wrongUsage(name, (error as Error).message);
  }
}

type Values = ReturnType<typeof readArguments>['values'];

async function carryOut(name: CommandName, desk: Desk, values: Values, [first, second]: readonly string[], world: CommandWorld): Promise<void> {
  const { say } = world;
  const zone = values.zone === undefined ? {} : { zone: values.zone };
  switch (name) {
    case 'login':
      await logIn(desk, values, zone, world);
      return;
    case 'accounts': {
      const picture = await desk.ask('account/list');
      say(values.json === true ? JSON.stringify(picture, null, 2) : accountLines(picture as unknown as Accounts, world.config.zones).join('\n'));
      return;
    }
    case 'logout': {
      if ((first === undefined) === (values.all !== true)) throw wrongUsage(name, 'Say whose login is to be wiped, or --all.');
      const { removed } = await desk.ask('account/logout', { ...(first === undefined ? { all: true } : { account: first }), ...zone });
      say(removed === 0 ? 'Nobody is remembered, so there is nothing to wipe.' : `Logged out and wiped: ${removed as number} ${removed === 1 ? 'login' : 'logins'}.`);
      return;
    }
    case 'use':
      if (first === undefined) throw wrongUsage(name, 'Say which account is to be logged in; "tonearm accounts" lists them.');
      await desk.ask('account/use', { account: first, ...zone });
      say(desk.isRunning ? 'Logged in.' : 'This account is logged in when Tonearm starts.');
      return;
    case 'answer': {
      if (first !== 'yes' && first !== 'no') throw wrongUsage(name, 'The answer is yes or no.');
      const { account } = await desk.ask('account/answer', { allow: first === 'yes', ...(second !== undefined && { question: second }) });
      const who = typeof account === 'string' && account !== '' ? account : 'The guest';
      say(first === 'yes' ? `${who} may use the speaker.` : `${who} was turned down.`);
      return;
    }
    case 'keys':
      await manageKeys(desk, values, first, second, world);
      return;
    case 'automations':
      await manageAutomations(desk, [first, second], values.json === true, say, world.config.automations?.location?.timezone);
      return;
    case 'rotate-key': {
      const { values: count } = await desk.ask('key/rotate');
      say(`${count as number} stored values were encrypted with a new key; the old one is gone. Backups made before need the old key.`);
    }
  }
}

async function logIn(desk: Desk, values: Values, zone: object, { say, readLine, isTerminal }: CommandWorld): Promise<void> {
  // The web API's applications know no codes.
  const method = values.browser === true || values.web === true ? 'browser' : 'code';
  if (values.code === true && method === 'browser') throw wrongUsage('login', 'A login is with a code or in a browser, not both; logins for the web API are in a browser.');
  const login = LoginAnswer.parse(await desk.ask('account/login', { method, ...(values.web === true && { purpose: 'web' }), ...zone }));
  say(loginLines(login, { isTerminal }).join('\n'));
  const over = new AbortController();
  const outcome = desk.ask('account/wait', { id: login.id }).then((answer) => LoginAnswer.parse(answer));
  if (method === 'browser') {
    const pasting = paste(desk, login.id, { say, readLine }, over.signal);
    pasting.catch(() => undefined);
  }
  const { status, account, error } = await outcome.finally(() => over.abort());
  if (status !== 'done') throw new TonearmError({ kind: 'unauthorized', code: error?.code ?? 'command/login-failed', message: error?.message ?? 'The login did not succeed.' });
  say(`Logged in${account === null ? '' : ` as ${account}`}.${desk.isRunning || values.web === true ? '' : ' Start Tonearm, and the speaker is in the Spotify app.'}`);
}

async function manageKeys(desk: Desk, values: Values, what: string | undefined, which: string | undefined, { say, write }: CommandWorld): Promise<void> {
  const shut = desk.isRunning ? '' : ' It works when Tonearm is started.';
  switch (what) {
    case undefined:
    case 'list': {
      const { keys } = KeysAnswer.parse(await desk.ask('api-key/list'));
      say(values.json === true ? JSON.stringify(keys, null, 2) : keyLines(keys).join('\n'));
      return;
    }
    case 'add': {
      if (which === undefined) throw wrongUsage('keys', 'Say whose key it is: a name such as Homebridge.');
      const { key, id, scope } = KeyAnswer.parse(await desk.ask('api-key/add', { name: which, ...(values.scope !== undefined && { scope: values.scope }) }));
      // The key alone on stdout, so that a script can take it.
      say(key);
      write(`This is the key of “${which}” (${id}). It may ${scope === 'control' ? 'look and act' : 'look, and change nothing'}. It is not shown again: keep it now.${shut}\n`);
      return;
    }
    case 'remove': {
      if (which === undefined) throw wrongUsage('keys', 'Say which key is to be removed; "tonearm keys" lists them.');
      const { name } = await desk.ask('api-key/remove', { id: which });
      say(`The key of “${name as string}” is not valid any more; whoever was connected with it has been cut off.`);
      return;
    }
    default:
      throw wrongUsage('keys', `"${what.slice(0, 40)}" is nothing that can be done with keys.`);
  }
}

/** Takes addresses until the login is over: the page, or a browser on this machine, may be faster. */
async function paste(desk: Desk, id: string, { say, readLine }: Pick<CommandWorld, 'say' | 'readLine'>, signal: AbortSignal): Promise<void> {
  for (;;) {
    const line = await readLine('Address: ', signal);
    if (line === null || signal.aborted) return;
    if (line.trim() === '') continue;
    try {
      await desk.ask('account/paste', { id, address: line });
      return;
    } catch (error) {
      say((error as Error).message);
    }
  }
}

function wrongUsage(name: CommandName, what: string): TonearmError {
  return new TonearmError({ kind: 'invalid', code: 'command/wrong-usage', message: `${what}\nUsage: tonearm ${commands[name].usage}` });
}
