import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { FakeClock, silentLog, type Log } from '#foundation';
import { decodeWelcome, Packet } from '#spotify/wire';
import { openCloud, type Cloud, type CloudOptions } from './index.ts';
import { ask, getClientToken, logIn5, openSpeaker, RawAccessPoint, RawDealer, speakerState, testDevice } from './receiver.fixture.ts';

const clouds: Cloud[] = [];
async function open(options: CloudOptions = {}): Promise<Cloud> {
  const cloud = await openCloud(options);
  clouds.push(cloud);
  return cloud;
}
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud[Symbol.asyncDispose]();
});

const pairing = (cloud: Cloud) => cloud.accounts.pairingCredential(cloud.accounts.get('listener')).data;

describe('a cloud', () => {
  it('serves a receiver from the directory to a command, without a breach', async () => {
    const cloud = await open({ catalogue: [{ title: 'One', duration: 1000, files: [{ format: 2, content: { bytes: Buffer.from('OggS plain') } }] }] });
    const { endpoints } = cloud;
    const directory = await ask(`${endpoints.directory}/?type=accesspoint&type=dealer`);
    const lists = JSON.parse(directory.body.toString()) as { accesspoint: [string]; dealer: [string] };
    expect(Object.keys(lists)).toEqual(['accesspoint', 'dealer']);
    const point = new RawAccessPoint(Number(lists.accesspoint[0].split(':')[1]));
    await point.handshake(endpoints.serverKey);
    const welcome = await point.logIn('listener', 1, pairing(cloud));
    const { data } = decodeWelcome(welcome.payload);
    await point.packet(Packet.countryCode);
    const clientToken = await getClientToken(endpoints);
    const token = await logIn5(endpoints, clientToken, 'listener', data);
    const dealer = new RawDealer(`ws://${lists.dealer[0]}/?access_token=${token}`);
    const put = await ask(`http://${lists.dealer[0]}/connect-state/v1/devices/${testDevice}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${token}`, 'client-token': clientToken, 'X-Spotify-Connection-Id': await dealer.connectionId(), 'Content-Type': 'application/x-protobuf' },
      body: speakerState({ now: Date.now() }),
    });
    expect(put.status).toBe(200);
    const phone = await cloud.openPhone();
    await phone.until((cluster) => testDevice in cluster.device, AbortSignal.timeout(2000));
    const playing = phone.play(cloud.contexts.everything);
    expect(await dealer.answer()).toMatchObject({ command: { endpoint: 'play', context: { uri: cloud.contexts.everything } } });
    await playing;
    expect(cloud.refusals).toEqual([]);
    point.close();
    dealer.close();
  });

  it('opens fast, also many at a time', async () => {
    await open();
    const started = performance.now();
    await Promise.all(Array.from({ length: 10 }, () => open()));
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it('closes while it is busy, and twice', async () => {
    const cloud = await openCloud();
    const phone = await cloud.openPhone();
    const speaker = await openSpeaker(cloud);
    cloud.faults.hang('context/resolve');
    const hanging = speaker.get(`/context-resolve/v1/${cloud.contexts.everything}`).catch(() => 'gone');
    await cloud.journal.until(({ what }) => what.startsWith('fault hang'));
    const closed = phone.events.once('closed');
    await Promise.all([cloud[Symbol.asyncDispose](), cloud[Symbol.asyncDispose]()]);
    await closed;
    expect(await hanging).toBe('gone');
    await expect(ask(`${cloud.endpoints.directory}/?type=dealer`)).rejects.toThrow();
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    const cloud = await openCloud({ clock, noise: false });
    const phone = await cloud.openPhone();
    const speaker = await openSpeaker(cloud);
    await speaker.put(speakerState({ now: clock.now() }));
    await clock.advance(50);
    const point = new RawAccessPoint(cloud.ports.accessPoint[0] ?? 0);
    await point.handshake(cloud.endpoints.serverKey);
    await point.logIn('listener', 1, pairing(cloud));
    const unanswered = phone.transfer(testDevice).catch((error: unknown) => error);
    await cloud.journal.until(({ what }) => what === 'command transfer');
    cloud.cut(60_000, ['web']);
    await cloud[Symbol.asyncDispose]();
    expect(await unanswered).toMatchObject({ code: 'simulator/command-gone' });
    await point.closed();
    await new Promise(setImmediate);
    expect(clock.pending).toBe(0);
  });

  it('survives anything that is sent to its endpoints', async () => {
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (message, fields) => errors.push(`${message} ${String((fields?.['error'] as Error).stack)}`), child: () => log };
    const cloud = await open({ log, noise: false, rateLimit: false, catalogue: [{ title: 'One', duration: 1, files: [{ format: 2, content: { bytes: Buffer.alloc(99) } }] }] });
    const speaker = await openSpeaker(cloud);
    const headers = { ...speaker.headers, 'X-Spotify-Connection-Id': speaker.connectionId, 'Content-Type': 'application/x-protobuf' };
    const file = cloud.catalogue.get('One').files[0]?.hex ?? '';
    const requests: [string, string][] = [
      ['PUT', `/connect-state/v1/devices/${testDevice}`],
      ['PUT', `/connect-state/v1/devices/hobs_${testDevice}`],
      ['POST', '/extended-metadata/v0/extended-metadata'],
      ['POST', '/context-resolve/v1/autoplay'],
      ['POST', '/v1/clienttoken'],
      ['POST', '/v3/login'],
      ['POST', '/api/token'],
      ['POST', '/oauth2/device/authorize'],
      ['POST', `/connect-state/v1/player/command/from/a/to/${testDevice}`],
      ['PUT', `/connect-state/v1/connect/volume/from/a/to/${testDevice}`],
      ['POST', `/connect-state/v1/connect/transfer/from/a/to/${testDevice}`],
      ['POST', '/herodotus/spotify.resumption.v1.CurrentStateService/ListCurrentStates'],
      ['POST', '/herodotus/spotify.resumption.v1.ResumePointRevisionService/CreateResumePointRevision'],
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...requests), fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.json().map((text) => Buffer.from(text))), async ([method, path], body) => {
        expect((await ask(`${speaker.base}${path}`, { method, headers, body })).status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/', '/metadata/4/track/', `/audio/${file}?`, '/context-resolve/v1/', '/authorize?', '/storage-resolve/v2/files/audio/interactive/2/'), fc.webPath(), async (start, rest) => {
        expect((await ask(`${speaker.base}${start}${rest}`, { headers: { ...speaker.headers, Range: rest } })).status).toBeLessThan(500);
      }),
      { numRuns: 100 },
    );
    expect(errors).toEqual([]);
  });

  it('says which port is taken', async () => {
    const first = await open();
    await expect(openCloud({ ports: { plain: first.ports.plain } })).rejects.toThrow(`cannot open port ${first.ports.plain}`);
    await expect(openCloud({ ports: { accessPoint: [first.ports.accessPoint[0] ?? 0] } })).rejects.toThrow('it is in use');
  });

  it('listens on ::1 as well when told to', async () => {
    const cloud = await open({ ipv6: true });
    expect((await ask(`http://[::1]:${cloud.ports.plain}/?type=dealer`)).status).toBe(200);
  });
});

