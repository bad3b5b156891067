import { createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { isLoopbackName, isOurName } from './http/host-names.ts';
import { TonearmError } from '#foundation';

const generate = promisify(generateKeyPair);

/** Making RSA keys takes a tenth of a second, so all clouds of a process share them. */
const made = new Map<string, Promise<KeyObject>>();

function sharedKey(purpose: string): Promise<KeyObject> {
  let key = made.get(purpose);
  if (!key) made.set(purpose, (key = generate('rsa', { modulusLength: 2048 }).then(({ privateKey }) => privateKey)));
  return key;
}

/** The access point's RSA key: signs the key exchange. */
export interface ServerKey {
  readonly privateKey: KeyObject;
  /** 256 bytes, big-endian. */
  readonly modulus: Buffer;
  readonly publicPem: string;
}

export async function makeServerKey(pem?: string): Promise<ServerKey> {
  const privateKey = pem === undefined ? await sharedKey('access point') : createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const { n } = publicKey.export({ format: 'jwk' });
  if (typeof n !== 'string') throw new TonearmError({ kind: 'invalid', code: 'simulator/key', message: 'The access point key is not an RSA key.' });
  return { privateKey, modulus: Buffer.from(n, 'base64url'), publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string };
}

let other: KeyObject | undefined;

/** Another key, to sign wrongly with. Made when first needed, which blocks for a moment. */
export function wrongKey(): KeyObject {
  other ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return other;
}

/** A certificate authority that exists for this simulator alone and signs for the services' names only. */
export interface Authority {
  readonly pem: string;
  readonly keyPem: string;
  /** Key and certificate for a host name; the empty name stands for the loopback addresses. */
  readonly leaf: (name: string) => Promise<Leaf>;
}

/** PEM texts. */
export interface Leaf {
  readonly key: string;
  readonly cert: string;
}

const leaves = new Map<string, Promise<Leaf>>();

export async function makeAuthority(saved?: { readonly pem: string; readonly keyPem: string }): Promise<Authority> {
  const key = saved ? createPrivateKey(saved.keyPem) : await sharedKey('authority');
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
  const pem = saved?.pem ?? authorityPem(key);
  return {
    pem,
    keyPem,
    leaf: async (name) => {
      if (name !== '' && !isOurName(name)) {
        throw new TonearmError({ kind: 'not-found', code: 'simulator/name', message: `The simulated cloud does not answer for ${name}.` });
      }
      const id = `${pem}/${name}`;
      let leaf = leaves.get(id);
      if (!leaf) leaves.set(id, (leaf = makeLeaf(name, pem, key)));
      return leaf;
    },
  };
}

let authorityCertificate: string | undefined;

/** One certificate per process, so that a client may keep trusting it from cloud to cloud. */
function authorityPem(key: KeyObject): string {
  authorityCertificate ??= issue({
    subject: 'Tonearm simulator authority',
    key,
    signer: key,
    issuer: 'Tonearm simulator authority',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ],
  });
  return authorityCertificate;
}

async function makeLeaf(name: string, authority: string, signer: KeyObject): Promise<Leaf> {
  const key = await sharedKey('leaf');
  const loopback = [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
    { type: 7, ip: '::1' },
  ];
  const certificate = issue({
    subject: name === '' ? 'localhost' : name,
    key,
    signer,
    issuer: 'Tonearm simulator authority',
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: isLoopbackName(name) ? loopback : [{ type: 2, value: name }] },
    ],
  });
  return { key: key.export({ type: 'pkcs8', format: 'pem' }) as string, cert: `${certificate}${authority}` };
}

let serial = 0;

function issue(options: { subject: string; issuer: string; key: KeyObject; signer: KeyObject; extensions: object[] }): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(createPublicKey(options.key).export({ type: 'spki', format: 'pem' }) as string);
  serial += 1;
  certificate.serialNumber = `01${process.pid.toString(16).padStart(8, '0')}${serial.toString(16).padStart(8, '0')}`;
  // Fixed dates: valid whatever the clocks of the parties say.
  certificate.validity.notBefore = new Date('2020-01-01T00:00:00Z');
  certificate.validity.notAfter = new Date('2049-12-31T23:59:59Z');
  certificate.setSubject([{ name: 'commonName', value: options.subject }]);
  certificate.setIssuer([{ name: 'commonName', value: options.issuer }]);
  certificate.setExtensions(options.extensions);
  return signedPem(certificate, options.signer);
}

/** Like `certificate.sign`, with the fast RSA of node:crypto: forge's own takes fifty times as long. */
function signedPem(certificate: forge.pki.Certificate, signer: KeyObject): string {
  const oid = forge.pki.oids['sha256WithRSAEncryption'];
  if (oid === undefined) throw new Error('forge does not know SHA-256 with RSA');
  const fields = certificate as forge.pki.Certificate & { signatureOid: string; siginfo: { algorithmOid: string }; tbsCertificate: forge.asn1.Asn1; signature: string };
  fields.signatureOid = fields.siginfo.algorithmOid = oid;
  fields.tbsCertificate = (forge.pki as typeof forge.pki & { getTBSCertificate(of: forge.pki.Certificate): forge.asn1.Asn1 }).getTBSCertificate(certificate);
  const bytes = Buffer.from(forge.asn1.toDer(fields.tbsCertificate).getBytes(), 'binary');
  fields.signature = sign('sha256', bytes, signer).toString('binary');
  return forge.pki.certificateToPem(certificate).replace(/\r\n/g, '\n');
}
