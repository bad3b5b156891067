import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Secret } from '#foundation';
import { MqttSettings, yearAndMonth } from './settings.ts';

const url = 'mqtt://127.0.0.1:1883';
const complaint = (settings: object) => {
  const parsed = MqttSettings.safeParse(settings);
  return parsed.success ? null : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
};

describe('settings', () => {
  it('need an address and nothing else', () => {
    expect(MqttSettings.parse({ url })).toEqual({
      url, prefix: 'tonearm', version: 'auto', keepalive: 30, qos: 1, retain: true, verify: true, artwork: 'bytes', queue: false, logging: 'off',
      discovery: { enabled: true, prefix: 'homeassistant', entities: 'standard', statusTopic: 'homeassistant/status' },
    });
  });

  it.each(['mqtt://host', 'mqtts://host:8883', 'ws://host/mqtt', 'wss://host/mqtt', 'mqtt://[::1]:1883'])('take %s', (address) => {
    expect(complaint({ url: address })).toBeNull();
  });

  it.each([
    [{}, 'url'],
    [{ url: 'host:1883' }, 'url'],
    [{ url: 'http://host' }, 'url'],
    [{ url: 'mqtt://user:planted@host' }, 'username'],
    [{ url, prefix: 'a/#' }, 'prefix'],
    [{ url, prefix: '/a' }, 'prefix'],
    [{ url, prefix: '' }, 'prefix'],
    [{ url, prefix: 'homeassistant' }, 'discovery.prefix'],
    [{ url, prefix: 'homeassistant/music' }, 'discovery.prefix'],
    [{ url, prefix: 'tonearm', discovery: { prefix: 'tonearm/ha' } }, 'discovery.prefix'],
    [{ url, discovery: { statusTopic: 'tonearm/kitchen/set' } }, 'discovery.statusTopic'],
    [{ url, discovery: { statusTopic: 'a/+' } }, 'discovery.statusTopic'],
    [{ url, discovery: { minimum: '2026.13' } }, 'discovery.minimum'],
    [{ url, discovery: { minimum: 'new' } }, 'discovery.minimum'],
    [{ url, cert: '/a.pem' }, 'key'],
    [{ url, qos: 2 }, 'qos'],
    [{ url, sparkle: 1 }, 'sparkle'],
  ])('refuse %j', (settings, about) => {
    const text = complaint(settings);
    expect(text).toContain(about);
    expect(text).not.toContain('planted');
  });

  it('keep the password to themselves', () => {
    const settings = MqttSettings.parse({ url, username: 'me', password: 'planted' });
    expect(settings.password).toBeInstanceOf(Secret);
    expect(settings.password?.reveal()).toBe('planted');
    expect(`${JSON.stringify(settings)}${inspect(settings, { depth: 9 })}`).not.toContain('planted');
  });

  it('read versions of Home Assistant', () => {
    expect(yearAndMonth('2026.5')).toEqual([2026, 5]);
    expect(yearAndMonth(undefined)).toBeNull();
  });

  it('have a JSON Schema', () => {
    const schema = z.toJSONSchema(MqttSettings, { io: 'input' });
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false, required: ['url'], properties: { password: { type: 'string' }, qos: { default: 1 }, discovery: { properties: { prefix: { default: 'homeassistant' } } } } });
  });
});
