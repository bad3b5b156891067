import { createConnection, type Socket } from 'node:net';
import { TonearmError } from '#foundation';
import { DbusMessages, encodeDbusMessage, messageKinds, type DbusMessage } from './dbus-message.ts';

export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

const answerLimit = 5000;
const daemon = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };

/** A connection to the system's message bus. */
export class SystemBus implements Disposable {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (body: readonly unknown[]) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }>();
  readonly #onSignal: (signal: DbusMessage) => void;
  #serial = 0;
  #isClosed = false;

  private constructor(socket: Socket, onSignal: (signal: DbusMessage) => void, onClose: () => void) {
    this.#socket = socket;
    this.#onSignal = onSignal;
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this[Symbol.dispose]();
      onClose();
    });
  }

  /** `address` as in `DBUS_SYSTEM_BUS_ADDRESS`. Rejects with `host/no-bus` when there is none or it does not let us in. */
  static async open(address: string, { onSignal, onClose }: { readonly onSignal: (signal: DbusMessage) => void; readonly onClose: () => void }): Promise<SystemBus> {
    const socket = createConnection(pathOf(address));
    socket.setTimeout(answerLimit, () => socket.destroy(new Error('no answer')));
    let early = Buffer.alloc(0);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('The bus hung up.')));
        socket.once('connect', () => socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')}\r\n`));
        const hear = (chunk: Buffer) => {
          early = Buffer.concat([early, chunk]);
          const end = early.indexOf('\r\n');
          if (end < 0) return;
          socket.off('data', hear);
          if (!early.toString('latin1', 0, end).startsWith('OK ')) reject(new Error(`It answered ${early.toString('latin1', 0, Math.min(end, 100))}.`));
          else resolve();
        };
        socket.on('data', hear);
      });
    } catch (cause) {
      socket.on('error', () => undefined);
      socket.destroy();
      throw noBus(cause);
    }
    socket.removeAllListeners('close').removeAllListeners('error').setTimeout(0);
    socket.write('BEGIN\r\n');
    const bus = new SystemBus(socket, onSignal, onClose);
    bus.#listen();
    await bus.call({ ...daemon, member: 'Hello' });
    return bus;
  }

  /** The body of the answer. Rejects with `host/bus-refused` and the error's own name in the message. */
  call({ destination, path, interface: face, member, signature = '', body = [] }: Call): Promise<readonly unknown[]> {
    if (this.#isClosed) return Promise.reject(noBus(null));
    const serial = ++this.#serial;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(serial);
        reject(new TonearmError({ kind: 'timeout', code: 'host/bus-silent', message: `${destination} did not answer ${member} within ${answerLimit / 1000} s. Tonearm answers mDNS by itself meanwhile.` }));
      }, answerLimit);
      this.#waiting.set(serial, { resolve, reject, timer });
      this.#socket.write(encodeDbusMessage({ kind: messageKinds.call, serial, destination, path, interface: face, member, signature, body }));
    });
  }

  /** Signals that fit the rule reach `onSignal` from now on. */
  async listen(rule: string): Promise<void> {
    await this.call({ ...daemon, member: 'AddMatch', signature: 's', body: [rule] });
  }

  /** Whether a program with that name is on the bus. It is not started by the question. */
  async has(name: string): Promise<boolean> {
    return (await this.call({ ...daemon, member: 'NameHasOwner', signature: 's', body: [name] }))[0] === true;
  }

  #listen(): void {
    const messages = new DbusMessages();
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of messages.push(chunk)) this.#take(message);
      } catch (error) {
        this.#socket.destroy(error as Error);
      }
    });
  }

  #take(message: DbusMessage): void {
    if (message.kind === messageKinds.signal) {
      this.#onSignal(message);
      return;
    }
    const waiting = this.#waiting.get(message.replyTo ?? -1);
    if (!waiting) return;
    this.#waiting.delete(message.replyTo ?? -1);
    clearTimeout(waiting.timer);
    if (message.kind === messageKinds.reply) waiting.resolve(message.body);
    else waiting.reject(refused(message));
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(noBus(null));
    }
    this.#waiting.clear();
  }
}

/** `unix:path=/run/dbus/system_bus_socket` or `unix:abstract=name`; of several the first of these kinds. */
function pathOf(address: string): string {
  for (const one of address.split(';')) {
    const [, kind, value] = /^unix:(?:.*,)?(path|abstract)=([^,]*)/.exec(one) ?? [];
    if (value !== undefined) return (kind === 'abstract' ? '\0' : '') + decodeURIComponent(value);
  }
  throw noBus(new Error(`"${address}" is no address of a bus on this machine.`));
}

/** Where the bus is, or should be. */
export function systemBusAddress(): string {
  return process.env['DBUS_SYSTEM_BUS_ADDRESS'] ?? 'unix:path=/run/dbus/system_bus_socket';
}

/** The socket's path in the file system, to see whether it is there; null for others. */
export function systemBusFile(): string | null {
  try {
    const path = pathOf(systemBusAddress());
    return path.startsWith('\0') ? null : path;
  } catch {
    return null;
  }
}

function noBus(cause: unknown): TonearmError {
  return new TonearmError({ kind: 'unavailable', code: 'host/no-bus', message: 'The system bus cannot be used, so Avahi cannot be asked. Tonearm answers mDNS by itself.', cause });
}

function refused({ errorName = 'an error', body }: DbusMessage): TonearmError {
  const [text] = body;
  return new TonearmError({ kind: 'forbidden', code: 'host/bus-refused', message: `${errorName}: ${typeof text === 'string' ? text : 'no reason given'}` });
}
