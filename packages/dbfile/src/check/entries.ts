/** The entries of one log in 32 bytes each: enough to compare logs, and to find an entry in its file again. */
import { DbFileError } from "../error.ts";

/** Most entries of one file that are held; ovsdb-server compacts long before. */
export const ENTRIES_MAX: number = 32_000_000;

const FIRST_CAPACITY = 1024;

export class EntryTable {
  readonly #entriesMax: number;
  #length = 0;
  #terms = new Float64Array(FIRST_CAPACITY);
  #offsets = new Float64Array(FIRST_CAPACITY);
  #records = new Float64Array(FIRST_CAPACITY);
  /** The first 60 bits of the body's SHA-1, and whether the entry has data in the lowest bits of the second. */
  #digests = new Uint32Array(2 * FIRST_CAPACITY);

  constructor(entriesMax: number = ENTRIES_MAX) {
    this.#entriesMax = entriesMax;
  }

  get length(): number {
    return this.#length;
  }

  /**
   * @param digest hexadecimal digits of the hash over the record's body.
   * @throws DbFileError `LIMIT`
   */
  push(term: number, record: number, offset: number, digest: string, hasData: boolean): void {
    if (this.#length === this.#terms.length) this.#grow();
    const at = this.#length++;
    this.#terms[at] = term;
    this.#records[at] = record;
    this.#offsets[at] = offset;
    this.#digests[2 * at] = Number.parseInt(digest.slice(0, 8), 16);
    this.#digests[2 * at + 1] = Number.parseInt(digest.slice(8, 15), 16) * 2 + (hasData ? 1 : 0);
  }

  /** Forgets all from this position on. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  term(at: number): number {
    return this.#terms[at] as number;
  }

  /** Number of the record in its file. */
  record(at: number): number {
    return this.#records[at] as number;
  }

  /** Of the record in its file, bytes. */
  offset(at: number): number {
    return this.#offsets[at] as number;
  }

  hasData(at: number): boolean {
    return ((this.#digests[2 * at + 1] as number) & 1) === 1;
  }

  /** Whether two records have the same bytes. The same entry may have other bytes in another file. */
  sameBytes(at: number, other: EntryTable, otherAt: number): boolean {
    return (
      this.#digests[2 * at] === other.#digests[2 * otherAt] &&
      this.#digests[2 * at + 1] === other.#digests[2 * otherAt + 1]
    );
  }

  #grow(): void {
    if (this.#length >= this.#entriesMax)
      throw new DbFileError(
        "LIMIT",
        `the log has more than ${this.#entriesMax} entries behind its snapshot; compact it first`,
      );
    const capacity = Math.min(2 * this.#terms.length, this.#entriesMax);
    this.#terms = longer(this.#terms, new Float64Array(capacity));
    this.#offsets = longer(this.#offsets, new Float64Array(capacity));
    this.#records = longer(this.#records, new Float64Array(capacity));
    this.#digests = longer(this.#digests, new Uint32Array(2 * capacity));
  }
}

function longer<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
