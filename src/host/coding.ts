/** How values of one space become bytes and back. `name` is part of what is authenticated. */
export interface Coding {
  encode(name: string, value: unknown): Promise<Uint8Array>;
  decode(name: string, bytes: Buffer): Promise<unknown>;
  /** Whether encoding it once more would be in vain. */
  isCurrent(bytes: Buffer): Promise<boolean>;
}
