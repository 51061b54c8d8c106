/** What rows that arrive one by one have in common with a content that is held. */
import type { DatabaseContent, TableRows } from "@ovnha/dbfile";
import { type JsonObject, stringifyJson } from "@ovnha/ovsdb/core";

export type TableDifference = { readonly added: number; readonly removed: number; readonly changed: number };

export type RowDifference = {
  readonly kind: "added" | "removed" | "changed";
  readonly table: string;
  readonly uuid: string;
  /** The columns that differ, for a changed row. */
  readonly columns: readonly string[];
};

export type Difference = {
  /** Tables that differ. `added` rows are not in the backup, `removed` ones are only there. */
  readonly tables: { readonly [table: string]: TableDifference };
  readonly rows: number;
  readonly equal: number;
  /** Some of the rows that differ. */
  readonly examples: readonly RowDifference[];
};

const DECODER = new TextDecoder();

export class Comparison {
  readonly #content: DatabaseContent;
  readonly #examplesMax: number;
  readonly #seen = new Map<string, Set<string>>();
  readonly #added = new Map<string, number>();
  readonly #changed = new Map<string, number>();
  readonly #examples: RowDifference[] = [];
  #rows = 0;
  #equal = 0;

  constructor(content: DatabaseContent, examplesMax = 20) {
    this.#content = content;
    this.#examplesMax = examplesMax;
  }

  /** A row of the other side. Columns that it leaves out have their default. */
  take(table: string, uuid: string, row: JsonObject): void {
    this.#rows++;
    const held = this.#content.tables.get(table);
    const bytes = held?.bytesOf(uuid);
    if (held === undefined || bytes === undefined) {
      count(this.#added, table);
      this.#example({ kind: "added", table, uuid, columns: [] });
      return;
    }
    let seen = this.#seen.get(table);
    if (seen === undefined) {
      seen = new Set();
      this.#seen.set(table, seen);
    }
    seen.add(uuid);
    // A backup that was read from a server has the very text that the server would send again.
    if (stringifyJson(row) === DECODER.decode(bytes)) {
      this.#equal++;
      return;
    }
    const columns = differing(held, uuid, row);
    if (columns.length === 0) this.#equal++;
    else {
      count(this.#changed, table);
      this.#example({ kind: "changed", table, uuid, columns });
    }
  }

  /** All rows of the other side were taken. */
  finish(): Difference {
    const tables: Record<string, TableDifference> = {};
    const names = new Set([...this.#content.tables.keys(), ...this.#added.keys()]);
    for (const table of names) {
      const held = this.#content.tables.get(table);
      const seen = this.#seen.get(table) ?? new Set();
      const removed = (held?.size ?? 0) - seen.size;
      const difference = { added: this.#added.get(table) ?? 0, removed, changed: this.#changed.get(table) ?? 0 };
      if (Object.values(difference).every((rows) => rows === 0)) continue;
      tables[table] = difference;
      if (removed === 0 || held === undefined) continue;
      for (const uuid of held.uuids()) {
        if (this.#examples.length >= this.#examplesMax) break;
        if (!seen.has(uuid)) this.#example({ kind: "removed", table, uuid, columns: [] });
      }
    }
    return { tables, rows: this.#rows, equal: this.#equal, examples: this.#examples };
  }

  #example(example: RowDifference): void {
    if (this.#examples.length < this.#examplesMax) this.#examples.push(example);
  }
}

/** Columns of the held schema whose values differ; others can't be compared. */
function differing(held: TableRows, uuid: string, row: JsonObject): string[] {
  const known = Object.fromEntries(Object.entries(row).filter(([name]) => held.schema.columns.has(name)));
  const before = held.get(uuid);
  if (before === undefined) return [];
  return held.codec.changedColumns(before, held.decode(uuid, known)).filter((name) => {
    const column = held.schema.columns.get(name);
    return column !== undefined && !column.ephemeral;
  });
}

function count(counts: Map<string, number>, table: string): void {
  counts.set(table, (counts.get(table) ?? 0) + 1);
}

export function isSame({ tables }: Difference): boolean {
  return Object.keys(tables).length === 0;
}
