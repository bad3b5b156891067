import { MessageChannel, Worker } from 'node:worker_threads';
import type { Clock, Log } from '#foundation';
import type { FromThread, ThreadSettings, ToThread } from './wire/index.ts';

/** The main thread's end of a running deck. */
export interface Link {
  send(message: ToThread): void;
  /** Ends it at once, because it does not answer any more. `died` is not called. */
  abandon(): void;
  /** Ends it, giving it a moment to close the output. */
  close(): Promise<void>;
}

export interface LinkListener {
  message(message: FromThread): void;
  /** It died without being asked to. */
  died(error: Error): void;
}

/** How long a thread may take to close its output before it is ended. */
const patience = 2000;

/** Heap of a thread's JavaScript; the sound itself is outside of it. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };

/** Processes a thread has started. One that is left alone plays out what it holds, while the next one begins. */
class Players {
  readonly #pids = new Set<number>();

  note({ pid, isAlive }: { readonly pid: number; readonly isAlive: boolean }): void {
    if (isAlive) this.#pids.add(pid);
    else this.#pids.delete(pid);
  }

  end(): void {
    for (const pid of this.#pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone.
      }
    }
    this.#pids.clear();
  }
}

export function openThread(program: URL, settings: ThreadSettings, clock: Clock, listener: LinkListener): Link {
  // Descriptors are handed to sockets, which close them; the worker's own list would call that a mistake.
  const worker = new Worker(program, { workerData: settings, name: 'tonearm-audio', resourceLimits, trackUnmanagedFds: false });
  let isClosing = false;
  const players = new Players();
  let failure: Error | null = null;
  const exited = new Promise<void>((resolve) => {
    worker.on('error', (error) => (failure = error));
    worker.on('exit', (code) => {
      players.end();
      resolve();
      if (!isClosing) listener.died(failure ?? new Error(`The audio thread ended with code ${code}.`));
    });
  });
  worker.on('message', (message: FromThread) => (message.kind === 'player' ? players.note(message) : listener.message(message)));
  return {
    send: (message) => worker.postMessage(message),
    async close() {
      isClosing = true;
      worker.postMessage({ kind: 'close' } satisfies ToThread);
      const timer = clock.timer(patience, () => void worker.terminate());
      await exited;
      timer[Symbol.dispose]();
    },
    abandon() {
      isClosing = true;
      players.end();
      void worker.terminate();
    },
  };
}

/** The same loop on this thread; loaded only here, because the daemon's main thread never decodes. */
export function openInProcess(settings: ThreadSettings, world: { readonly clock: Clock; readonly log: Log }, listener: LinkListener): Link {
  const { port1, port2 } = new MessageChannel();
  const done = import('./thread/run-deck.ts').then(({ runDeck }) => runDeck(port2, settings, world));
  port1.on('message', (message: FromThread) => listener.message(message));
  return {
    send: (message) => port1.postMessage(message),
    async close() {
      port1.postMessage({ kind: 'close' } satisfies ToThread);
      await done;
      port1.close();
    },
    // Whoever calls this runs on the thread that would not answer.
    abandon: () => port1.close(),
  };
}
