import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Coding } from './coding.ts';
import { keyIdSize, type Keyring, type SealingKey } from './keyring.ts';

/** The form before keys had ids, and the form now. */
const oldMagic = Buffer.from('TA1\n');
const magic = Buffer.from('TA2\n');
const nonceSize = 12;
const tagSize = 16;

/**
 * `TA2\n`, 8 bytes key id, 12 bytes nonce, 16 bytes tag, then the JSON in AES-256-GCM. Name and key id are authenticated, so
 * files cannot be exchanged for one another. `TA1\n` is the same without key id; it is read, and written no more.
 */
export function sealing(keyring: Keyring): Coding {
  return {
    async encode(name, value) {
      const key = await keyring.current();
      const nonce = randomBytes(nonceSize);
      const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce).setAAD(label(name, key.id));
      const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([magic, key.id, nonce, cipher.getAuthTag(), body]);
    },
    async isCurrent(bytes) {
      const id = keyIdOf(bytes);
      return id !== undefined && id !== null && id.equals((await keyring.current()).id);
    },
    async decode(name, bytes) {
      const id = keyIdOf(bytes);
      if (id === undefined) throw new Error('not a sealed value');
      for (const key of await keyring.candidates(id)) {
        const text = open(name, bytes.subarray(magic.length + (id?.length ?? 0)), key, id);
        if (text !== null) return JSON.parse(text) as unknown;
      }
      throw new Error('no key opens this value');
    },
  };
}

/** Which key a value needs: null for the old form, undefined for something that is no sealed value. */
export function keyIdOf(bytes: Buffer): Buffer | null | undefined {
  const form = bytes.subarray(0, magic.length);
  if (form.equals(magic) && bytes.length >= magic.length + keyIdSize + nonceSize + tagSize) return bytes.subarray(magic.length, magic.length + keyIdSize);
  return form.equals(oldMagic) && bytes.length >= oldMagic.length + nonceSize + tagSize ? null : undefined;
}

function open(name: string, sealed: Buffer, key: SealingKey, id: Buffer | null): string | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, sealed.subarray(0, nonceSize), { authTagLength: tagSize }).setAAD(label(name, id));
    decipher.setAuthTag(sealed.subarray(nonceSize, nonceSize + tagSize));
    return Buffer.concat([decipher.update(sealed.subarray(nonceSize + tagSize)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function label(name: string, id: Buffer | null): Buffer {
  return id === null ? Buffer.from(`tonearm sealed value 1\0${name}`) : Buffer.concat([Buffer.from('tonearm sealed value 2\0'), id, Buffer.from(name)]);
}
