import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDhKeyPair, encodeApUpgrade, encodeLogin, encodeLoginFailure, encodeWelcome, LoginFailureCode, Packet } from '#spotify/wire';
import { ScriptedPeer, type PeerScript } from './scripted-peer.ts';
import { firstPingTime, handshakeTime, packetTime, silenceTime, startSession, step, type Effect, type Input, type SessionState } from './session-machine.ts';

/** Runs machine and peer against each other until both are silent; `cut` says how the bytes are chopped up. */
class Table {
  readonly peer: ScriptedPeer;
  state: SessionState;
  readonly effects: Effect[] = [];
  readonly #cut: number;

  constructor(script: PeerScript = {}, cut = Infinity) {
    this.peer = new ScriptedPeer(script);
    this.#cut = cut;
    const login = encodeLogin({ username: 'somebody', type: 1, data: Buffer.from('secret'), deviceId: 'd'.repeat(40), systemInfo: 'test' });
    this.state = startSession({ keyPair: createDhKeyPair(), nonce: Buffer.alloc(16, 7), serverKey: ScriptedPeer.modulus, login });
  }

  feed(input: Input): void {
    const { state, effects } = step(this.state, input);
    this.state = state;
    this.effects.push(...effects);
    for (const effect of effects) if (effect.kind === 'write') this.deliver(this.peer.receive(effect.bytes));
  }

  deliver(bytes: Uint8Array): void {
    const size = Math.min(this.#cut, Math.max(bytes.length, 1));
    for (let at = 0; at < bytes.length; at += size) this.feed({ kind: 'received', bytes: bytes.subarray(at, at + size) });
  }

  open(): this {
    this.feed({ kind: 'opened', elapsed: 0 });
    return this;
  }

  get ending() {
    const end = this.effects.find((effect) => effect.kind === 'end');
    return end?.kind === 'end' ? end.ending : null;
  }

  named<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }
}