describe('over TLS', () => {
  it('answers for every real name with a certificate of its own authority', async () => {
    const cloud = await open({ secure: true, names: 'real' });
    const { certificates = '' } = cloud.endpoints;
    const port = cloud.ports.tls ?? 0;
    for (const [name, path, status] of [
      ['apresolve.spotify.com', '/?type=accesspoint', 200],
      ['spclient.wg.spotify.com', '/metadata/4/track/00', 401],
      ['gew1-spclient.spotify.com', '/melody/v1/time', 401],
      ['i.scdn.co', '/image/00', 404],
      ['audio-fa.scdn.co', '/audio/00', 404],
      ['audio-ak-spotify-com.akamaized.net', '/audio/00', 404],
      ['localhost', '/?type=dealer', 200],
    ] as const) {
      expect((await ask(`https://127.0.0.1:${port}${path}`, { ca: certificates, serverName: name })).status, name).toBe(status);
    }
    expect((await ask(`https://127.0.0.1:${port}/?type=dealer`, { ca: certificates })).status).toBe(200);
    await expect(ask(`https://127.0.0.1:${port}/`, { ca: certificates, serverName: 'example.com' })).rejects.toThrow();
    await expect(ask(`https://127.0.0.1:${port}/`)).rejects.toThrow(/certificate/);
  });

  it('names the real hosts, with ports where they are not the usual ones', async () => {
    const cloud = await open({ secure: true, names: 'real', catalogue: [{ title: 'One', duration: 1, files: [{ format: 2, content: { bytes: Buffer.alloc(9) } }] }] });
    const { certificates: ca = '' } = cloud.endpoints;
    const port = cloud.ports.tls ?? 0;
    const lists = await ask(`https://127.0.0.1:${port}/?type=accesspoint&type=dealer&type=spclient`, { ca });
    expect(JSON.parse(lists.body.toString())).toEqual({
      accesspoint: [`ap-gew4.spotify.com:${cloud.ports.accessPoint[0] ?? 0}`],
      dealer: [`gew1-dealer.spotify.com:${port}`],
      spclient: [`gew1-spclient.spotify.com:${port}`],
    });
    const speaker = await openSpeaker(cloud).catch((error: unknown) => error);
    expect(speaker).toBeInstanceOf(Error); // certificates are checked
    expect(cloud.accounts.get('listener').attributes.get('image-url')).toBe(`https://i.scdn.co:${port}/image/{file_id}`);
  });

  it('makes certificates for one name each', async () => {
    const cloud = await open({ secure: true });
    const socket = connectTls({ host: '127.0.0.1', port: cloud.ports.tls ?? 0, servername: 'login5.spotify.com', ...(cloud.endpoints.certificates === undefined ? {} : { ca: cloud.endpoints.certificates }) });
    await new Promise((done) => socket.once('secureConnect', done));
    const certificate = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    expect(certificate.subjectAltName).toBe('DNS:login5.spotify.com');
    expect(certificate.ca).toBe(false);
  });
});

