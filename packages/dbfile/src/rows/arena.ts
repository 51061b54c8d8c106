/** Byte strings one behind the other in large pieces: 210,000 rows cost their bytes and little more. */

const FIRST_PIECE_BYTES = 1 << 12;
const PIECE_BYTES = 1 << 22;
const EMPTY = new Uint8Array(0);

export class Arena {
  readonly #pieces: Uint8Array[] = [];
  #used = 0;
  /** Bytes of all strings, dropped ones too. */
  totalBytes = 0;

  /** Copies the bytes. @returns where they are: the piece, and the offset in it. */
  add(bytes: Uint8Array): { readonly piece: number; readonly offset: number } {
    let piece = this.#pieces.at(-1) ?? EMPTY;
    if (this.#used + bytes.length > piece.length) {
      const grown = Math.min(PIECE_BYTES, Math.max(FIRST_PIECE_BYTES, piece.length * 2));
      piece = new Uint8Array(Math.max(grown, bytes.length));
      this.#pieces.push(piece);
      this.#used = 0;
    }
    const offset = this.#used;
    piece.set(bytes, offset);
    this.#used += bytes.length;
    this.totalBytes += bytes.length;
    return { piece: this.#pieces.length - 1, offset };
  }

  at(piece: number, offset: number, length: number): Uint8Array {
    return (this.#pieces[piece] as Uint8Array).subarray(offset, offset + length);
  }
}
