/** Changes that a watcher has not read yet, at most one per row: what keeps a slow reader's backlog bounded. */
import type { Uuid } from "../uuid.ts";
import type { Row } from "../value.ts";
import { TableChanges } from "./batch.ts";
import { RowChange } from "./change.ts";
import { sameColumns } from "./same-value.ts";

/** `before`: the row as the reader last knew it. `after`: as it is. Undefined: not there. */
type PendingRow = { readonly before: Row | undefined; after: Row | undefined; readonly initial: boolean };

/**
 * Coalescing by definition: a pending change is the difference between what the reader knows and what is. So an insert
 * and its delete cancel out, an insert and its update are one insert, two updates are one with the oldest `old`, a delete
 * and a new insert of the same uuid are one update, and a change that was undone is none.
 */
export class PendingTable {
  readonly #table: string;
  readonly #columns: readonly string[];
  readonly #rows = new Map<Uuid, PendingRow>();
  /** Kept between takes: a new iterator would first step over everything that was taken before. It sees later entries. */
  #queue: Iterator<PendingRow> | undefined;

  constructor(table: string, columns: readonly string[]) {
    this.#table = table;
    this.#columns = columns;
  }

  get size(): number {
    return this.#rows.size;
  }

  note(before: Row | undefined, after: Row | undefined, initial: boolean): void {
    const uuid = ((after ?? before) as Row)._uuid;
    const pending = this.#rows.get(uuid);
    if (pending === undefined) {
      this.#rows.set(uuid, { before, after, initial });
      return;
    }
    pending.after = after;
    const known = pending.before;
    const undone =
      known === undefined || after === undefined ? known === after : sameColumns(known, after, this.#columns);
    if (undone) this.#rows.delete(uuid);
  }

  /** The longest waiting change, which is then no longer pending. */
  take(): RowChange | undefined {
    if (this.#rows.size === 0) return undefined;
    this.#queue ??= this.#rows.values();
    const { value, done } = this.#queue.next();
    if (done === true) {
      this.#queue = undefined;
      return this.take();
    }
    const { before, after, initial } = value;
    this.#rows.delete(((after ?? before) as Row)._uuid);
    if (after === undefined) return new RowChange("delete", this.#table, before as Row, undefined, this.#columns);
    if (before !== undefined) return new RowChange("update", this.#table, after, before, this.#columns);
    return new RowChange(initial ? "initial" : "insert", this.#table, after, undefined, this.#columns);
  }

  clear(): void {
    this.#rows.clear();
    this.#queue = undefined;
  }

  /** Everything that is pending, as one list. */
  toChanges(): TableChanges {
    const changes = new TableChanges(this.#table, this.#columns);
    for (const { before, after } of this.#rows.values()) changes.note(before, after);
    return changes;
  }
}
