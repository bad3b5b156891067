import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseArguments } from '../arguments.ts';
import { openCloud, type Cloud } from '../index.ts';
import { ask, openSpeaker, speakerState, testDevice } from '../receiver.fixture.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await openCloud({ noise: false, ports: { control: 0 }, catalogue: [{ title: 'One', duration: 1000 }] });
});
afterAll(() => cloud[Symbol.asyncDispose]());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ status: number; json: unknown }> {
  const reply = await ask(`${cloud.controlUrl ?? ''}${path}`, { method, headers, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  return { status: reply.status, json: JSON.parse(reply.body.toString()) };
}

describe('the control API', () => {
  it('lists what it can do, and does the reading', async () => {
    const { json } = await call('GET', '/');
    expect(json).toEqual(expect.arrayContaining([{ method: 'GET', path: '/refusals', about: expect.any(String) as string }]));
    for (const { method, path } of json as { method: string; path: string }[]) {
      if (method === 'GET' && !path.includes('{')) expect((await call('GET', path)).status, path).toBe(200);
    }
  });

  it('says what is wrong with a request', async () => {
    expect(await call('GET', '/nothing')).toMatchObject({ status: 404 });
    expect(await call('POST', '/phones', '{')).toMatchObject({ status: 400, json: { error: 'The body is not JSON.' } });
    expect(await call('POST', '/faults', { name: 'no/such' })).toMatchObject({ status: 400 });
    expect(await call('POST', '/phones/Nobody/pause')).toMatchObject({ status: 404, json: { code: 'simulator/no-phone' } });
    expect(await call('GET', '/', undefined, { Host: 'attacker.example' })).toMatchObject({ status: 403 });
    // What a form on a web page sends needs no permission of ours to be sent.
    expect(await call('POST', '/tokens/expire', '{}', { Origin: 'https://attacker.example', 'Content-Type': 'text/plain' })).toMatchObject({ status: 403 });
  });

  it('makes phones that play on speakers', async () => {
    expect(await call('POST', '/phones', { name: 'Anna' })).toMatchObject({ status: 200, json: { name: 'Anna', user: 'listener', status: 'stopped' } });
    expect(await call('POST', '/phones/Anna/pause')).toMatchObject({ status: 404, json: { code: 'simulator/no-target' } });
    const speaker = await openSpeaker(cloud);
    await speaker.put(speakerState({ now: Date.now() }));
    await cloud.phones[0]?.until(({ device }) => testDevice in device, AbortSignal.timeout(3000));
    const played = call('POST', '/phones/Anna/play', { track: 'One', position: 5 });
    expect(await speaker.dealer.answer()).toMatchObject({ command: { endpoint: 'play', context: { uri: cloud.contexts.everything }, options: { seek_to: 5 } } });
    expect((await played).status).toBe(200);
    const raw = call('POST', '/phones/Anna/command', { command: { endpoint: 'made_up' } });
    await speaker.dealer.answer(false);
    expect(await raw).toMatchObject({ status: 200, json: { outcome: 'failed' } });
    const refused = call('POST', '/phones/Anna/next');
    await speaker.dealer.answer(false);
    expect(await refused).toMatchObject({ status: 409, json: { code: 'simulator/command-failed' } });
    expect(await call('GET', '/status')).toMatchObject({ json: { users: [{ devices: [{ name: 'Anna' }, { id: testDevice, name: 'Kitchen', isConnected: true }] }] } });
    speaker.close();
    expect((await call('DELETE', '/phones/Anna')).status).toBe(200);
    expect((await call('GET', '/phones')).json).toEqual([]);
  });

  it('switches faults, latency and accounts', async () => {
    expect(await call('POST', '/faults', { name: 'cdn/slow', bytesPerSecond: 9, count: 1 })).toMatchObject({ json: { active: ['cdn/slow'] } });
    expect(cloud.faults.take('cdn/slow')).toMatchObject({ bytesPerSecond: 9 });
    expect(await call('POST', '/faults/endpoint', { endpoint: 'context/resolve', kind: 'fail', status: 500 })).toMatchObject({ json: { active: ['context/resolve'] } });
    expect(await call('DELETE', '/faults')).toMatchObject({ json: { active: [] } });
    expect(await call('PUT', '/latency', { http: 5 })).toMatchObject({ json: { http: 5, cdn: 0 } });
    expect(await call('PUT', '/latency', { road: 5 })).toMatchObject({ status: 400 });
    cloud.network.latency.http = 0;
    expect(await call('POST', '/accounts', { name: 'guest', product: 'free' })).toMatchObject({ json: { name: 'guest' } });
    expect(await call('PUT', '/accounts/guest/attributes', { autoplay: '0' })).toMatchObject({ json: { autoplay: '0', type: 'free' } });
    expect(await call('POST', '/accounts/nobody/revoke')).toMatchObject({ status: 404 });
    expect((await call('POST', '/tokens/expire')).status).toBe(200);
  });

  it('lays contexts down, shifts time and sends commands no phone would send', async () => {
    const uri = 'spotify:playlist:37i9dQZF1DXcBWIGoYBM5M';
    expect(await call('PUT', '/context', { uri, pages: [{ tracks: [{ uri: 'spotify:track:2RnhhsLPpUvzQ23I6FTEIy', uid: 'a' }] }] })).toMatchObject({ status: 200, json: { uri, url: `context://${uri}`, pages: [{ tracks: [{ uid: 'a' }] }] } });
    expect(await call('GET', `/context?uri=${uri}`)).toMatchObject({ json: { uri } });
    expect(await call('PUT', '/context', { uri })).toMatchObject({ status: 400 });
    expect(await call('PUT', '/context/page', { url: 'hm://more', page: { tracks: [] } })).toMatchObject({ json: { tracks: [] } });
    await call('POST', '/resume-points', { user: 'listener', uri: 'spotify:episode:x', position: 5000 });
    expect(await call('GET', '/resume-points?user=listener&uri=spotify:episode:x')).toMatchObject({ json: [{ position: 5000 }] });
    expect(await call('PUT', '/time', { shift: 90_000 })).toMatchObject({ json: { shift: 90_000 } });
    expect(cloud.time.now() - Date.now()).toBeGreaterThan(89_000);
    cloud.time.shift = 0;
    const speaker = await openSpeaker(cloud);
    await speaker.put(speakerState({ now: Date.now() }));
    const sent = call('POST', '/command', { device: testDevice, body: { anything: true } });
    expect(await speaker.dealer.answer(false)).toEqual({ anything: true });
    expect(await sent).toMatchObject({ json: { outcome: 'failed' } });
    expect(await call('POST', '/command', { device: 'nobody', body: {} })).toMatchObject({ status: 404, json: { code: 'simulator/no-device' } });
    speaker.close();
  });

  it('shows bytes in the journal as base64', async () => {
    await ask(`http://127.0.0.1:${cloud.ports.plain}/v1/clienttoken`, { method: 'POST', body: 'abc' });
    expect(await call('GET', '/journal?service=client-token&limit=1')).toMatchObject({ json: [{ what: 'POST /v1/clienttoken', detail: { body: { base64: 'YWJj' } } }] });
    expect((await call('GET', '/refusals')).json).toEqual(expect.arrayContaining([expect.objectContaining({ clause: 'connect-session §7.1' })]));
  });
});

describe('parseArguments', () => {
  it('has defaults that need no rights', () => {
    const { options, help } = parseArguments([]);
    expect(help).toBe(false);
    expect(options).toMatchObject({ ports: { accessPoint: [0], control: 0 }, names: 'loopback', noise: true, users: [{ name: 'listener', country: 'SE', product: 'premium' }] });
    expect(options.ports).not.toHaveProperty('tls');
  });

  it('reads everything', () => {
    const line = '--music m --catalogue c.json --state s --user a --user b --country DE --product free --tls-port 443 --http-port 80 --access-point-port 4070 --access-point-port 444 --control-port 9 --ipv6 --latency accessPoint=5,cdn=9 --seed x --ping 2 --no-noise --phone Anna --verbose';
    expect(parseArguments(line.split(' '))).toEqual({
      help: false,
      verbose: true,
      phones: ['Anna'],
      options: {
        ports: { tls: 443, plain: 80, accessPoint: [4070, 444], control: 9 },
        names: 'real',
        ipv6: true,
        noise: false,
        users: [{ name: 'a', country: 'DE', product: 'free' }, { name: 'b', country: 'DE', product: 'free' }],
        latency: { accessPoint: 5, cdn: 9 },
        folder: 'm',
        entries: 'c.json',
        state: 's',
        seed: 'x',
        pingPeriod: 2000,
      },
    });
    expect(parseArguments(['--latency', '25']).options.latency).toEqual({ accessPoint: 25, http: 25, cdn: 25, dealer: 25 });
  });

  it.each([['--tls-port', 'x'], ['--tls-port', '70000'], ['--country', 'se'], ['--names', 'odd'], ['--latency', 'fast'], ['--latency', 'road=3'], ['--ping', '-'], ['--nonsense'], ['stray']])('refuses %s %s with a sentence', (...argv) => {
    expect(() => parseArguments(argv)).toThrow('See --help.');
  });
});

describe('docs/simulator.md', () => {
  it('names every operation, fault and endpoint', async () => {
    const text = await readFile(new URL('../../../docs/simulator.md', import.meta.url), 'utf8');
    const { json } = await call('GET', '/');
    const operations = (json as { method: string; path: string }[]).map(({ method, path }) => `| ${method} | \`${path}\` |`);
    const names = [...Object.keys(cloud.faults.names), ...cloud.router.names].map((name) => `\`${name}\``);
    expect([...operations, ...names].filter((name) => !text.includes(name))).toEqual([]);
  });
});
