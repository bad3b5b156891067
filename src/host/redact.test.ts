import { describe, expect, it } from 'vitest';
import { Secret, TonearmError } from '#foundation';
import { isSecretName, redactFields, redactText } from './redact.ts';

describe('what a log may show', () => {
  it.each(['password', 'Access-Token', 'client_token', 'authData', 'blob', 'Authorization', 'audioKey', 'set-cookie'])('hides a field called %s', (name) => {
    expect(isSecretName(name)).toBe(true);
    expect(redactFields({ [name]: 'planted-1234567890' })).toEqual({ [name]: '[secret]' });
    expect(redactFields({ deep: [{ [name]: 'planted-1234567890' }] })).toEqual({ deep: [{ [name]: '[secret]' }] });
  });

  it.each(['name', 'tokens', 'keyframe', 'position', 'keys'])('shows a field called %s', (name) => {
    expect(redactFields({ [name]: 'plain' })).toEqual({ [name]: 'plain' });
  });

  it.each([
    ['GET / with Authorization: Bearer BQDplanted1234', 'planted'],
    ['mqtt://me:planted@192.0.2.10:1883', 'planted'],
    ['https://host/x?access_token=planted&page=2', 'planted'],
    ['{"password":"planted"}', 'planted'],
    ['refresh_token: planted', 'planted'],
    ['client-token=planted; x', 'planted'],
  ])('takes the secret out of %s', (text, secret) => {
    expect(redactText(text)).not.toContain(secret);
  });

  it('leaves ordinary sentences alone', () => {
    const text = 'The token has expired; asking for a new one from https://host:443/path?page=2.';
    expect(redactText(text)).toBe(text);
  });

  it('counts bytes instead of showing them', () => {
    expect(redactFields({ a: Buffer.from('planted'), b: new Uint8Array(3), c: new ArrayBuffer(2) })).toEqual({ a: '[7 bytes]', b: '[3 bytes]', c: '[2 bytes]' });
  });

  it('shows errors with their causes, and a stack only where it is our mistake', () => {
    const expected = new TonearmError({ kind: 'unavailable', code: 'x/away', message: 'It is away.', cause: new Secret('planted') });
    expect(redactFields({ error: expected })).toEqual({ error: { code: 'x/away', message: 'It is away.', cause: '[secret]' } });
    const ours = redactFields({ error: new TypeError('password=planted') }) as { error: { stack: string } };
    expect(ours.error.stack).toContain('TypeError');
    expect(JSON.stringify(ours)).not.toContain('planted');
  });

  it('ends on circles and very deep values', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(JSON.stringify(redactFields({ circle }))).toContain('[…]');
  });
});
