/** The rows of one table, their indexes, and the shadow of both while a snapshot comes in. */
import type { TableSchema } from "../schema.ts";
import type { Uuid } from "../uuid.ts";
import type { Row, RowCodec } from "../value.ts";
import { TableChanges } from "./batch.ts";
import { compileIndex, type IndexDefinition, sameDefinition } from "./index-definition.ts";
import { sameColumns } from "./same-value.ts";
import { TableIndex } from "./table-index.ts";

/** A table to replicate. */
export type TableSpec = {
  readonly name: string;
  readonly codec: RowCodec;
  readonly schema: TableSchema;
  /** The replicated columns, without `_uuid`. */
  readonly columns: readonly string[];
  /**
   * Indexes to have from the start, filled while the first snapshot arrives; `index` with the same definition gives them.
   */
  readonly indexes?: readonly IndexDefinition[] | undefined;
};

/** A row before (undefined: it was not there) and after (undefined: it is gone). */
export type RowStep = { readonly before: Row | undefined; readonly after: Row | undefined };

type Shadow = {
  readonly rows: Map<Uuid, Row>;
  readonly changes: TableChanges;
  kept: number;
  scan: Iterator<Row> | undefined;
  scanned: boolean;
};

export class TableStore {
  #spec: TableSpec;
  #rows = new Map<Uuid, Row>();
  #shadow: Shadow | undefined;
  readonly #indexes: { readonly definition: IndexDefinition; readonly index: TableIndex }[] = [];
  readonly #report: (error: unknown) => void;
  /** The schema's indexes whose columns are all replicated, named by these, joined with "_". */
  readonly named: Map<string, TableIndex> = new Map();
  /** `version` of the replica when this table last changed. */
  version = 0;

  constructor(spec: TableSpec, report: (error: unknown) => void) {
    this.#spec = spec;
    this.#report = report;
    this.#addIndexes();
  }

  get spec(): TableSpec {
    return this.#spec;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(uuid: Uuid): Row | undefined {
    return this.#rows.get(uuid);
  }

  values(): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** The index of that definition; made, and filled from all rows at once, if there is none yet. */
  index(definition: IndexDefinition): TableIndex {
    const known = this.#indexes.find((entry) => sameDefinition(entry.definition, definition));
    if (known !== undefined) return known.index;
    const reader = compileIndex(this.#spec.schema, this.#spec.columns, definition, this.#report);
    const index = new TableIndex(reader, (uuid) => this.#rows.get(uuid));
    for (const row of this.#rows.values()) index.change(undefined, row);
    if (this.#shadow !== undefined) for (const row of this.#shadow.rows.values()) index.addToShadow(row);
    this.#indexes.push({ definition, index });
    return index;
  }

  /** One row of an update whose consistency has been checked. */
  apply(uuid: Uuid, step: RowStep): void {
    if (step.after === undefined) this.#rows.delete(uuid);
    else this.#rows.set(uuid, step.after);
    for (const { index } of this.#indexes) index.change(step.before, step.after);
  }

  /** Starts an empty shadow; a new spec (after a schema conversion) holds for its rows, and for all from the swap on. */
  openShadow(spec: TableSpec | undefined): void {
    this.dropShadow();
    if (spec !== undefined) {
      this.#spec = spec;
      this.#addIndexes();
    }
    const changes = new TableChanges(this.#spec.name, this.#spec.columns);
    this.#shadow = { rows: new Map(), changes, kept: 0, scan: undefined, scanned: false };
  }

  /** False if the shadow has the row already. A row equal to the live one keeps that object. */
  addToShadow(row: Row): boolean {
    const shadow = this.#shadow as Shadow;
    const before = this.#rows.get(row._uuid);
    const after = before !== undefined && sameColumns(before, row, this.#spec.columns) ? before : row;
    const count = shadow.rows.size;
    if (shadow.rows.set(row._uuid, after).size === count) return false;
    if (before !== undefined) shadow.kept++;
    if (before !== after) shadow.changes.note(before, after);
    for (const { index } of this.#indexes) index.addToShadow(after);
    return true;
  }

  /** Looks for rows that the snapshot no longer has, at most so many at a time. True when all have been looked at. */
  settleShadow(rowsMax: number): boolean {
    const shadow = this.#shadow as Shadow;
    if (shadow.scanned) return true;
    if (shadow.kept < this.#rows.size) {
      shadow.scan ??= this.#rows.values();
      for (let count = 0; count < rowsMax; count++) {
        const { value: row, done } = shadow.scan.next();
        if (done === true) break;
        if (!shadow.rows.has(row._uuid)) shadow.changes.note(row, undefined);
        if (count === rowsMax - 1) return false;
      }
    }
    shadow.scanned = true;
    return true;
  }

  /** Makes the shadow live, whatever its size in one go. */
  swapShadow(): TableChanges {
    const shadow = this.#shadow as Shadow;
    this.#rows = shadow.rows;
    for (const { index } of this.#indexes) index.swap();
    this.#shadow = undefined;
    return shadow.changes;
  }

  dropShadow(): void {
    this.#shadow = undefined;
    for (const { index } of this.#indexes) index.dropShadow();
  }

  #addIndexes(): void {
    const { schema, columns, indexes = [] } = this.#spec;
    for (const index of schema.indexes) {
      if (!index.every((column) => columns.includes(column))) continue;
      const name = index.join("_");
      if (!this.named.has(name)) this.named.set(name, this.index({ columns: index, unique: true }));
    }
    for (const definition of indexes) this.index(definition);
  }
}
