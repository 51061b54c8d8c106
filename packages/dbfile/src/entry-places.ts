/** Where the entries of a log are in their file, in 24 bytes each, so that a second walk need not look for them. */
import type { RecordPlace } from "./record.ts";
import type { Span } from "./scan/window.ts";

/** More than that, and the file is walked again: 24 MB. */
export const PLACES_MAX: number = 1 << 20;
const FIRST_CAPACITY = 1024;

/** Position 0 is the first entry behind the snapshot; an entry that overwrites others takes their positions. */
export class EntryPlaces {
  readonly #placesMax: number;
  #length = 0;
  #offsets = new Float64Array(FIRST_CAPACITY);
  #starts = new Float64Array(FIRST_CAPACITY);
  #ends = new Float64Array(FIRST_CAPACITY);
  #abandoned = false;

  constructor(placesMax: number = PLACES_MAX) {
    this.#placesMax = placesMax;
  }

  /** All entries are in it. */
  get isWhole(): boolean {
    return !this.#abandoned;
  }

  get length(): number {
    return this.#length;
  }

  /** `transaction`: undefined for an entry without data. */
  set(position: number, { offset }: RecordPlace, transaction: Span | undefined): void {
    if (this.#abandoned) return;
    if (position >= this.#placesMax) {
      this.abandon();
      return;
    }
    if (position === this.#offsets.length) this.#grow();
    this.#offsets[position] = offset;
    this.#starts[position] = transaction?.start ?? 0;
    this.#ends[position] = transaction?.end ?? 0;
    this.#length = position + 1;
  }

  /** What cannot be said in this form was met: forgets all. */
  abandon(): void {
    this.#abandoned = true;
    this.#offsets = this.#starts = this.#ends = new Float64Array(0);
    this.#length = 0;
  }

  /** Of the record, bytes from the start of the file. */
  offset(position: number): number {
    return this.#offsets[position] as number;
  }

  /** Of the transaction; both are 0 if the entry has no data. */
  start(position: number): number {
    return this.#starts[position] as number;
  }

  end(position: number): number {
    return this.#ends[position] as number;
  }

  #grow(): void {
    const longer = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(Math.min(2 * from.length, this.#placesMax));
      to.set(from);
      return to;
    };
    this.#offsets = longer(this.#offsets);
    this.#starts = longer(this.#starts);
    this.#ends = longer(this.#ends);
  }
}
