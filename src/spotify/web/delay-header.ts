import type { IncomingHttpHeaders } from 'node:http';

/**
 * How long the far side asks us to wait, in milliseconds; `null` when it does not say.
 * Read in the order of `connect-session.md §11.2`: `X-RateLimit-Next` (ISO 8601), `Fastly-RateLimit-Reset` (epoch in
 * seconds or milliseconds), `Retry-After` (seconds or an HTTP date). A moment in the past counts as not said. Moments are
 * compared with the answer's own `Date`, and with `local` only without one: our clock may be wrong.
 */
export function requestedDelay(headers: IncomingHttpHeaders, local: number): number | null {
  const sent = Date.parse(headers.date ?? '');
  const now = Number.isNaN(sent) ? local : sent;
  const candidates = [
    moment(single(headers['x-ratelimit-next']), now),
    epoch(single(headers['fastly-ratelimit-reset']), now),
    retryAfter(single(headers['retry-after']), now),
  ];
  return candidates.find((delay) => delay !== null && delay > 0) ?? null;
}

function single(value: string | readonly string[] | undefined): string {
  return (typeof value === 'string' ? value : (value?.[0] ?? '')).trim();
}

function moment(text: string, now: number): number | null {
  const at = text === '' ? Number.NaN : Date.parse(text);
  return Number.isNaN(at) ? null : at - now;
}

function epoch(text: string, now: number): number | null {
  if (!/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return (value < 1e11 ? value * 1000 : value) - now;
}

function retryAfter(text: string, now: number): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) * 1000 : moment(text, now);
}
