import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hex } from '#foundation';
import { commandLines, openHouse, readAll, until, type House } from './house.ts';
import { makeTunes } from './tunes.ts';

let house: House;

beforeAll(async () => {
  const tunes = await makeTunes([4, 4]);
  house = await openHouse({ cloud: { catalogue: tunes.map(({ entry }) => entry) }, logLevel: 'trace' });
}, 60_000);
afterAll(() => house[Symbol.asyncDispose]());

/** The spellings in which bytes could leak. */
function spellings(bytes: Buffer): readonly string[] {
  const base64 = bytes.toString('base64');
  return [hex(bytes), hex(bytes).toUpperCase(), base64, base64.replace(/=+$/, ''), bytes.toString('base64url'), encodeURIComponent(base64)];
}

it('shows no password, token, blob or audio key in logs, data folder, topics or command lines', async () => {
  const { cloud, phone } = house;
  const relay = await openRelay(house.daemon.pairingUrl);
  expect((await phone.pair(relay.url)).isOk).toBe(true);
  await until('the phone lists the speaker', () => phone.devices.size > 0);
  await phone.play(cloud.contexts.everything);
  await until('music plays', () => house.mirror['state'] === 'playing');
  await phone.next();
  await until('the second tune plays', () => house.mirror['title'] === 'Tune 2');
  await house.mqtt.publishAsync('tonearm/bridge/request/info', '{"transaction":"x"}', { qos: 1 });
  // A refused token is renewed: both count.
  cloud.faults.fail('metadata', 401, { count: 1 });
  await phone.previous();
  await until('the first tune plays', () => house.mirror['title'] === 'Tune 1');
  const duringPlay = commandLines();
  const firstLog = house.daemon.output;
  const { secrets } = cloud.accounts;
  const keys = cloud.catalogue.items.flatMap(({ files }) => files.flatMap(({ key }) => (key ? [key] : [])));
  await house.restart();
  await until('the account is back', () => phone.devices.size > 0 && house.daemon.output.includes('Connected as'));

  const planted = [...secrets, ...secrets.flatMap((text) => spellings(Buffer.from(text))), ...keys.flatMap(spellings), ...relay.secrets];
  expect(relay.secrets.length).toBeGreaterThan(1);
  expect(keys.length).toBeGreaterThan(0);
  expect(secrets.length).toBeGreaterThan(2);
  const files = await readAll(`${house.folder}/data`);
  expect([...files.keys()].some((path) => path.includes('connect-house') || path.includes('sealed'))).toBe(true);
  const places = new Map<string, string>([
    ['the log', firstLog + house.daemon.output],
    ['command lines', duringPlay + commandLines()],
    ...[...house.topics].map(([topic, payload]): [string, string] => [`topic ${topic}`, payload]),
    ...[...files].map(([path, bytes]): [string, string] => [`file ${path}`, bytes.toString('latin1')]),
  ]);
  const leaks: string[] = [];
  for (const [place, text] of places) {
    for (const secret of planted) if (secret.length >= 12 && text.includes(secret)) leaks.push(`${place} holds ${secret.slice(0, 6)}…`);
  }
  // Raw bytes in files.
  for (const [path, bytes] of files) for (const key of keys) if (bytes.includes(key)) leaks.push(`${path} holds an audio key`);
  expect(leaks).toEqual([]);
  // The test itself can see: what is no secret is found.
  expect(places.get('the log')).toContain('trace');
});

/** Stands between phone and speaker and keeps what is confidential of the pairing form. */
async function openRelay(target: string): Promise<{ readonly url: string; readonly secrets: string[] }> {
  const secrets: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const form = new URLSearchParams(body.toString());
      for (const name of ['blob', 'clientKey']) {
        const value = form.get(name);
        if (value) secrets.push(value, encodeURIComponent(value));
      }
      const { 'content-type': type = '' } = request.headers;
      const onward = http.request(new URL(request.url ?? '/', target), { method: request.method ?? 'GET', headers: { 'Content-Type': type, 'Content-Length': body.length } }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/zc`, secrets };
}
