import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { MercuryAssembler, Packet, decodeKey, decodeKeyError, decodeLoginFailure, decodeWelcome, encodeClientHello, encodeKeyRequest, encodeMercury } from '#spotify/wire';
import { openCloud, type Cloud, type FaultName } from '../index.ts';
import { RawAccessPoint, getClientToken, logIn5, testDevice } from '../receiver.fixture.ts';

let cloud: Cloud;
const open: RawAccessPoint[] = [];

beforeAll(async () => {
  const file = { format: 2, content: { bytes: Buffer.from('OggS') } };
  cloud = await openCloud({
    noise: false,
    users: [{ name: 'listener' }, { name: 'free', product: 'free' }],
    catalogue: [
      { title: 'One', duration: 1000, files: [file, { ...file, format: 16 }] },
      { title: 'Two', duration: 1000, files: [file] },
    ],
  });
});
afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const point of open.splice(0)) point.close();
  while (cloud.accessPoint.sessions.length > 0) await new Promise(setImmediate);
});
beforeEach(() => {
  cloud.journal.clear();
  cloud.faults.clear();
});

function connect(): RawAccessPoint {
  const point = new RawAccessPoint(cloud.ports.accessPoint[0] ?? 0);
  open.push(point);
  return point;
}

const serverKey = () => cloud.endpoints.serverKey;
const blob = (user = 'listener') => cloud.accounts.pairingCredential(cloud.accounts.get(user)).data;

async function loggedIn(user = 'listener'): Promise<RawAccessPoint> {
  const point = connect();
  await point.handshake(serverKey());
  expect((await point.logIn(user, 1, blob(user))).command).toBe(Packet.welcome);
  return point;
}

describe('the handshake', () => {
  it('signs its key and lets a client in', async () => {
    const response = await connect().handshake(serverKey());
    expect(response).toMatchObject({ kind: 'challenge', weaker: null, serverKey: 0 });
    expect(cloud.refusals).toEqual([]);
  });

  it.each<[string, (frame: Buffer) => Buffer, string]>([
    ['a wrong reply', (frame) => Buffer.concat([frame.subarray(0, -10), Buffer.of(frame[frame.length - 10] ?? 0).map((byte) => byte ^ 1), frame.subarray(-9)]), '§3.5'],
    ['no pow_response', (frame) => shortened(frame, 'a20100'), '§3.1'],
    ['no crypto_response', (frame) => shortened(frame, 'f20100'), '§3.1'],
    ['a frame that claims three bytes', () => Buffer.from('00000003', 'hex'), '§3.1'],
    ['a frame that claims a megabyte', () => Buffer.from('00100000', 'hex'), '§3.1'],
  ])('refuses %s in the clear and closes', async (_, spoil, clause) => {
    const point = connect();
    await point.handshake(serverKey(), { spoil });
    await point.closed();
    expect(point.raw.subarray(0, 7).toString('hex')).toBe('00000009f20102');
    expect(cloud.refusals[0]?.clause).toContain(clause);
  });

  it.each<[string, Partial<Parameters<typeof encodeClientHello>[0]>, string, string]>([
    ['a short nonce', { nonce: Buffer.alloc(8) }, '§3.2', '5000'],
    ['the public key 1', { publicKey: Buffer.of(1) }, '§3.1', '5000'],
    ['Android on ARM', { platform: 6 }, '§3.2', '5002'],
  ])('refuses %s before message 3', async (_, changes, clause, code) => {
    const point = connect();
    point.socket.write(encodeClientHello({ publicKey: Buffer.alloc(96, 7), nonce: Buffer.alloc(16), ...changes }));
    await point.closed();
    expect(point.raw.toString('hex')).toBe(`00000009f20102${code}`);
    expect(cloud.refusals[0]?.clause).toContain(clause);
  });

  it('notes another product than a client', async () => {
    const point = connect();
    point.socket.write(encodeClientHello({ publicKey: Buffer.alloc(96, 7), nonce: Buffer.alloc(16), product: 3 }));
    await point.until(() => point.raw.length > 100);
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §3.2', refused: false }]);
  });

  it.each<[FaultName, RegExp]>([
    ['access-point/wrong-signature', /bad signature/],
    ['access-point/wrong-key', /bad signature/],
    ['access-point/public-key-out-of-range', /.*/],
    ['access-point/unreachable', /.*/],
  ])('%s cannot be missed', async (name, message) => {
    cloud.faults.set(name as 'access-point/unreachable', { count: 1 });
    await expect(connect().handshake(serverKey())).rejects.toThrow(message);
    await expect(connect().handshake(serverKey())).resolves.toMatchObject({ kind: 'challenge' });
  });

  it.each<[FaultName, string]>([
    ['access-point/rc4', 'rc4'],
    ['access-point/hashcash', 'hashcash'],
    ['access-point/fingerprint', 'fingerprint-grain'],
  ])('%s shows as a weaker element', async (name, weaker) => {
    cloud.faults.set(name as 'access-point/rc4', { count: 1 });
    expect(await connect().handshake(serverKey())).toMatchObject({ weaker });
  });

  it('refuses before and after message 3, and asks for upgrades, when told to', async () => {
    cloud.faults.set('access-point/refuse-before', { code: 2, retryDelay: 3, description: 'elsewhere', count: 1 });
    expect(await connect().handshake(serverKey())).toMatchObject({ kind: 'refused', failure: { name: 'TryAnotherAP', retryDelay: 3, description: 'elsewhere' } });
    cloud.faults.set('access-point/upgrade', { count: 1 });
    expect(await connect().handshake(serverKey())).toEqual({ kind: 'upgrade' });
    cloud.faults.set('access-point/refuse-after', { code: 12, count: 1 });
    const point = connect();
    await point.handshake(serverKey(), { spoil: (frame) => Buffer.concat([frame, Buffer.alloc(0)]) });
    await point.closed();
  });

  it('works byte by byte, and with a short public key', async () => {
    cloud.faults.set('access-point/one-byte');
    cloud.faults.set('access-point/short-public-key');
    const point = await loggedIn();
    expect(point.response).toMatchObject({ kind: 'challenge' });
    expect(point.response?.kind === 'challenge' && point.response.publicKey.length).toBe(95);
  });
});

