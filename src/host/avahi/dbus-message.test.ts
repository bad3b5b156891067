import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TonearmError } from '#foundation';
import { DbusMessages, encodeDbusMessage, messageKinds, type DbusMessage } from './dbus-message.ts';

const call: DbusMessage = {
  kind: messageKinds.call,
  serial: 7,
  path: '/Client0/EntryGroup0',
  interface: 'org.freedesktop.Avahi.EntryGroup',
  member: 'AddService',
  destination: 'org.freedesktop.Avahi',
  signature: 'iiussssqaay',
  body: [2, -1, 0, 'Küche', '_spotify-connect._tcp', 'local', 'tonearm-0badcafe.local', 4711, [[...Buffer.from('VERSION=1.0')], [...Buffer.from('CPath=/zc')], []]],
};

describe('D-Bus messages', () => {
  it('come back as they were, however they are cut', () => {
    const bytes = encodeDbusMessage(call);
    const stream = Buffer.concat([bytes, bytes]);
    for (const size of [1, 7, 16, stream.length]) {
      const messages = new DbusMessages();
      const found: DbusMessage[] = [];
      for (let at = 0; at < stream.length; at += size) found.push(...messages.push(stream.subarray(at, at + size)));
      expect(found).toHaveLength(2);
      expect(found[1]).toEqual({ ...call, errorName: undefined, replyTo: undefined, sender: undefined });
    }
  });

  it('have the bytes of the specification', () => {
    const hello = encodeDbusMessage({ kind: messageKinds.call, serial: 1, path: '/a', member: 'Hi', body: [] });
    expect(hello.toString('hex')).toBe(
      '6c010201' + '00000000' + '01000000' + '1b000000' + // little-endian call, no automatic start, version 1; no body; serial 1; 27 bytes of fields
        '01016f00' + '02000000' + '2f6100' + '0000000000' + // path: object path "/a"
        '03017300' + '02000000' + '486900' + '0000000000', // member: string "Hi"
    );
  });

  it('of big-endian programs are read, too', () => {
    const bytes = Buffer.from('42020001' + '00000004' + '00000002' + '00000008' + '05017500' + '00000009' + 'ffffffff', 'hex');
    // Without a signature there is no body, whatever its length is.
    expect(new DbusMessages().push(bytes)).toMatchObject([{ kind: messageKinds.reply, serial: 2, replyTo: 9, body: [] }]);
  });

  it('that are none are refused with one kind of error', () => {
    const whole = encodeDbusMessage(call);
    const tried = (bytes: Buffer) => {
      try {
        new DbusMessages().push(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(TonearmError);
        expect(error).toMatchObject({ code: 'host/dbus-message' });
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => tried(Buffer.from(bytes))));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const broken = Buffer.from(whole);
        broken[at] = byte;
        tried(broken);
      }),
    );
    expect(() => new DbusMessages().push(Buffer.from('xxxxxxxxxxxxxxxx'))).toThrow('neither byte order');
  });
});
