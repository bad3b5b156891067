import { generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';
import { afterEach, expect, test } from 'vitest';
import { FakeClock, Scope, silentLog } from '#foundation';
import { openRangeServer } from '../test-kit/range-server.ts';
import { HttpBytes, HttpWorld } from './http-bytes.ts';

const bytes = randomBytes(200_000);
let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

/** A certificate that vouches for itself, for the address tests listen on. */
function makeCertificate(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  const name = [{ name: 'commonName', value: 'Tonearm test' }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return { key: privateKey, cert: forge.pki.certificateToPem(certificate) };
}

test('an authority that is given is trusted, one that is not is not', async () => {
  const tls = makeCertificate();
  const server = scope.use(await openRangeServer(bytes, tls));
  expect(server.url).toMatch(/^https:/);
  const clock = new FakeClock();
  const trusting = scope.use(new HttpBytes([server.url], scope.use(new HttpWorld(clock, silentLog, { certificates: tls.cert })), () => undefined));
  const first = await trusting.read(0, 1000, new AbortController().signal);
  expect(bytes.subarray(0, first.length).equals(first)).toBe(true);

  let wanted = 0;
  const doubting = scope.use(new HttpBytes([server.url], scope.use(new HttpWorld(clock, silentLog)), () => (wanted += 1)));
  const failed = doubting.read(0, 1000, new AbortController().signal).catch((error: unknown) => error);
  const { setImmediate } = await import('node:timers/promises');
  for (let turn = 0; wanted === 0; turn++) {
    await setImmediate();
    if (turn % 50 === 49) await clock.advance(100);
  }
  await clock.advance(30_000);
  expect(await failed).toMatchObject({ code: 'audio/server-unreachable', message: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/) as string });
});
