import { pino, type Logger } from 'pino';
import type { Log, LogFields, LogLevel } from '#foundation';
import { formatLine } from './log-line.ts';
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

/** The real log: pino, with everything that could be a secret taken out before it is formatted. */
export function openLog({ level, format, write, colour = false }: LogOptions): Log {
  const root = pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: (label) => ({ level: label }) } },
    { write: format === 'json' ? write : (line: string) => write(formatLine(line, colour)) },
  );
  return named(root, root, '');
}

function named(root: Logger, logger: Logger, name: string): Log {
  const say = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (!logger.isLevelEnabled(level)) return;
    if (fields) logger[level](redactFields(fields), redactText(message));
    else logger[level](redactText(message));
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
      return named(root, root.child({ part: full }), full);
    },
  };
}
