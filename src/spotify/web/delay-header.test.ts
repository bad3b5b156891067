import { describe, expect, it } from 'vitest';
import { requestedDelay } from './delay-header.ts';

const now = Date.parse('2026-08-01T12:00:00Z');

describe('requestedDelay', () => {
  it.each([
    [{}, null],
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0' }, null],
    [{ 'retry-after': 'Sat, 01 Aug 2026 12:00:03 GMT' }, 3000],
    [{ 'retry-after': 'Sat, 01 Aug 2026 11:00:03 GMT' }, null],
    [{ 'retry-after': 'soon' }, null],
    [{ 'x-ratelimit-next': '2026-08-01T12:00:02.500Z', 'retry-after': '9' }, 2500],
    [{ 'fastly-ratelimit-reset': String(now + 4000), 'retry-after': '9' }, 4000],
    [{ 'fastly-ratelimit-reset': String(now / 1000 + 5) }, 5000],
    [{ 'fastly-ratelimit-reset': '1e400', 'retry-after': '2' }, 2000],
  ])('%o → %s', (headers, expected) => {
    expect(requestedDelay(headers, now)).toBe(expected);
  });
});