describe('a state folder', () => {
  it('keeps the keys and tells others what they need', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-state-'));
    try {
      const first = await open({ state: folder, secure: true });
      const again = await open({ state: folder, secure: true });
      expect(again.endpoints).toMatchObject({ serverKey: first.endpoints.serverKey, certificates: first.endpoints.certificates });
      expect(first.caPath).toBe(join(folder, 'authority.pem'));
      const read = (path: string) => readFile(path, 'utf8');
      expect((await read(first.files?.modulusHex ?? '')).trim()).toBe(first.endpoints.serverKey);
      expect(Buffer.from(await read(first.files?.modulusBase64 ?? ''), 'base64').toString('hex')).toBe(first.endpoints.serverKey);
      expect(await read(first.files?.publicKey ?? '')).toContain('BEGIN PUBLIC KEY');
      expect(await read(first.files?.hosts ?? '')).toMatch(/^127\.0\.0\.1 apresolve\.spotify\.com .*spclient\.wg\.spotify\.com/);
      expect((await stat(join(folder, 'authority-key.pem'))).mode & 0o777).toBe(0o600);
      expect((await stat(join(folder, 'access-point-key.pem'))).mode & 0o777).toBe(0o600);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is not needed: credentials of one run are good in the next', async () => {
    const log = async (cloud: Cloud, data: Uint8Array) => {
      const point = new RawAccessPoint(cloud.ports.accessPoint[0] ?? 0);
      await point.handshake(cloud.endpoints.serverKey);
      const welcome = await point.logIn('listener', 1, data);
      point.close();
      return welcome;
    };
    const first = await open({ seed: 'same' });
    const { data } = decodeWelcome((await log(first, pairing(first))).payload);
    expect((await log(await open({ seed: 'same' }), data)).command).toBe(Packet.welcome);
    expect((await log(await open({ seed: 'other' }), data)).command).toBe(Packet.loginFailure);
  });
});

