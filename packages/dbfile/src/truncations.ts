/** Which entries of a clustered file were overwritten later: a new leader's log replaced the tail (thesis §3.5). */
import { DbFileError } from "./error.ts";

/** Far more than any cluster has; a file beyond it was made to exhaust memory. */
const TRUNCATIONS_MAX = 1 << 20;

/**
 * An entry is dead if a later record truncates the log at its index or below. Of all truncations only those matter that no
 * later one reaches below, so that both ordinals and indexes grow.
 */
export class Truncations {
  readonly #ordinals: number[] = [];
  readonly #indexes: number[] = [];
  #next = 0;

  /** The record `ordinal` begins the log anew at `index`. Ordinals must grow. */
  add(ordinal: number, index: number): void {
    while (this.#indexes.length > 0 && (this.#indexes.at(-1) as number) >= index) {
      this.#ordinals.pop();
      this.#indexes.pop();
    }
    if (this.#ordinals.length === TRUNCATIONS_MAX)
      throw new DbFileError("LIMIT", `the log is overwritten more than ${TRUNCATIONS_MAX} times`);
    this.#ordinals.push(ordinal);
    this.#indexes.push(index);
  }

  /** Begin asking {@link isDead} from the first record again. */
  rewind(): void {
    this.#next = 0;
  }

  /** Whether the entry `index` in record `ordinal` was overwritten. Ordinals must grow between calls. */
  isDead(ordinal: number, index: number): boolean {
    while (this.#next < this.#ordinals.length && (this.#ordinals[this.#next] as number) <= ordinal) this.#next++;
    return this.#next < this.#indexes.length && (this.#indexes[this.#next] as number) <= index;
  }
}