describe('the session machine', () => {
  it.each([Infinity, 1, 7])('logs in when bytes arrive %s at a time', (cut) => {
    const table = new Table({}, cut).open();
    expect(table.state.phase).toBe('online');
    expect(table.named('welcome')[0]?.welcome.username).toBe('somebody');
    expect(table.peer.login).toMatchObject({ username: 'somebody', type: 1, deviceId: 'd'.repeat(40) });
    expect(table.named('write')).toHaveLength(2);
    expect(table.named('deadline').filter(({ name }) => name !== 'packet')).toEqual([
      { kind: 'deadline', name: 'handshake', delay: handshakeTime },
      { kind: 'deadline', name: 'handshake', delay: null },
      { kind: 'deadline', name: 'alive', delay: firstPingTime },
    ]);
  });

  it('counts the time of connecting against the handshake', () => {
    const table = new Table();
    table.feed({ kind: 'opened', elapsed: 4000 });
    expect(table.named('deadline')[0]).toMatchObject({ delay: handshakeTime - 4000 });
  });

  it.each<[string, PeerScript, string, string]>([
    ['a wrong signature', { forged: true }, 'spotify/server-not-genuine', 'elsewhere'],
    ['a weaker cipher', { weaker: 'rc4' }, 'spotify/weak-handshake', 'elsewhere'],
    ['an unknown puzzle', { weaker: 'hashcash' }, 'spotify/weak-handshake', 'elsewhere'],
    ['a fingerprint', { weaker: 'fingerprint-grain' }, 'spotify/weak-handshake', 'elsewhere'],
    ['a public key of 1', { publicKey: Buffer.of(1) }, 'spotify/access-point-garbled', 'elsewhere'],
    ['altered bytes on the way', { altered: true }, 'spotify/handshake-altered', 'elsewhere'],
    ['a refusal of the hello', { refuseHello: { code: LoginFailureCode.TryAnotherAP } }, 'spotify/try-another', 'next'],
    ['a short refusal of the reply', { refuseReply: { code: LoginFailureCode.BadCredentials } }, 'spotify/credentials-refused', 'refused'],
    ['a long refusal of the reply', { refuseReply: { code: LoginFailureCode.PremiumAccountRequired, description: 'x'.repeat(300) } }, 'spotify/not-premium', 'final'],
    ['something else than a welcome', { answer: [{ command: Packet.ping, payload: Buffer.alloc(4) }] }, 'spotify/unexpected-packet', 'elsewhere'],
    ['a refused login', { answer: [{ command: Packet.loginFailure, payload: encodeLoginFailure({ code: LoginFailureCode.TravelRestriction }) }] }, 'spotify/travel-restriction', 'final'],
  ])('meets %s', (_name, script, code, verdict) => {
    for (const cut of [Infinity, 1]) {
      const table = new Table(script, cut).open();
      // Altered bytes may claim any length; then the deadline for the rest of the packet finds out.
      if (script.altered) table.feed({ kind: 'expired', name: 'packet' });
      const { ending, state } = table;
      expect(state.phase).toBe('ended');
      expect(ending).toMatchObject({ verdict, error: { code } });
      expect(ending?.error.message).toMatch(/^[A-Z].{30,}\.$/s);
    }
  });

  it.each<[PeerScript]>([[{ forged: true }], [{ weaker: 'rc4' }], [{ publicKey: Buffer.of(1) }]])('sends nothing secret to a dubious server: %o', (script) => {
    expect(new Table(script).open().named('write')).toHaveLength(1);
  });

  it('says that it is too old when the access point does', () => {
    const table = new Table();
    table.feed({ kind: 'opened', elapsed: 0 });
    const fresh = new Table();
    const { state } = step(fresh.state, { kind: 'opened', elapsed: 0 });
    const { effects } = step(state, { kind: 'received', bytes: encodeApUpgrade() });
    expect(effects.at(-1)).toMatchObject({ kind: 'end', ending: { verdict: 'final', error: { code: 'spotify/upgrade-required' } } });
  });

  it('echoes pings at once and moves the deadline with pings and acknowledgements', () => {
    const table = new Table().open();
    const before = table.effects.length;
    table.deliver(table.peer.packet(Packet.ping, Buffer.from('6543210f', 'hex')));
    table.deliver(table.peer.packet(Packet.pongAck, Buffer.alloc(4)));
    expect(table.effects.slice(before).filter(({ kind }) => kind !== 'write')).toEqual([
      { kind: 'deadline', name: 'alive', delay: silenceTime },
      { kind: 'ping', seconds: 0x6543210f },
      { kind: 'deadline', name: 'alive', delay: silenceTime },
    ]);
    expect(table.peer.packets).toEqual([{ command: Packet.pong, payload: Buffer.from('6543210f', 'hex') }]);
  });

  it('gives the rest of a packet a deadline, and lifts it when the packet is whole', () => {
    const table = new Table().open();
    const packet = table.peer.packet(Packet.countryCode, Buffer.from('DE'));
    table.deliver(packet.subarray(0, 4));
    table.deliver(packet.subarray(4, 5));
    expect(table.named('deadline').filter(({ name }) => name === 'packet')).toEqual([{ kind: 'deadline', name: 'packet', delay: packetTime }]);
    table.deliver(packet.subarray(5));
    expect(table.named('deadline').at(-1)).toEqual({ kind: 'deadline', name: 'packet', delay: null });
  });

  it('hands unknown packets up and survives empty ones', () => {
    const table = new Table().open();
    table.deliver(Buffer.concat([table.peer.packet(0xff, Buffer.alloc(0)), table.peer.packet(Packet.ping, Buffer.alloc(0)), table.peer.packet(Packet.countryCode, Buffer.from('DE'))]));
    expect(table.named('packet').map(({ command }) => command)).toEqual([0xff, Packet.countryCode]);
    expect(table.state.phase).toBe('online');
  });

  it.each([
    ['a flipped bit', (packet: Buffer) => Buffer.concat([packet.subarray(0, -1), Buffer.of((packet.at(-1) ?? 0) ^ 1)])],
    ['a packet twice', (packet: Buffer) => Buffer.concat([packet, packet])],
    ['a length beyond the packet', (packet: Buffer) => Buffer.concat([Buffer.of(packet.readUInt8(0), packet.readUInt8(1) ^ 0x01), packet.subarray(2), Buffer.alloc(400)])],
  ])('closes after %s', (_name, tamper) => {
    const table = new Table().open();
    table.deliver(tamper(table.peer.packet(Packet.countryCode, Buffer.from('DE'))));
    if (!table.ending) {
      expect(table.named('deadline').at(-1)).toEqual({ kind: 'deadline', name: 'packet', delay: packetTime });
      table.feed({ kind: 'expired', name: 'packet' });
    }
    expect(table.ending).toMatchObject({ verdict: 'wait', error: { code: 'spotify/packet-altered', kind: 'corrupt' } });
    const writes = table.named('write').length;
    table.feed({ kind: 'send', command: 1, payload: Buffer.alloc(0) });
    expect(table.named('write')).toHaveLength(writes);
  });

  it('tells an altered packet from an altered handshake when both come in one piece', () => {
    const good = { command: Packet.welcome, payload: encodeWelcome({ username: 'somebody', type: 1, data: Buffer.of(1) }) };
    const table = new Table({ answer: [good, { command: Packet.countryCode, payload: Buffer.from('DE') }], flipLast: true }).open();
    expect(table.ending).toMatchObject({ verdict: 'wait', error: { code: 'spotify/packet-altered' } });
  });

  it.each<[Input, boolean, string, string]>([
    [{ kind: 'expired', name: 'handshake' }, false, 'spotify/access-point-silent', 'elsewhere'],
    [{ kind: 'closed' }, false, 'spotify/access-point-unreachable', 'elsewhere'],
    [{ kind: 'expired', name: 'alive' }, true, 'spotify/access-point-lost', 'wait'],
    [{ kind: 'closed' }, true, 'spotify/access-point-closed', 'wait'],
  ])('ends on %o', (input, isOnline, code, verdict) => {
    const table = new Table();
    if (isOnline) table.open();
    table.feed(input);
    expect(table.ending).toMatchObject({ verdict, error: { code } });
  });

  it('never throws, whatever arrives', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 6 }), fc.boolean(), (chunks, isOnline) => {
        const table = new Table();
        if (isOnline) table.open();
        else table.state = step(table.state, { kind: 'opened', elapsed: 0 }).state;
        for (const bytes of chunks) table.feed({ kind: 'received', bytes });
        expect(['hello', 'online', 'ended']).toContain(table.state.phase);
      }),
      { numRuns: 60 },
    );
  });
});
