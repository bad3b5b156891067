import { createHash, createHmac } from 'node:crypto';

/** Makes ids out of names: one seed and one name give the same id for ever, so that tests and hosts files keep working. */
export class Identity {
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** 16 bytes for a thing of a kind. Below 2^127, so that no base62 text overflows. */
  gid(kind: string, name: string): Buffer {
    const gid = this.#digest(kind, name).subarray(0, 16);
    gid[0] = (gid[0] ?? 0) & 0x7f;
    return gid;
  }

  /** 20 bytes: an audio file or a picture. */
  fileId(name: string): Buffer {
    return createHash('sha1').update(this.#digest('file', name)).digest();
  }

  /** 16 bytes: the key an audio file is encrypted with. */
  audioKey(fileId: Uint8Array): Buffer {
    return createHmac('sha256', this.#seed).update('key').update(fileId).digest().subarray(0, 16);
  }

  /** 16 hex digits: names a row of a playlist. */
  uid(context: string, row: number): string {
    return this.#digest('uid', `${context}/${row}`).subarray(0, 8).toString('hex');
  }

  #digest(kind: string, name: string): Buffer {
    return createHmac('sha256', this.#seed).update(`${kind}/${name}`).digest();
  }
}
