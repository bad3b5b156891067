import { chmod, rm } from 'node:fs/promises';
import net, { type Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { answerAccountRequest, isAccountRequest } from '#core';
import { Scope, TonearmError, toTonearmError, type Log } from '#foundation';
import { answerKeyRequest } from '../key-requests.ts';
import { defineSurface, type SurfaceContext } from '../surface.ts';
import { answerAutomationRequest } from './automations.ts';
import { encodeLine, Lines, LocalRequest, socketName, type LocalAnswer } from './wire/index.ts';

const LocalSettings = z.strictObject({ folder: z.string().min(1) });

/** What a Unix socket's address can hold, less its zero byte; shorter on other systems than Linux. */
const longestPath = 103;
const mostConnections = 8;

/** Where the command line talks to a running daemon: a socket in the data folder, which only its owner can enter. */
export const local = defineSurface({ name: 'local', config: LocalSettings, open: openLocal });

async function openLocal({ folder }: z.output<typeof LocalSettings>, context: SurfaceContext): Promise<AsyncDisposable> {
  const log = context.host.log.child('local');
  const path = join(folder, socketName);
  const scope = new Scope();
  if (Buffer.byteLength(path) > longestPath) {
    log.warn('The path of the data folder is too long for a socket in it. Commands such as "tonearm login" work only while the daemon is stopped; choose a shorter path', { path });
    return scope;
  }
  const open = new Set<Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    serve(socket, context, log, scope.signal);
  });
  server.maxConnections = mostConnections;
  // We hold the lock of the folder, so what lies there is left over.
  await rm(path, { force: true });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        // For good: a connection that cannot be taken in is an error of the server's, too, and must not end the daemon.
        server.on('error', (error) => log.debug('A command could not be taken in', { reason: error.message }));
        resolve();
      });
    });
    await chmod(path, 0o600);
  } catch (error) {
    server.close();
    log.warn('The socket for commands could not be made; "tonearm login" and its like work only while the daemon is stopped', { path, error });
    return scope;
  }
  scope.defer(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of open) socket.destroy();
    await closed;
    await rm(path, { force: true });
  });
  return scope;
}

function serve(socket: Socket, context: SurfaceContext, log: Log, closing: AbortSignal): void {
  const lines = new Lines();
  const gone = new AbortController();
  const { signal } = gone;
  const close = () => gone.abort(closing.reason);
  closing.addEventListener('abort', close, { once: true });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    closing.removeEventListener('abort', close);
    gone.abort(new DOMException('The command has gone away.', 'AbortError'));
  });
  socket.on('data', (chunk) => {
    try {
      for (const value of lines.push(chunk)) void answer(LocalRequest.parse(value));
    } catch (error) {
      log.debug('A request over the local socket could not be read', { code: toTonearmError(error).code });
      socket.destroy();
    }
  });

  async function answer({ id, do: name, with: fields = {} }: LocalRequest): Promise<void> {
    let line: LocalAnswer;
    try {
      line = { id, ok: await run(name, fields, context, signal) };
    } catch (thrown) {
      const { kind, code, message } = toTonearmError(thrown);
      line = { id, error: { kind, code, message } };
    }
    if (!socket.destroyed) socket.write(encodeLine(line));
  }
}

async function run(name: string, fields: unknown, { accounts, automations, apiKeys, rotateKey }: SurfaceContext, signal: AbortSignal): Promise<Record<string, unknown>> {
  const [group, asked = ''] = name.split('/');
  // The owner of the machine may see whole names.
  if (accounts && group === 'account' && isAccountRequest(asked)) return { ...(await answerAccountRequest(accounts, asked, fields, (user) => user, signal)) };
  if (apiKeys && group === 'api-key') return { ...(await answerKeyRequest(apiKeys, asked, fields)) };
  if (group === 'automation') {
    if (automations) return await answerAutomationRequest(automations, asked, fields);
    throw new TonearmError({ kind: 'not-found', code: 'local/no-automations', message: 'The configuration holds no automations, alarms, presence or quiet hours. docs/automations.md has some to copy.' });
  }
  if (rotateKey && name === 'key/rotate') return { values: await rotateKey() };
  throw new TonearmError({ kind: 'not-found', code: 'local/unknown-request', message: `This version of the daemon does not know "${name}". If Tonearm was updated, restart it.` });
}
