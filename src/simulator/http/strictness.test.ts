import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask, openSpeaker, speakerState, testDevice, type Speaker } from '../receiver.fixture.ts';
import { openCloud, type Cloud } from '../index.ts';

let cloud: Cloud;
let speaker: Speaker;

beforeAll(async () => {
  cloud = await openCloud({ noise: false, rateLimit: false });
  speaker = await openSpeaker(cloud);
});
afterAll(() => cloud[Symbol.asyncDispose]());
beforeEach(() => {
  cloud.journal.clear();
  cloud.faults.clear();
});

const put = `/connect-state/v1/devices/${testDevice}`;
const resolve = '/context-resolve/v1/spotify:album:0000000000000000000000';

/** Exactly these bytes on a fresh connection; the status line that comes back. */
function raw(text: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect(cloud.ports.plain, '127.0.0.1', () => socket.write(text));
    socket.once('data', (data: Buffer) => {
      socket.destroy();
      done(data.toString('latin1').split('\r\n', 1)[0] ?? '');
    });
    socket.once('error', failed);
  });
}

describe('a request that is not quite right', () => {
  const bearer = () => ({ Authorization: speaker.headers['Authorization'] ?? '' });
  const client = () => ({ 'client-token': speaker.clientToken });
  const connection = () => ({ 'X-Spotify-Connection-Id': speaker.connectionId });
  const typed = { 'Content-Type': 'application/x-protobuf' };
  const state = () => speakerState({ now: Date.now() });

  it.each<[string, number, string, () => Parameters<typeof ask>]>([
    ['without bearer token', 401, '§11.1', () => [resolve, { headers: client() }]],
    ['with a token nobody issued', 401, '§11.1', () => [resolve, { headers: { ...client(), Authorization: 'Bearer made-up' } }]],
    ['with another scheme', 401, '§11.1', () => [resolve, { headers: { ...client(), Authorization: 'Basic eDp5' } }]],
    ['without client token', 400, '§7.5', () => [resolve, { headers: bearer() }]],
    ['with an empty client token', 400, '§0.3', () => [resolve, { headers: { ...bearer(), 'client-token': '' } }]],
    ['with a client token nobody issued', 400, '§7.5', () => [resolve, { headers: { ...bearer(), 'client-token': 'made-up' } }]],
    ['to an endpoint that does not exist', 404, '§11.3', () => ['/no/such/thing', { headers: speaker.headers }]],
    ['with the wrong method', 405, '§11.3', () => ['/v3/login', { method: 'PUT', body: '' }]],
    ['to a host that serves something else', 404, '§11.3', () => ['/v3/login', { method: 'POST', headers: { Host: 'i.scdn.co' }, body: '' }]],
    ['of a state without connection id', 400, '§2.9', () => [put, { method: 'PUT', headers: { ...speaker.headers, ...typed }, body: state() }]],
    ['of a state with an unknown connection id', 400, '§2.9', () => [put, { method: 'PUT', headers: { ...speaker.headers, ...typed, 'X-Spotify-Connection-Id': 'aGVsbG8=' }, body: state() }]],
    ['of a state that says no type', 415, '§0.3', () => [put, { method: 'PUT', headers: { ...speaker.headers, ...connection() }, body: state() }]],
    ['of a state that is no protobuf', 400, '§2.9', () => [put, { method: 'PUT', headers: { ...speaker.headers, ...typed, ...connection() }, body: Buffer.from('ffffffff', 'hex') }]],
    ['of a state of another device', 400, '§0.2', () => [put, { method: 'PUT', headers: { ...speaker.headers, ...typed, ...connection() }, body: speakerState({ now: Date.now(), deviceId: 'e'.repeat(40) }) }]],
    ['of a state above a megabyte', 413, '§2.9', () => [put, { method: 'PUT', headers: { ...speaker.headers, ...typed, ...connection() }, body: Buffer.alloc((1 << 20) + 1) }]],
    ['for a context with escaped colons', 404, '§4.1', () => ['/context-resolve/v1/spotify%3Aalbum%3A0000000000000000000000', { headers: speaker.headers }]],
    ['for a context that does not exist', 404, '§4.1', () => [resolve, { headers: speaker.headers }]],
    ['for metadata without anything asked', 400, '§12.2', () => ['/extended-metadata/v0/extended-metadata', { method: 'POST', headers: { ...speaker.headers, ...typed }, body: '' }]],
    ['for an id in upper case', 404, '§12.4', () => [`/metadata/4/track/${'AB'.repeat(16)}`, { headers: speaker.headers }]],
    ['for an id that is too short', 400, '§1.2', () => ['/metadata/4/track/abcd', { headers: speaker.headers }]],
    ['for a file in upper case', 400, '§1.4', () => [`/storage-resolve/v2/files/audio/interactive/2/${'AB'.repeat(20)}`, { headers: speaker.headers }]],
    ['for a file that does not exist', 404, '§12.7', () => [`/storage-resolve/v2/files/audio/interactive/2/${'ab'.repeat(20)}`, { headers: speaker.headers }]],
    ['to the directory without a type', 400, '§2.1', () => ['/', {}]],
    ['to the directory with an unknown type', 400, '§2.1', () => ['/?type=accesspoint&type=nothing', {}]],
    ['for a picture that does not exist', 404, '§12.3', () => ['/image/00', {}]],
    ['for a command without endpoint', 400, '§3.20', () => [`/connect-state/v1/player/command/from/a/to/b`, { method: 'POST', headers: speaker.headers, body: '{"command":{}}' }]],
    ['for a command that is no JSON', 400, '§3.20', () => [`/connect-state/v1/player/command/from/a/to/b`, { method: 'POST', headers: speaker.headers, body: '{' }]],
  ])('%s is refused with %i and the clause', async (_, status, clause, make) => {
    const [path, options] = make();
    const reply = await ask(`${speaker.base}${path}`, options);
    expect(reply.status).toBe(status);
    expect(cloud.refusals).toHaveLength(1);
    expect(cloud.refusals[0]).toMatchObject({ refused: true, phone: null });
    expect(cloud.refusals[0]?.clause).toContain(clause);
  });

  it('without body and without Content-Length is refused with 411', async () => {
    const line = await raw(`PUT ${put}/inactive?notify=false HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${speaker.accessToken}\r\nclient-token: ${speaker.clientToken}\r\nX-Spotify-Connection-Id: ${speaker.connectionId}\r\n\r\n`);
    expect(line).toBe('HTTP/1.1 411 Length Required');
    expect(cloud.refusals.map(({ clause }) => clause)).toEqual(['connect-control §0.3']);
  });

  it('with Content-Length: 0 or chunks is let in', async () => {
    const head = `PUT ${put}/inactive?notify=false HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: x\r\nAuthorization: Bearer ${speaker.accessToken}\r\nclient-token: ${speaker.clientToken}\r\nX-Spotify-Connection-Id: ${speaker.connectionId}\r\n`;
    expect(await raw(`${head}Content-Length: 0\r\n\r\n`)).toBe('HTTP/1.1 204 No Content');
    expect(await raw(`${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toBe('HTTP/1.1 204 No Content');
    expect(cloud.refusals).toEqual([]);
  });

  it('with a token whose time is over gets 401 and is no breach', async () => {
    const other = await openSpeaker(cloud, 'e'.repeat(40));
    cloud.accounts.expireAccessTokens();
    expect((await other.get(resolve)).status).toBe(401);
    other.close();
    expect(cloud.refusals).toEqual([]);
    speaker.close();
    speaker = await openSpeaker(cloud);
  });

  it('with the connection id of a closed socket gets 400', async () => {
    const other = await openSpeaker(cloud, 'e'.repeat(40));
    const closed = cloud.journal.until(({ what }) => what === 'closed');
    other.close();
    await closed;
    const reply = await other.put(speakerState({ now: Date.now(), deviceId: 'e'.repeat(40) }));
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body.toString())).toEqual({ error_type: 'UNKNOWN_CONNECTION', message: 'unknown_connection' });
  });
});

describe('faults of an endpoint', () => {
  it('fail it as often as asked, with headers and body, and leave others alone', async () => {
    cloud.faults.fail('context/resolve', 503, { count: 2, headers: { 'Retry-After': '7' }, body: 'busy' });
    for (const status of [503, 503, 404]) expect((await speaker.get(resolve)).status).toBe(status);
    expect((await ask(`${speaker.base}/?type=dealer`)).status).toBe(200);
    expect(cloud.journal.find('fault fail context/resolve')).toHaveLength(2);
  });

  it('hit a whole service by its name, and only after what is to be let pass', async () => {
    cloud.faults.fail('context', 500, { skip: 1, count: 1 });
    for (const status of [404, 500, 404]) expect((await speaker.get(resolve)).status).toBe(status);
  });

  it('hit one device only when told so', async () => {
    cloud.faults.fail('context/resolve', 500, { device: 'f'.repeat(40) });
    expect((await speaker.get(resolve)).status).toBe(404);
  });

  it('cut connections before and after the request', async () => {
    cloud.faults.drop('context/resolve', 'before', { count: 1 });
    await expect(speaker.get(resolve)).rejects.toThrow();
    cloud.faults.drop('context/resolve', 'after', { count: 1 });
    await expect(speaker.get(resolve)).rejects.toThrow();
    expect(cloud.journal.find('GET /context-resolve', 'context')).toHaveLength(2);
  });

  it('truncate an answer', async () => {
    cloud.faults.endpoint('directory/resolve', { kind: 'truncate', bytes: 5, count: 1 });
    await expect(ask(`${speaker.base}/?type=dealer`)).rejects.toThrow();
  });

  it('answer late', async () => {
    cloud.faults.hang('directory/resolve', 60, { count: 1 });
    const started = performance.now();
    await ask(`${speaker.base}/?type=dealer`);
    expect(performance.now() - started).toBeGreaterThan(50);
  });

  it('end when cleared, and are listed while they last', () => {
    cloud.faults.fail('storage', 500);
    cloud.faults.set('cdn/slow', { bytesPerSecond: 10 });
    expect(cloud.faults.active).toEqual(expect.arrayContaining(['storage', 'cdn/slow']));
    cloud.faults.clear();
    expect(cloud.faults.active).toEqual([]);
  });
});

describe('handlers', () => {
  it('can be replaced by name, with the original at hand, and come back', async () => {
    const handle = cloud.router.replace('directory/resolve', (original) => async (exchange) => {
      const answer = await original(exchange);
      return { ...answer, json: { replaced: true } };
    });
    expect(JSON.parse((await ask(`${speaker.base}/?type=dealer`)).body.toString())).toEqual({ replaced: true });
    handle[Symbol.dispose]();
    expect(JSON.parse((await ask(`${speaker.base}/?type=dealer`)).body.toString())).toHaveProperty('dealer');
    expect(() => cloud.router.replace('no/such', (original) => original)).toThrow('There is no route');
  });
});
