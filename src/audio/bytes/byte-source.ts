/** Bytes at any place of something, a file or a far address. One reader at a time unless said otherwise. */
export interface ByteSource extends AsyncDisposable {
  /** Length in bytes. */
  size(signal: AbortSignal): Promise<number>;
  /**
   * Between 1 and `length` bytes from `at` on; none only at the end. The view must not be written to, and is good until the next read.
   * An aborted read leaves nothing changed. `ahead: false` marks a look to the side that moves no read-ahead.
   */
  read(at: number, length: number, signal: AbortSignal, options?: { readonly ahead?: boolean }): Promise<Uint8Array>;
}