/** The frame without an element, its length mended. */
function shortened(frame: Buffer, element: string): Buffer {
  const out = Buffer.from(frame.toString('hex').replace(element, ''), 'hex');
  out.writeUInt32BE(out.length, 0);
  return out;
}

describe('the login', () => {
  it('takes stored credentials and gives reusable ones, which work again', async () => {
    const point = connect();
    await point.handshake(serverKey());
    const welcome = decodeWelcome((await point.logIn('listener', 1, blob())).payload);
    expect(welcome).toMatchObject({ username: 'listener', type: 1 });
    expect(welcome.data).toHaveLength(64);
    const again = connect();
    await again.handshake(serverKey());
    expect((await again.logIn('listener', 1, welcome.data)).command).toBe(Packet.welcome);
    expect(cloud.accounts.get('listener').logins.at(-1)).toMatchObject({ deviceId: testDevice, type: 1, named: true });
  });

  it('takes an access token without a name', async () => {
    const clientToken = await getClientToken(cloud.endpoints);
    const token = await logIn5(cloud.endpoints, clientToken, 'listener', blob());
    const point = connect();
    await point.handshake(serverKey());
    expect((await point.logIn(null, 3, Buffer.from(token))).command).toBe(Packet.welcome);
  });

  it.each<[string, string | null, number, () => Buffer]>([
    ['a wrong secret', 'listener', 1, () => Buffer.alloc(64)],
    ['somebody else’s secret', 'free', 1, () => blob('listener')],
    ['nobody', 'stranger', 1, () => blob()],
    ['no name', null, 1, () => blob()],
    ['a password', 'listener', 0, () => Buffer.from('password')],
    ['a made-up token', null, 3, () => Buffer.from('made-up')],
  ])('refuses %s with code 12', async (_, user, type, data) => {
    const point = connect();
    await point.handshake(serverKey());
    const answer = await point.logIn(user, type, data());
    expect(answer.command).toBe(Packet.loginFailure);
    expect(decodeLoginFailure(answer.payload)).toMatchObject({ code: 12, name: 'BadCredentials' });
    await point.closed();
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §5.10' }]);
  });

  it('knows withdrawn credentials and does not call them a breach', async () => {
    const data = Buffer.from(blob('free'));
    cloud.accounts.revoke(cloud.accounts.get('free'));
    const point = connect();
    await point.handshake(serverKey());
    expect((await point.logIn('free', 1, data)).command).toBe(Packet.loginFailure);
    expect(cloud.refusals).toEqual([]);
    await loggedIn('free');
  });

  it('is the first packet, or the connection ends', async () => {
    const point = connect();
    await point.handshake(serverKey());
    point.send(Packet.pong, Buffer.alloc(4));
    await point.closed();
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §5.2' }]);
  });

  it('is followed by ping, country and product', async () => {
    const point = await loggedIn();
    expect((await point.packet(Packet.ping)).payload.readUInt32BE()).toBeCloseTo(Date.now() / 1000, -1);
    expect((await point.packet(Packet.countryCode)).payload.toString()).toBe('SE');
    const product = (await point.packet(Packet.productInfo)).payload.toString();
    expect(product).toContain('<catalogue>premium</catalogue>');
    expect(product).toContain(`/image/{file_id}</image-url>`);
    cloud.accounts.get('listener').attributes.set('autoplay', '0');
    for (const session of cloud.accessPoint.sessions) session.pushAccount();
    expect((await point.packet(Packet.productInfo)).payload.toString()).toContain('<autoplay>0</autoplay>');
  });

  it('can be answered in one write', async () => {
    cloud.faults.set('access-point/coalesce', { count: 1 });
    const point = await loggedIn();
    await point.packet(Packet.legacyWelcome);
    expect(point.packets.map(({ command }) => command)).toEqual([Packet.ping, Packet.secretBlock, Packet.licenseVersion, Packet.zeros, 0x4f, Packet.countryCode, Packet.productInfo]);
  });
});

