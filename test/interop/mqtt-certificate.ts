import forge from 'node-forge';

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate for 127.0.0.1 that signs itself. */
export function selfSigned(name = '127.0.0.1'): Certificate {
  return issue(name, null);
}

/** One that `authority` vouches for: for a broker on 127.0.0.1, or for a client of this name. */
export function signedBy(authority: Certificate, name: string): Certificate {
  return issue(name, authority);
}

function issue(name: string, authority: Certificate | null): Certificate {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = authority ? '02' : '01';
  certificate.validity.notBefore = new Date(Date.now() - 86_400_000);
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  certificate.setIssuer(authority ? forge.pki.certificateFromPem(authority.certificate).subject.attributes : [{ name: 'commonName', value: name }]);
  certificate.setExtensions([{ name: 'basicConstraints', cA: !authority }, { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }]);
  certificate.sign(authority ? forge.pki.privateKeyFromPem(authority.key) : keys.privateKey, forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: forge.pki.privateKeyToPem(keys.privateKey) };
}
