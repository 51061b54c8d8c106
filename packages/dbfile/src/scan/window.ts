/** A file seen through one window of bounded size, which moves to where bytes are asked for. */
import { DbFileError } from "../error.ts";

/** Whatever gives bytes by position: an open file, or bytes in memory. */
export interface Readable {
  readonly sizeBytes: number;
  /** Up to `into.length` bytes from `offset`; fewer only at the end. */
  readAt(offset: number, into: Uint8Array): number;
}

/** Bytes `[start, end)`, from the start of the file. */
export type Span = { readonly start: number; readonly end: number };

/** Bytes of one value that may be held in memory at once: a row, a schema, a list of servers. */
export const VALUE_BYTES_MAX: number = 256 << 20;

export class Window {
  readonly source: Readable;
  /** A view of the window stays valid until the next call. */
  readonly bytes: Uint8Array;
  /** The window holds `[start, end)`. */
  start = 0;
  end = 0;

  constructor(source: Readable, bytesMax: number) {
    this.source = source;
    this.bytes = new Uint8Array(bytesMax);
  }

  /** Moves the window so that it begins at or before `offset` and holds up to `bytes` from there, if the file has them. */
  need(offset: number, bytes: number): void {
    if (offset >= this.start && Math.min(offset + bytes, this.source.sizeBytes) <= this.end) return;
    this.start = offset;
    this.end = offset + this.source.readAt(offset, this.bytes);
  }

  /** The bytes of a span: a view of the window, valid until the next call, or a copy if they do not fit into it. */
  view({ start, end }: Span): Uint8Array {
    const length = end - start;
    if (length <= this.bytes.length) {
      this.need(start, length);
      if (this.end < end)
        throw new DbFileError("IO", "the file became shorter while it was being read", { offset: end });
      return this.bytes.subarray(start - this.start, end - this.start);
    }
    if (length > VALUE_BYTES_MAX)
      throw new DbFileError("LIMIT", `a value of ${length} bytes at offset ${start}; at most ${VALUE_BYTES_MAX}`, {
        offset: start,
      });
    const copy = new Uint8Array(length);
    if (this.source.readAt(start, copy) < length)
      throw new DbFileError("IO", "the file became shorter while it was being read", { offset: end });
    return copy;
  }
}