describe('packets', () => {
  it('are acknowledged when they are pongs', async () => {
    const point = await loggedIn();
    const ping = await point.packet(Packet.ping);
    point.send(Packet.pong, ping.payload);
    expect((await point.packet(Packet.pongAck)).payload).toEqual(ping.payload);
    point.send(Packet.pong, ping.payload);
    await point.packet(Packet.pongAck);
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §5.6', refused: false }]);
  });

  it('with a wrong MAC end the connection', async () => {
    const point = await loggedIn();
    point.socket.write(Buffer.alloc(70_000));
    await point.closed();
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §4.5', refused: true }]);
  });

  it.each<FaultName>(['access-point/flip-mac', 'access-point/flip-ciphertext', 'access-point/repeat-packet', 'access-point/skip-nonce'])('are spoilt by %s', async (name) => {
    const point = await loggedIn();
    await point.packet(Packet.legacyWelcome);
    cloud.faults.set(name as 'access-point/flip-mac', { count: 1 });
    // A packet out of step is read with a random length: only more than the longest brings it to light for sure.
    for (let more = 0; more < 200; more++) for (const session of cloud.accessPoint.sessions) session.pushAccount();
    await expect(point.until(() => null)).rejects.toThrow(/altered/);
  });

  it('of a client that sends what nobody sends today are noted', async () => {
    const point = await loggedIn();
    const noted = cloud.journal.until(({ what }) => what === 'packet 0x0f');
    point.send(0x0f, Buffer.alloc(20));
    await noted;
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §5.1', refused: false }]);
  });

  it('of the old request layer get 404, or what is laid down, in as many packets as told', async () => {
    const point = await loggedIn();
    const sequence = Buffer.from('0000000000000001', 'hex');
    const body = Buffer.alloc(300, 5);
    const ask = async (uri: string) => {
      for (const payload of encodeMercury({ sequence, uri, method: 'GET' })) point.send(Packet.mercuryRequest, payload);
      const assembler = new MercuryAssembler();
      for (;;) {
        const message = assembler.push((await point.packet(Packet.mercuryRequest)).payload);
        if (message) return message;
      }
    };
    expect(await ask('hm://metadata/x')).toMatchObject({ status: 404, sequence });
    cloud.accessPoint.mercury.set('hm://scripted', { parts: [body], limit: 100 });
    expect(await ask('hm://scripted')).toMatchObject({ status: 200, parts: [body] });
    cloud.accessPoint.pushEvent('spotify:user:attributes:update', [Buffer.of(1)]);
    expect(new MercuryAssembler().push((await point.packet(Packet.mercuryEvent)).payload)).toMatchObject({ uri: 'spotify:user:attributes:update', parts: [Buffer.of(1)] });
  });
});

