import type { Socket } from 'node:net';
import { TonearmError, type Clock, type Dialler } from '#foundation';
import type { Welcome } from '#spotify/wire';
import { splitAddress } from '../web/directory.ts';
import { startSession, step, type Deadline, type Effect, type Input, type SessionPlan } from './session-machine.ts';
import { ending, type Ending } from './verdict.ts';

export interface ConnectionOptions {
  /** `host:port`. */
  readonly address: string;
  readonly plan: SessionPlan;
  readonly dialler: Pick<Dialler, 'plain' | 'suspect'>;
  readonly clock: Clock;
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onPacket: (command: number, payload: Buffer) => void;
  /** The access point's clock in Unix seconds. */
  readonly onPing: (seconds: number) => void;
}

export interface Connection {
  /** Why it ended; never rejects. */
  readonly ended: Promise<Ending>;
  /** False when there is nobody to send to. */
  send(command: number, payload: Uint8Array): boolean;
  close(): void;
}

const connectTime = 5000;

/** The thin shell around the session machine: one TCP socket, two timers. */
export function openConnection({ address, plan, dialler, clock, onWelcome, onPacket, onPing }: ConnectionOptions): Connection {
  let state = startSession(plan);
  let over = false;
  let resolveEnded: (ending: Ending) => void = () => undefined;
  const ended = new Promise<Ending>((resolve) => (resolveEnded = resolve));
  const timers = new Map<Deadline, Disposable>();
  const began = clock.monotonic();
  const target = splitAddress(address);
  if (!target) {
    resolveEnded(ending('elsewhere', 'invalid', 'bad-address', 'The service directory named an access point address that cannot be one; the next one is tried.'));
    return { ended, send: () => false, close: () => undefined };
  }

  let socket: Socket | null = null;
  const dialling = new AbortController();
  dialler.plain(target, { signal: dialling.signal, limit: connectTime }).then(
    (opened) => {
      if (isOver()) {
        opened.destroy();
        return;
      }
      socket = opened;
      opened.on('data', (bytes: Buffer) => feed({ kind: 'received', bytes }));
      opened.on('error', (cause) => feed({ kind: 'closed', cause }));
      opened.on('close', () => feed({ kind: 'closed' }));
      if (opened.destroyed) feed({ kind: 'closed' });
      else feed({ kind: 'opened', elapsed: clock.monotonic() - began });
    },
    (cause: unknown) => {
      // A proxy says best itself what is wrong with it.
      if (cause instanceof TonearmError) finish({ verdict: 'elsewhere', error: cause });
      else feed({ kind: 'closed', cause });
    },
  );

  function feed(input: Input): void {
    if (over) return;
    const next = step(state, input);
    state = next.state;
    for (const effect of next.effects) perform(effect);
  }

  function perform(effect: Effect): void {
    switch (effect.kind) {
      case 'write':
        if (socket?.destroyed === false) socket.write(effect.bytes);
        return;
      case 'deadline': {
        const { name, delay } = effect;
        timers.get(name)?.[Symbol.dispose]();
        timers.delete(name);
        if (delay !== null) timers.set(name, clock.timer(delay, () => feed({ kind: 'expired', name })));
        return;
      }
      case 'welcome':
        onWelcome(effect.welcome);
        return;
      case 'packet':
        onPacket(effect.command, effect.payload);
        return;
      case 'ping':
        onPing(effect.seconds);
        return;
      case 'end':
        finish(effect.ending);
    }
  }

  function finish(reason: Ending): void {
    if (over) return;
    over = true;
    dialling.abort(new DOMException('The connection is closed.', 'AbortError'));
    for (const timer of timers.values()) timer[Symbol.dispose]();
    timers.clear();
    // It opened, and then nobody spoke: perhaps only this family of addresses is broken.
    if (reason.error.code === 'spotify/access-point-silent') dialler.suspect(socket?.remoteFamily);
    socket?.destroy();
    resolveEnded(reason);
  }

  return {
    ended,
    send(command, payload) {
      if (over || state.phase !== 'online') return false;
      feed({ kind: 'send', command, payload });
      return !isOver();
    },
    close: () => finish(ending('wait', 'cancelled', 'closed', 'The connection to the access point was closed by Tonearm.')),
  };

  // Asked through a function because `feed` may have changed it.
  function isOver(): boolean {
    return over;
  }
}
