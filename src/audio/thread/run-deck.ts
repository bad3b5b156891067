import type { Clock, Log } from '#foundation';
import { fixedRate, openOutput, type ConcreteOutput } from '#outputs';
import { HttpWorld } from '../bytes/index.ts';
import { encodeError, type DeckNews, type FromThread, type ThreadSettings, type ToThread } from '../wire/index.ts';
import { Engine } from './engine.ts';
import { OutputSlot, type OpenOutput } from './output-slot.ts';

/** The part of a message port that both threads and channels have. */
export interface Port {
  postMessage(message: FromThread): void;
  on(name: 'message', listener: (message: ToThread) => void): unknown;
}

/** Runs one deck at the far end of a port until `close` comes. The same in a thread of its own and, for tests, in the same one. */
export function runDeck(port: Port, settings: ThreadSettings, { clock, log }: { readonly clock: Clock; readonly log: Log }): Promise<void> {
  const http = new HttpWorld(clock, log, settings);
  const tell = (isAlive: boolean) => (pid: number) => port.postMessage({ kind: 'player', pid, isAlive });
  const players = { began: tell(true), ended: tell(false) };
  const world = { clock, log, programs: { speakerChild: new URL(settings.speakerChild) }, players };
  const opener = (output: ConcreteOutput): OpenOutput => (rate, signal) => openOutput(output, { rate, channels: 2 }, world, signal);
  const slot = new OutputSlot(opener(settings.output), fixedRate(settings.output));
  const engine = new Engine({ clock, log, http, slot, releaseAfter: settings.releaseOutputAfter }, (name, event) => {
    const plain = 'error' in event ? { id: event.id, error: event.error && encodeError(event.error) } : event;
    port.postMessage({ kind: 'event', name, event: plain } as DeckNews);
  });
  return new Promise((resolve) => {
    const handle: { readonly [Kind in ToThread['kind']]: (message: Extract<ToThread, { readonly kind: Kind }>) => void } = {
      play: ({ id, playable, at, paused }) => engine.play(id, playable, at, paused),
      follow: ({ next }) => engine.follow(next),
      refresh: ({ id, playable }) => engine.refresh(id, playable),
      pause: () => engine.pause(),
      resume: () => engine.resume(),
      seek: ({ to }) => engine.seek(to),
      stop: () => engine.stop(),
      gain: ({ gain }) => engine.setGain(gain),
      announce: ({ id, playable, gain, duck }) => engine.announce(id, playable, { gain, duck }),
      hush: () => engine.hush(),
      output: ({ output, releaseOutputAfter }) => engine.useOutput({ open: opener(output), fixed: fixedRate(output), releaseAfter: releaseOutputAfter }),
      ping: () => port.postMessage({ kind: 'alive' }),
      close: () => {
        void engine[Symbol.asyncDispose]().finally(() => {
          http[Symbol.dispose]();
          port.postMessage({ kind: 'closed' });
          resolve();
        });
      },
    };
    port.on('message', (message) => handle[message.kind](message as never));
  });
}
