import { describe, expect, it } from 'vitest';
import shannon from '../../../test/fixtures/vectors/shannon.json' with { type: 'json' };
import handshake from '../../../test/fixtures/vectors/handshake.json' with { type: 'json' };
import { hex } from '#foundation';
import { Packet, PacketReader, PacketWriter } from './packet.ts';
import { WireError } from './wire-error.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'hex');
const plain = (packets: readonly { command: number; payload: Buffer }[]): { cmd: number; payload: string }[] =>
  packets.map(({ command, payload }) => ({ cmd: command, payload: hex(payload) }));
const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};

describe('packets', () => {
  it.each(shannon.packets)('number $nonce with command $cmd, both directions', ({ key, nonce, cmd, payload, wire }) => {
    expect(hex(new PacketWriter(bytes(key), nonce).encode(cmd, bytes(payload)))).toBe(wire);
    expect(plain(new PacketReader(bytes(key), nonce).push(bytes(wire)))).toEqual([{ cmd, payload }]);
  });

  it('a stream of packets under one key, whole and in single bytes', () => {
    const { key, first_nonce, packets, wire } = shannon.stream;
    const writer = new PacketWriter(bytes(key), first_nonce);
    for (const packet of packets) expect(hex(writer.encode(packet.cmd, bytes(packet.payload)))).toBe(packet.wire);
    const expected = packets.map(({ cmd, payload }) => ({ cmd, payload }));
    expect(plain(new PacketReader(bytes(key), first_nonce).push(bytes(wire)))).toEqual(expected);
    const reader = new PacketReader(bytes(key), first_nonce);
    expect(plain([...bytes(wire)].flatMap((byte) => reader.push(Buffer.of(byte))))).toEqual(expected);
    expect(reader.received).toBe(packets.length + first_nonce);
  });

  it.each(shannon.mac_reject)('an altered packet: $expect', ({ key, nonce, wire }) => {
    const reader = new PacketReader(bytes(key), nonce);
    expect(codeOf(() => reader.push(bytes(wire)))).toBe('wire/bad-mac');
    expect(codeOf(() => reader.push(Buffer.alloc(0)))).toBe('wire/bad-mac');
  });

  it.each(handshake.sessions.map((session, index) => ({ index, session })))('the packets of handshake session $index', ({ session }) => {
    const { login, welcome, ping, pong, pong_ack, alt_auth_failure } = session;
    const fromClient = [login, pong];
    const fromServer = [welcome, ping, pong_ack];
    for (const [key, packets] of [[session.client_send_key, fromClient], [session.client_recv_key, fromServer], [session.client_recv_key, [alt_auth_failure]]] as const) {
      const writer = new PacketWriter(bytes(key));
      for (const { cmd, payload, wire } of packets) expect(hex(writer.encode(cmd, bytes(payload)))).toBe(wire);
      const reader = new PacketReader(bytes(key));
      expect(plain(reader.push(bytes(packets.map(({ wire }) => wire).join(''))))).toEqual(packets.map(({ cmd, payload }) => ({ cmd, payload })));
    }
    expect([login.cmd, welcome.cmd, ping.cmd, pong.cmd, pong_ack.cmd, alt_auth_failure.cmd]).toEqual([Packet.login, Packet.welcome, Packet.ping, Packet.pong, Packet.pongAck, Packet.loginFailure]);
  });

  it('any changed bit, a repeated and a missing packet are noticed', () => {
    const key = bytes('00'.repeat(32));
    const first = new PacketWriter(key).encode(Packet.ping, bytes('01020304'));
    for (let bit = 0; bit < first.length * 8; bit++) {
      const altered = Buffer.from(first);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const reader = new PacketReader(key);
      // A changed length either fails at once or waits for bytes that fail when they come.
      expect(codeOf(() => [altered, Buffer.alloc(70_000)].flatMap((chunk) => reader.push(chunk)))).toBe('wire/bad-mac');
    }
    const repeated = new PacketReader(key);
    expect(repeated.push(first)).toHaveLength(1);
    // Its length now reads as another one: it is noticed when as many bytes have come.
    expect(codeOf(() => [first, Buffer.alloc(70_000)].flatMap((chunk) => repeated.push(chunk)))).toBe('wire/bad-mac');
    const skipping = new PacketWriter(key);
    skipping.encode(Packet.ping, Buffer.alloc(0));
    expect(codeOf(() => new PacketReader(key).push(Buffer.concat([skipping.encode(Packet.ping, Buffer.alloc(0)), Buffer.alloc(70_000)])))).toBe('wire/bad-mac');
  });

  it('carries up to 65,535 bytes and refuses more', () => {
    const key = bytes('01'.repeat(32));
    const payload = Buffer.alloc(65_535, 7);
    const wire = new PacketWriter(key).encode(0x10, payload);
    expect(new PacketReader(key).push(wire)[0]?.payload.equals(payload)).toBe(true);
    const reader = new PacketReader(key);
    const packets = Array.from(wire, (byte) => reader.push(Buffer.of(byte))).flat();
    expect(packets[0]?.payload.equals(payload)).toBe(true);
    expect(packets).toHaveLength(1);
    expect(codeOf(() => new PacketWriter(key).encode(0x10, Buffer.alloc(65_536)))).toBe('wire/packet-too-long');
  });

  it('ends after 2^32 packets instead of using a number twice', () => {
    const key = bytes('02'.repeat(32));
    const writer = new PacketWriter(key, 0xffff_ffff);
    const reader = new PacketReader(key, 0xffff_ffff);
    expect(reader.push(writer.encode(1, Buffer.alloc(0)))).toHaveLength(1);
    expect(codeOf(() => writer.encode(1, Buffer.alloc(0)))).toBe('wire/counter-exhausted');
    expect(codeOf(() => reader.push(Buffer.alloc(7)))).toBe('wire/counter-exhausted');
  });

  it('survives truncation at every byte', () => {
    const key = bytes('03'.repeat(32));
    const wire = new PacketWriter(key).encode(Packet.welcome, Buffer.from('a welcome'));
    for (let end = 0; end < wire.length; end++) {
      const reader = new PacketReader(key);
      expect(reader.push(wire.subarray(0, end))).toEqual([]);
      expect(plain(reader.push(wire.subarray(end)))).toEqual([{ cmd: Packet.welcome, payload: hex(Buffer.from('a welcome')) }]);
    }
  });
});
