import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import type NodeForge from 'node-forge';
import type { asn1, pki } from 'node-forge';
import { TonearmError } from '#foundation';
import { isLoopbackName, isOurName } from './http/host-names.ts';

type Forge = typeof NodeForge;

const authorityName = 'Tonearm simulator authority';

/** A certificate authority that exists for this simulator alone and signs for the services' names only. */
export interface Authority {
  readonly pem: string;
  /** Key and certificate for a host name; the empty name stands for the loopback addresses. */
  readonly leaf: (name: string) => Promise<Leaf>;
}

/** PEM texts. */
export interface Leaf {
  readonly key: string;
  readonly cert: string;
}

/** An authority with this key. `pem`: its certificate, if it was made before. */
export async function openAuthority({ key, leafKey, pem }: { readonly key: KeyObject; readonly leafKey: KeyObject; readonly pem?: string }): Promise<Authority> {
  const own = pem ?? (await authorityPem(key));
  const leaves = new Map<string, Promise<Leaf>>();
  return {
    pem: own,
    leaf: async (name) => {
      if (name !== '' && !isOurName(name)) {
        throw new TonearmError({ kind: 'not-found', code: 'simulator/name', message: `The simulated cloud does not answer for ${name}.` });
      }
      let leaf = leaves.get(name);
      if (!leaf) leaves.set(name, (leaf = makeLeaf(name, own, key, leafKey)));
      return leaf;
    },
  };
}

function authorityPem(key: KeyObject): Promise<string> {
  return issue({
    subject: authorityName,
    key,
    signer: key,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ],
  });
}

async function makeLeaf(name: string, authority: string, signer: KeyObject, key: KeyObject): Promise<Leaf> {
  const loopback = [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
    { type: 7, ip: '::1' },
  ];
  const certificate = await issue({
    subject: name === '' ? 'localhost' : name,
    key,
    signer,
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

/** A signed certificate as PEM. forge is large, and only needed here: it is loaded when the first certificate is made. */
async function issue(options: { subject: string; key: KeyObject; signer: KeyObject; extensions: object[] }): Promise<string> {
  const { default: forge } = await import('node-forge');
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(createPublicKey(options.key).export({ type: 'spki', format: 'pem' }) as string);
  serial += 1;
  certificate.serialNumber = `01${process.pid.toString(16).padStart(8, '0')}${serial.toString(16).padStart(8, '0')}`;
  // Fixed dates: valid whatever the clocks of the parties say.
  certificate.validity.notBefore = new Date('2020-01-01T00:00:00Z');
  certificate.validity.notAfter = new Date('2049-12-31T23:59:59Z');
  certificate.setSubject([{ name: 'commonName', value: options.subject }]);
  certificate.setIssuer([{ name: 'commonName', value: authorityName }]);
  certificate.setExtensions(options.extensions);
  return signedPem(forge, certificate, options.signer);
}

/** Like `certificate.sign`, with the fast RSA of node:crypto: forge's own takes fifty times as long. */
function signedPem(forge: Forge, certificate: pki.Certificate, signer: KeyObject): string {
  const oid = forge.pki.oids['sha256WithRSAEncryption'];
  if (oid === undefined) throw new Error('forge does not know SHA-256 with RSA');
  const fields = certificate as pki.Certificate & { signatureOid: string; siginfo: { algorithmOid: string }; tbsCertificate: asn1.Asn1; signature: string };
  fields.signatureOid = fields.siginfo.algorithmOid = oid;
  fields.tbsCertificate = (forge.pki as typeof pki & { getTBSCertificate(of: pki.Certificate): asn1.Asn1 }).getTBSCertificate(certificate);
  const bytes = Buffer.from(forge.asn1.toDer(fields.tbsCertificate).getBytes(), 'binary');
  fields.signature = sign('sha256', bytes, signer).toString('binary');
  return forge.pki.certificateToPem(certificate).replace(/\r\n/g, '\n');
}
