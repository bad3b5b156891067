import { expect, it } from 'vitest';
import { hangsUp, refusesVersion, type Refusal, sayWhy } from './refusal.ts';

const error = (code: unknown): Refusal => ({ kind: 'error', error: Object.assign(new Error('text of the library'), { code }) });

it.each<[Refusal, string, string]>([
  [{ kind: 'closed' }, 'unavailable', 'mqtt/closed'],
  [{ kind: 'disconnected', reasonCode: 139 }, 'unavailable', 'mqtt/disconnected'],
  [error(1), 'invalid', 'mqtt/version-refused'],
  [error(132), 'invalid', 'mqtt/version-refused'],
  [error(4), 'unauthorized', 'mqtt/login-refused'],
  [error(5), 'unauthorized', 'mqtt/login-refused'],
  [error(134), 'unauthorized', 'mqtt/login-refused'],
  [error(135), 'unauthorized', 'mqtt/login-refused'],
  [error(133), 'invalid', 'mqtt/name-refused'],
  [error(154), 'invalid', 'mqtt/retain-refused'],
  [error('ECONNREFUSED'), 'unavailable', 'mqtt/away'],
  [error('ENOTFOUND'), 'unavailable', 'mqtt/unknown-host'],
  [error('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unauthorized', 'mqtt/certificate'],
  [error('ERR_TLS_CERT_ALTNAME_INVALID'), 'unauthorized', 'mqtt/certificate'],
  [error(undefined), 'unavailable', 'mqtt/failed'],
  [{ kind: 'error', error: 'a text' }, 'unavailable', 'mqtt/failed'],
])('%j is %s %s', (refusal, kind, code) => {
  const said = sayWhy(refusal, { url: 'mqtt://broker.lan:1884/path' });
  expect(said).toMatchObject({ kind, code });
  expect(said.message).toMatch(/broker\.lan:1884.*Music goes on and we keep trying\.$/);
});

it('tells a refused version from a broker that hangs up', () => {
  expect([error(1), error(132), error(5), { kind: 'closed' } as const].map(refusesVersion)).toEqual([true, true, false, false]);
  expect([{ kind: 'closed' } as const, error('ECONNRESET'), error('EPIPE'), error('ECONNREFUSED'), error(1)].map(hangsUp)).toEqual([true, true, true, false, false]);
});
