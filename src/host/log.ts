import { pino, type Logger } from 'pino';
import type { LogLines } from '#core';
import type { Log, LogFields, LogLevel } from '#foundation';
import { formatLine } from './log-line.ts';
import { LogRing } from './log-ring.ts';
import { redactFields, redactText } from './redact.ts';

export interface LogOptions {
  readonly level: LogLevel;
  /** `text`: one line for people. `json`: one object per line, for programs. */
  readonly format: 'text' | 'json';
  /** Takes whole lines with their line feed. */
  readonly write: (line: string) => void;
  /** Colours in `text`; for terminals only. */
  readonly colour?: boolean;
}

/** The log whose level can be changed while it is used, for all its children too. */
export interface OpenLog extends Log {
  level: LogLevel;
  readonly lines: LogLines;
}

const order: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** The real log: pino, with everything that could be a secret taken out before it is formatted. */
export function openLog({ level, format, write, colour = false }: LogOptions): OpenLog {
  const root = pino(
    { level: 'trace', base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: (label) => ({ level: label }) } },
    { write: format === 'json' ? write : (line: string) => write(formatLine(line, colour)) },
  );
  // Children of pino keep the level they were made with; so it is asked here.
  let least = order.indexOf(level);
  const lines = new LogRing();
  return Object.defineProperty({ ...named({ root, lines, isHeard: (one) => order.indexOf(one) >= least }, root, ''), lines }, 'level', {
    get: () => order[least] ?? 'info',
    set: (next: LogLevel) => void (least = order.indexOf(next)),
  }) as unknown as OpenLog;
}

interface Ends {
  readonly root: Logger;
  readonly lines: LogRing;
  readonly isHeard: (level: LogLevel) => boolean;
}

function named(ends: Ends, logger: Logger, name: string): Log {
  const { root, lines, isHeard } = ends;
  const say = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (!isHeard(level)) return;
    const text = redactText(message);
    const shown = fields && redactFields(fields);
    if (shown) logger[level](shown, text);
    else logger[level](text);
    lines.add({ at: Date.now(), level, part: name, message: text, fields: shown });
  };
  return {
    trace: say('trace'),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child(part) {
      const full = name === '' || part.startsWith(`${name}/`) ? part : `${name}/${part}`;
      // From the root, because pino repeats the keys of nested children.
      return named(ends, root.child({ part: full }), full);
    },
  };
}
