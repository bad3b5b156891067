import { parentPort, workerData } from 'node:worker_threads';
import { systemClock, type Log, type LogFields, type LogLevel } from '#foundation';
import type { FromThread, ThreadSettings, ToThread } from '../wire/index.ts';
import { runDeck } from './run-deck.ts';

/** The audio thread's program. */
const port = parentPort;
if (!port) throw new Error('This program runs as a worker thread of Tonearm.');

function logTo(name: string): Log {
  const say = (level: LogLevel) => (message: string, fields: LogFields = {}) => tell({ kind: 'log', level, name, message, fields });
  return { trace: say('trace'), debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error'), child: (child) => logTo(name === '' ? child : `${name}/${child}`) };
}

function tell(message: FromThread): void {
  port?.postMessage(message);
}

// Decoder packages print what they stumble over; we tell it ourselves, once.
console.error = (...words: unknown[]) => logTo('decoder').debug(words.map(String).join(' '));

const channel = { postMessage: tell, on: (name: 'message', listener: (message: ToThread) => void) => port.on(name, listener) };
// No await here: this file becomes a function (scripts/build.mjs).
void runDeck(channel, workerData as ThreadSettings, { clock: systemClock, log: logTo('') }).then(() => port.close());
