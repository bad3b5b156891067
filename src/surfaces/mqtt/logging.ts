import type { LogLines } from '#core';
import type { Clock, LogLevel } from '#foundation';
import { logLevels } from './bridge-entities.ts';
import type { Outlet } from './outlet.ts';

/** Lines in any second, at most: a log that storms must not become a storm on the broker. */
const perSecond = 20;

/** Says on `bridge/logging` what the log says, from a level on. */
export function followLog(lines: LogLines, { level, outlet, clock }: { readonly level: LogLevel; readonly outlet: Pick<Outlet, 'send'>; readonly clock: Pick<Clock, 'monotonic'> }): Disposable {
  const least = logLevels.indexOf(level);
  let second = -Infinity;
  let said = 0;
  return lines.events.on('said', ({ level: of, part, message, fields }) => {
    // What this surface says of its own troubles would bring forth more of them.
    if (logLevels.indexOf(of) < least || part === 'mqtt' || part.startsWith('mqtt/')) return;
    const now = Math.floor(clock.monotonic() / 1000);
    said = now === second ? said + 1 : 1;
    second = now;
    if (said > perSecond) return;
    void outlet.send('bridgeLogging', {}, { level: of, message, namespace: part, ...(fields && Object.keys(fields).length > 0 && { fields }) });
  });
}
