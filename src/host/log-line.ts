const colours: Readonly<Record<string, number>> = { trace: 90, debug: 36, info: 32, warn: 33, error: 31 };

/** One JSON line of the log as a line for people: `12:34:56.789 info  spotify/dealer  Connected  attempt=2`. */
export function formatLine(json: string, colour: boolean): string {
  const { level, time, part, msg, ...fields } = JSON.parse(json) as { level: string; time: string; part?: string; msg?: string } & Record<string, unknown>;
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const date = new Date(time);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  const details = Object.entries(fields).map(([name, value]) => `${paint(90, `${name}=`)}${show(value)}`);
  const words = [paint(90, clock), paint(colours[level] ?? 0, level.padEnd(5)), ...(part === undefined ? [] : [paint(36, part)]), oneLine(msg ?? ''), ...details];
  return `${words.join('  ')}\n`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (isError(value)) {
    const cause = value.cause === undefined ? '' : ` because ${show(value.cause)}`;
    return `${JSON.stringify(value.message)}${value.code === undefined ? '' : ` (${value.code})`}${cause}${value.stack === undefined ? '' : ` ${JSON.stringify(value.stack)}`}`;
  }
  return JSON.stringify(value);
}

function isError(value: unknown): value is { message: string; code?: string; cause?: unknown; stack?: string } {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}

/** A message of somebody else must not be able to forge a second line or move the cursor. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, (found) => JSON.stringify(found).slice(1, -1));
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