describe('audio keys', () => {
  const ids = (title: string, at = 0) => {
    const item = cloud.catalogue.get(title);
    return { gid: item.gid, fileId: item.files[at]?.id ?? Buffer.alloc(20) };
  };

  async function request(point: RawAccessPoint, { gid, fileId }: { gid: Uint8Array; fileId: Uint8Array }, sequence = 0) {
    point.send(Packet.requestKey, encodeKeyRequest({ gid, fileId, sequence }));
    return point.until(() => {
      const at = point.packets.findIndex(({ command }) => command === Packet.aesKey || command === Packet.aesKeyError);
      return at < 0 ? null : point.packets.splice(at, 1)[0];
    });
  }

  it('are those the files are encrypted with', async () => {
    const point = await loggedIn();
    const { payload } = await request(point, ids('One'));
    expect(decodeKey(payload)).toEqual({ sequence: 0, key: cloud.catalogue.get('One').files[0]?.key });
    expect(cloud.refusals).toEqual([]);
  });

  it.each<[string, () => { gid: Buffer; fileId: Buffer }, string]>([
    ['FLAC', () => ids('One', 1), '§12.6'],
    ['a file of another track', () => ({ gid: ids('Two').gid, fileId: ids('One').fileId }), '§12.5'],
    ['a file nobody has', () => ({ gid: ids('One').gid, fileId: Buffer.alloc(20) }), '§6.5'],
  ])('are refused for %s, with the clause', async (_, make, clause) => {
    const { command, payload } = await request(await loggedIn(), make());
    expect(command).toBe(Packet.aesKeyError);
    expect(decodeKeyError(payload)).toEqual({ sequence: 0, code: 1 });
    expect(cloud.refusals[0]?.clause).toContain(clause);
  });

  it('are refused for accounts that are not premium, which is no breach', async () => {
    expect(decodeKeyError((await request(await loggedIn('free'), ids('One'))).payload).code).toBe(1);
    expect(cloud.refusals).toEqual([]);
  });

  it('want sequences that count up', async () => {
    const point = await loggedIn();
    await request(point, ids('One'), 4);
    await request(point, ids('One'), 9);
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §6.1', refused: false }]);
  });

  it('of a malformed request end the connection', async () => {
    const point = await loggedIn();
    point.send(Packet.requestKey, Buffer.alloc(41));
    await point.closed();
    expect(cloud.refusals).toMatchObject([{ refused: true }]);
  });

  it('can be refused, throttled, wrong, short and misnumbered', async () => {
    const point = await loggedIn();
    cloud.faults.set('access-point/key-throttle', { after: 1 });
    expect((await request(point, ids('One'), 0)).command).toBe(Packet.aesKey);
    expect(decodeKeyError((await request(point, ids('One'), 1)).payload)).toEqual({ sequence: 1, code: 2 });
    cloud.faults.clear();
    cloud.faults.set('access-point/key-refuse', { bytes: 7, count: 1 });
    expect(decodeKeyError((await request(point, ids('One'), 2)).payload).code).toBe(7);
    cloud.faults.set('access-point/key-short', { count: 1 });
    expect((await request(point, ids('One'), 3)).payload).toHaveLength(19);
    cloud.faults.set('access-point/key-wrong', { count: 1 });
    expect(decodeKey((await request(point, ids('One'), 4)).payload).key).toEqual(Buffer.alloc(16, 0x55));
    cloud.faults.set('access-point/key-wrong-sequence', { count: 1 });
    expect(decodeKey((await request(point, ids('One'), 5)).payload).sequence).not.toBe(5);
    cloud.faults.set('access-point/key-reorder', { count: 1 });
    point.send(Packet.requestKey, encodeKeyRequest({ ...ids('One'), sequence: 6 }));
    expect(decodeKey((await request(point, ids('Two'), 7)).payload).sequence).toBe(7);
    expect(decodeKey((await point.packet(Packet.aesKey)).payload).sequence).toBe(6);
  });
});

describe('anything at all', () => {
  it('does not break the access point', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.boolean(), async (bytes, isFramed) => {
        const point = connect();
        point.socket.write(isFramed ? Buffer.concat([Buffer.from('0004', 'hex'), Buffer.of(0, 0, 0, 6 + bytes.length), bytes]) : bytes);
        point.socket.end();
        await point.closed();
      }),
      { numRuns: 60 },
    );
    await loggedIn();
  });
});
