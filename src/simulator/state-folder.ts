import { createPrivateKey, type KeyObject } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { allNames } from './http/host-names.ts';
import { openAuthority, type Authority } from './certificates.ts';
import { makeKey, serverKeyOf, type ServerKey } from './keys.ts';

/** Files that other programs need to trust this cloud. Absolute paths. */
export interface StateFiles {
  /** Certificate authority, PEM: to be trusted by receivers. */
  readonly authority: string;
  /** The access point's public key: PEM, and its modulus in hex and base64. */
  readonly publicKey: string;
  readonly modulusHex: string;
  readonly modulusBase64: string;
  /** A line for a hosts file that points every real name at loopback. */
  readonly hosts: string;
}

export interface Keys {
  readonly authority: Authority;
  readonly server: ServerKey;
  readonly files: StateFiles;
}

/** Reads the keys a folder keeps, or makes and writes them: receivers set up once go on trusting this cloud. */
export async function openStateFolder(folder: string): Promise<Keys> {
  const root = resolve(folder);
  await mkdir(root, { recursive: true });
  const path = (name: string) => join(root, name);
  const [authorityKey, leafKey, serverKey] = await Promise.all(['authority-key.pem', 'leaf-key.pem', 'access-point-key.pem'].map((name) => openKey(path(name))));
  if (!authorityKey || !leafKey || !serverKey) throw new Error('three keys were asked for');
  // A certificate fits its key only: with a new key comes a new certificate.
  const pem = authorityKey.isNew ? null : await readOrNull(path('authority.pem'));
  const authority = await openAuthority({ key: authorityKey.key, leafKey: leafKey.key, ...(pem === null ? {} : { pem }) });
  const server = serverKeyOf(serverKey.key);
  const files: StateFiles = {
    authority: path('authority.pem'),
    publicKey: path('access-point-public.pem'),
    modulusHex: path('access-point-modulus.hex'),
    modulusBase64: path('access-point-modulus.base64'),
    hosts: path('hosts'),
  };
  await Promise.all([
    writeFile(files.authority, authority.pem),
    writeFile(files.publicKey, server.publicPem),
    writeFile(files.modulusHex, `${server.modulus.toString('hex')}\n`),
    writeFile(files.modulusBase64, `${server.modulus.toString('base64')}\n`),
    writeFile(files.hosts, `127.0.0.1 ${allNames.join(' ')}\n`),
  ]);
  return { authority, server, files };
}

/** The key a file keeps; a new one, written there for its owner alone, when there is none. */
async function openKey(path: string): Promise<{ readonly key: KeyObject; readonly isNew: boolean }> {
  const pem = await readOrNull(path);
  if (pem !== null) return { key: createPrivateKey(pem), isNew: false };
  const key = await makeKey();
  await writeSecret(path, key.export({ type: 'pkcs8', format: 'pem' }) as string);
  return { key, isNew: true };
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function writeSecret(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600);
}