describe('latency', () => {
  it('is felt once per round trip, and more on a new connection', async () => {
    const cloud = await open({ noise: false, latency: { accessPoint: 20, http: 30 } });
    const timed = async (work: () => Promise<unknown>) => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    };
    expect(await timed(() => ask(`${cloud.endpoints.directory}/?type=dealer`))).toBeGreaterThan(58);
    const point = new RawAccessPoint(cloud.ports.accessPoint[0] ?? 0);
    expect(await timed(() => point.handshake(cloud.endpoints.serverKey))).toBeGreaterThan(38);
    expect(await timed(() => point.logIn('listener', 1, pairing(cloud)))).toBeGreaterThan(18);
    point.close();
    expect(cloud.counters.view.chain).toEqual(['directory/resolve (+1 to connect)', 'access-point/handshake (+1 to connect)', 'access-point/login']);
    expect(cloud.counters.view.sequential).toBe(5);
  });

  it('leaves phones alone', async () => {
    const cloud = await open({ latency: { http: 5000, dealer: 5000 } });
    const started = performance.now();
    await cloud.openPhone();
    expect(performance.now() - started).toBeLessThan(2000);
    expect(cloud.counters.view.requests).toEqual({});
  });
});

describe('the clock of the cloud', () => {
  it('can be wrong, and then is so everywhere', async () => {
    const cloud = await open({ noise: false });
    cloud.time.shift = 3_600_000;
    const ahead = (millis: number) => Math.round((millis - Date.now()) / 60_000);
    expect(ahead(Date.parse(String((await ask(`${cloud.endpoints.directory}/?type=dealer`)).headers['date'])))).toBe(60);
    const point = new RawAccessPoint(cloud.ports.accessPoint[0] ?? 0);
    await point.handshake(cloud.endpoints.serverKey);
    await point.logIn('listener', 1, pairing(cloud));
    expect(ahead((await point.packet(Packet.ping)).payload.readUInt32BE() * 1000)).toBe(60);
    const phone = await cloud.openPhone();
    expect(ahead(phone.cluster.serverTimestampMs)).toBe(60);
    point.close();
  });
});

describe('keep-alive', () => {
  it('pings in its period, and hangs up on who does not answer', async () => {
    const clock = new FakeClock();
    const cloud = await open({ clock, noise: false, pingPeriod: 1000 });
    const point = new RawAccessPoint(cloud.ports.accessPoint[0] ?? 0);
    await point.handshake(cloud.endpoints.serverKey);
    await point.logIn('listener', 1, pairing(cloud));
    for (let more = 0; more < 3; more++) {
      const ping = await point.packet(Packet.ping);
      point.send(Packet.pong, ping.payload);
      await point.packet(Packet.pongAck);
      await clock.advance(1000);
    }
    await point.packet(Packet.ping);
    await clock.advance(1000);
    await point.closed();
    expect(cloud.refusals).toMatchObject([{ clause: 'connect-session §5.6', refused: true }]);
  });
});

describe('a cut', () => {
  it('ends what is open and lets nobody in until it is over', async () => {
    const clock = new FakeClock();
    const cloud = await open({ clock, noise: false });
    const speaker = await openSpeaker(cloud);
    cloud.cut(5000);
    await expect(speaker.dealer.until(() => false)).rejects.toThrow('closed');
    await expect(ask(`${cloud.endpoints.directory}/?type=dealer`)).rejects.toThrow();
    const point = new RawAccessPoint(cloud.ports.accessPoint[0] ?? 0);
    await expect(point.handshake(cloud.endpoints.serverKey)).rejects.toThrow();
    await clock.advance(5000);
    await openSpeaker(cloud).then((again) => again.close());
  });

  it('can hit one service only', async () => {
    const clock = new FakeClock();
    const cloud = await open({ clock });
    cloud.cut(5000, ['access-point']);
    expect((await ask(`${cloud.endpoints.directory}/?type=dealer`)).status).toBe(200);
  });
});

describe('too many states', () => {
  it('get 429 with a time to wait', async () => {
    const clock = new FakeClock();
    const cloud = await open({ clock, noise: false });
    const speaker = await openSpeaker(cloud);
    const statuses: number[] = [];
    for (let more = 0; more < 22; more++) statuses.push((await speaker.put(speakerState({ now: clock.now(), putStateReason: more === 0 ? 3 : 5 }))).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect((await speaker.put(speakerState({ now: clock.now() }))).headers['retry-after']).toBe('5');
    await clock.advance(5001);
    expect((await speaker.put(speakerState({ now: clock.now(), putStateReason: 5 }))).status).toBe(200);
    expect(cloud.refusals.every(({ clause }) => clause === 'connect-control §2.9')).toBe(true);
  });
});
