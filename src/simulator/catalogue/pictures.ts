import { createHash } from 'node:crypto';
import { drawSquare } from './picture.ts';

/** A cover in one size. */
export interface Picture {
  /** 20 bytes. */
  readonly id: Buffer;
  readonly hex: string;
  /** 0 default, 1 small, 2 large, 3 extra large (connect-session §12.3). */
  readonly size: number;
  /** Pixels, as metadata says. */
  readonly width: number;
  readonly bytes: Buffer;
  readonly type: 'image/jpeg' | 'image/png';
}

const sizes = [
  { size: 0, width: 300 },
  { size: 1, width: 64 },
  { size: 2, width: 640 },
] as const;

/** All covers by id. The bytes are the same in every size: nothing here can scale a picture. */
export class Pictures {
  readonly #byHex = new Map<string, Picture>();
  readonly #squares = new Map<string, Buffer>();

  /** The sizes of a cover; a plain square for what has none. */
  add(bytes: Uint8Array | undefined, name: string): readonly Picture[] {
    const data = bytes ? Buffer.from(bytes) : this.#square(name);
    const type = data[0] === 0x89 ? 'image/png' : 'image/jpeg';
    return sizes.map(({ size, width }) => {
      const id = createHash('sha1').update(data).update(Buffer.of(size)).digest();
      const picture: Picture = { id, hex: id.toString('hex'), size, width, bytes: data, type };
      this.#byHex.set(picture.hex, picture);
      return picture;
    });
  }

  find(hex: string): Picture | null {
    return this.#byHex.get(hex) ?? null;
  }

  #square(name: string): Buffer {
    let square = this.#squares.get(name);
    if (!square) this.#squares.set(name, (square = drawSquare(name)));
    return square;
  }
}
